import { assert, describe, it } from "@effect/vitest"
import { readdirSync, renameSync } from "node:fs"
import { join } from "node:path"
import { at, cli, folder, runOf } from "./cli.ts"
import { standIn } from "./standIn.ts"

describe("effect-claude status", () => {
  it("shows rows, cost and the latest failures of a state, which may be named by its output", async () => {
    const server = await standIn((call) => (call === 3 ? 400 : undefined))
    const files = folder(20, (line, index) => (index === 11 ? '{"id":12,"subject":3}' : line))
    await cli(runOf(files, "--limit", "10", "--concurrency", "1"), { env: at(server.url) })
    const before = readdirSync(files.path)
    const state = files.output.replace(".jsonl", ".state.sqlite")
    const { code, stdout } = await cli(["status", files.output])
    assert.strictEqual(code, 0)
    const [rows, open, cost, heading, failure] = stdout.split("\n")
    assert.strictEqual(rows, `mails: 9 of 19 rows are done, 1 failed, 9 pending, 1 invalid (state: ${state})`)
    assert.strictEqual(open, "No run is on: run the same command again to continue.")
    assert.match(cost ?? "", /^10 calls, \$0\.\d+$|^9 calls, \$0\.\d+$/)
    assert.strictEqual(heading, "Latest failures:")
    assert.match(failure ?? "", /^ {2}3: .*400/)
    assert.deepStrictEqual(readdirSync(files.path), before)

    const json = JSON.parse((await cli(["status", state, "--json"])).stdout)
    assert.deepInclude(json, {
      job: "mails",
      state,
      total: 19,
      done: 9,
      failed: 1,
      pending: 9,
      invalid: 1,
      openIn: null
    })
    server.close()
  })

  it("shows that the next run begins paused, and no setting, since a run begins with its own", async () => {
    const files = folder(2)
    await cli([...runOf(files, "--emulator", "--limit", "1")])
    await cli(["pause", files.output])
    assert.strictEqual((await cli(["set", files.output, "--concurrency", "4"])).code, 2)
    const { stdout } = await cli(["status", files.output])
    assert.match(stdout, /^At its start, the next run will: begin paused$/m)
  })

  it("says what to name where there is no state", async () => {
    const { input, path } = folder(1)
    const refused = async (...args: ReadonlyArray<string>) => (await cli(["status", ...args])).stderr
    assert.match(
      await refused(input),
      /mails\.jsonl has no state next to it, which would be .*mails\.state\.sqlite; if the run had --state, name that state in place of .*mails\.jsonl\n$/
    )
    assert.match(await refused(join(path, "no.sqlite")), /no\.sqlite: there is no such state\n$/)
    assert.match(
      await refused("job.ts"),
      /^effect-claude: job\.ts is a program: name the state of its job, or the output/
    )
    renameSync(input, join(path, "mails.db"))
    assert.match(await refused(join(path, "mails.db")), /mails\.db: file is not a database; use another file/)
  })

  const database = process.env["TEST_DATABASE_URL"]
  it.skipIf(database === undefined)(
    "shows all jobs of a database or one of them, and names them where there is no such job: TEST_DATABASE_URL",
    async () => {
      const server = await standIn()
      const run = (job: string) =>
        cli(runOf({ ...folder(3), job: `test/run/${job}.job.ts` }, "--state", database ?? ""), { env: at(server.url) })
      await run("mails")
      await run("house")
      const all = await cli(["status", database ?? ""])
      assert.match(all.stdout, /^house: 3 of 3 rows are done \(state: postgres:\/\/127[^@]*\)$/m)
      assert.match(all.stdout, /^mails: 3 of 3 rows are done/m)
      const one = await cli(["status", database ?? "", "--job", "mails", "--json"])
      assert.deepInclude(JSON.parse(one.stdout), { job: "mails", done: 3 })
      const none = await cli(["status", database ?? "", "--job", "third"])
      assert.match(none.stderr, /holds no job "third"; its jobs are: .*"house", .*"mails"/)
      server.close()
    }
  )
})
