import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { at, cli, folder, runOf } from "./cli.ts"
import { standIn } from "./standIn.ts"

describe("effect-claude report", () => {
  it("writes a page next to the results, or elsewhere, and prints JSON", async () => {
    const server = await standIn((call) => (call === 3 ? 400 : undefined))
    const files = folder(6)
    await cli(runOf(files, "--concurrency", "1"), { env: at(server.url) })
    const { code, stdout } = await cli(["report", files.output])
    const page = files.output.replace(".jsonl", ".report.html")
    assert.deepStrictEqual([code, stdout], [0, `report: ${page}\n`])
    const text = readFileSync(page, "utf8")
    assert.match(text, /^<!doctype html>/)
    assert.match(text, /<h1>mails<\/h1>/)
    assert.isFalse(existsSync(`${page}.part`))

    const state = files.output.replace(".jsonl", ".state.sqlite")
    const json = JSON.parse((await cli(["report", state, "--json"])).stdout)
    assert.deepInclude(json.rows, { total: 6, done: 5, failed: 1 })
    assert.strictEqual(json.runs[0].outcome, "done")
    assert.lengthOf(json.details.failed, 1)

    const elsewhere = join(files.path, "other.html")
    assert.strictEqual((await cli(["report", state, "--output", elsewhere])).stdout, `report: ${elsewhere}\n`)
    assert.isTrue(existsSync(elsewhere))
    server.close()
  })

  it("says where the page cannot be written", async () => {
    const server = await standIn()
    const files = folder(1)
    await cli(runOf(files), { env: at(server.url) })
    const { code, stderr } = await cli(["report", files.output, "--output", join(files.path, "no", "such.html")])
    assert.strictEqual(code, 2)
    assert.match(stderr, /^effect-claude: the report cannot be written: /)
    server.close()
  })
})
