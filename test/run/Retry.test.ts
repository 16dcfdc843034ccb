import { assert, describe, it } from "@effect/vitest"
import { mkdirSync, readFileSync, renameSync } from "node:fs"
import { join, relative, resolve } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { onTestFinished } from "vitest"
import { at, cli, folder, lines, runOf } from "./cli.ts"
import { standIn } from "./standIn.ts"

describe("effect-claude retry of a state", () => {
  it("runs the failed rows of a run with its flags, of which the given ones win", async () => {
    const { env, server } = await failing(2, 4)
    const files = folder(6)
    const model = ["--model", "claude-opus-5-5", "--max-failures", "9"]
    const first = await cli(runOf(files, "--concurrency", "1", "--limit", "5", "--rerun", ...model), { env })
    assert.strictEqual(first.code, 3)
    const { code, stderr, stdout } = await cli(["retry", files.output, "--limit", "1"], { env })
    assert.strictEqual(code, 3, stderr)
    assert.match(stdout, /^4 of 6 rows are done/)
    const haiku = ["--keep", "--model=claude-haiku-4-5"]
    assert.strictEqual((await cli(["retry", files.output, ...haiku], { env })).code, 0)
    assert.deepStrictEqual(
      lines(files.output).map(({ key }) => key),
      ["1", "2", "3", "4", "5"]
    )
    assert.deepStrictEqual(server.models().slice(5), ["claude-opus-5-5", "claude-haiku-4-5"])
    const none = await cli(["retry", files.output, ...haiku, "--json"], { env })
    assert.deepInclude(JSON.parse(none.stdout), { done: 5, failed: 0, pending: 1 })
    assert.strictEqual(server.calls(), 7)
  })

  it("runs the failed rows of map, and names the job of a state that holds several", async () => {
    const { env, server } = await failing(2)
    const files = folder(3)
    const state = join(files.path, "both.db")
    const map = (prompt: string, output: string) =>
      cli(
        ["map", files.input, "--prompt", prompt, "--key", "id", "--state", state, "--output", join(files.path, output)],
        { env }
      )
    const one = await map("Read it's {{subject}}", "one.csv")
    assert.strictEqual(one.code, 1)
    assert.deepInclude(await map("{{subject}}", "two.csv"), { code: 0 })
    const unnamed = await cli(["retry", state], { env })
    assert.match(unnamed.stderr, /holds 2 jobs: name one with --job: "one", "two"/)
    const flags = ["--job", "one", "--max-tokens", "8000", "--keep"]
    const { code, stderr } = await cli(["retry", state, ...flags], { env })
    assert.strictEqual(code, 0, stderr)
    assert.strictEqual(server.calls(), 7)
    assert.strictEqual(server.requests().at(-1)?.max_tokens, 8000)
    assert.match(server.requests().at(-1)?.messages[0].content ?? "", /^Read it's mail \d$/)
  })

  it("runs only rows that failed for the reason of --reason, and lists the reasons there are", async () => {
    const { env, server } = await failing(2, 4)
    const files = folder(5)
    await cli(runOf(files, "--concurrency", "1"), { env })
    const other = await cli(["retry", files.output, "--reason", "Overloaded"], { env })
    assert.deepInclude(other, { code: 2, stdout: "" })
    assert.match(other.stderr, /no failed row has the reason Overloaded: the reasons are InvalidRequest \(2 rows\)\n$/)
    const reason = "InvalidRequest"
    assert.deepInclude(await cli(["retry", files.output, "--reason", reason], { env }), { code: 0 })
    assert.strictEqual(server.calls(), 7)
    const again = await cli(["retry", files.output, "--reason", reason], { env })
    assert.match(again.stdout, /^5 of 5 rows are done/)
  })

  it("runs in the folder where the run began, and takes given files from its own", async () => {
    const { env } = await failing(2)
    const files = folder(3)
    const there = join(files.path, "there")
    mkdirSync(there)
    const inFolder = async (place: string, args: ReadonlyArray<string>) => {
      const before = process.cwd()
      process.chdir(place)
      try {
        return await cli(args, { env })
      } finally {
        process.chdir(before)
      }
    }
    const job = relative(there, resolve(files.job))
    const began = ["run", job, "--input", "../mails.jsonl", "--output", "out.jsonl", "--concurrency", "1"]
    assert.strictEqual((await inFolder(there, began)).code, 1)
    const status = await inFolder(files.path, ["status", "there/out.jsonl"])
    assert.include(status.stdout, "To run only the failed rows: effect-claude retry there/out.state.sqlite")
    const retried = await inFolder(files.path, ["retry", "there/out.jsonl", "--rejects", "bad.jsonl"])
    assert.strictEqual(retried.code, 0)
    assert.include(retried.stderr, `the run began in ${there}: its relative paths are from there\n`)
    assert.strictEqual(lines(join(there, "out.jsonl")).length, 3)

    renameSync(there, join(files.path, "gone"))
    const gone = await inFolder(files.path, ["retry", "gone/out.jsonl"])
    assert.deepInclude(gone, { code: 2, stdout: "" })
    assert.match(gone.stderr, /the run began in .*there, which no longer exists, so its relative paths lead nowhere/)
  })

  it("asks for what is not stored: passwords", async () => {
    const { env } = await failing()
    const files = folder(1)
    const redis = ["--redis", "redis://me:secret@127.0.0.1:1"]
    await cli(runOf(files), { env })
    assert.strictEqual((await cli(runOf(files, ...redis), { env })).code, 0)
    assert.notInclude(readFileSync(stateOf(files.output), "latin1"), "secret")
    const { code, stderr } = await cli(["retry", files.output], { env })
    assert.strictEqual(code, 2)
    assert.match(
      stderr,
      /passwords and standard input are not stored: give --redis again, or the whole command: effect-claude run .* --redis …\n$/
    )
  })

  it("says how to retry where a program or an earlier version has run the job", async () => {
    const { env } = await failing()
    const files = folder(1)
    await cli(runOf(files), { env })
    const database = new DatabaseSync(stateOf(files.output))
    database.exec("UPDATE effect_claude_jobs SET command = NULL")
    database.close()
    const { code, stderr } = await cli(["retry", files.output], { env })
    assert.strictEqual(code, 2)
    assert.match(stderr, /does not keep the command of "mails", .* as in effect-claude retry job\.ts --output/)
    const twice = await cli(["retry", files.output, "--state", "other.db"], { env })
    assert.match(twice.stderr, /out\.jsonl names the state already: leave --state out\n$/)
  })

  const database = process.env["TEST_DATABASE_URL"]
  it.skipIf(database === undefined)("runs the failed rows of a state in PostgreSQL: TEST_DATABASE_URL", async () => {
    const state = database ?? ""
    const { env, server } = await failing(2)
    const files = folder(3)
    const name = `retry-${process.pid}`
    const map = ["map", files.input, "--prompt", "{{subject}}", "--key", "id", "--output", files.output, "--name", name]
    assert.strictEqual((await cli([...map, "--state", state, "--concurrency", "1"], { env })).code, 1)
    const { code, stderr } = await cli(["retry", state, "--job", name, "--reason", "InvalidRequest"], { env })
    assert.strictEqual(code, 0, stderr)
    assert.strictEqual(server.calls(), 4)
  })
})

describe("effect-claude status", () => {
  it("shows the command to continue, and that for the failed rows", async () => {
    const { env } = await failing(2)
    const files = folder(3)
    await cli(["--log-level", "warn", ...runOf(files, "--concurrency", "1", "--limit", "2", "--yes")], { env })
    const { stdout } = await cli(["status", files.output])
    const [retry, next] = stdout.trimEnd().split("\n").toReversed()
    const command = ["effect-claude", ...runOf(files, "--concurrency", "1", "--limit", "2")].join(" ")
    assert.strictEqual(next, `To continue: ${command}`)
    assert.strictEqual(retry, `To run only the failed rows: effect-claude retry ${stateOf(files.output)}`)
    const json = JSON.parse((await cli(["status", files.output, "--json"])).stdout)
    assert.deepInclude(json, { continue: command, retry: `effect-claude retry ${stateOf(files.output)}` })
  })
})

// Builders

/** A server on which calls fail for good, by their number from 1. */
const failing = async (...calls: ReadonlyArray<number>) => {
  const server = await standIn((call) => (calls.includes(call) ? 400 : undefined))
  onTestFinished(server.close)
  return { server, env: at(server.url) }
}

const stateOf = (output: string) => output.replace(".jsonl", ".state.sqlite")
