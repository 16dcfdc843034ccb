import { assert, describe, it } from "@effect/vitest"
import { execFileSync, spawn } from "node:child_process"
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { at, cli, folder, lines, runOf } from "./cli.ts"
import { standIn } from "./standIn.ts"

/** A key, and Claude's own address: these commands end before they send anything. */
const keyOnly = { ANTHROPIC_API_KEY: "some-key" }

describe("effect-claude run", () => {
  it("runs a job against any server that speaks the API, and retries transient failures", async () => {
    const server = await standIn((call) => (call % 50 === 7 ? 500 : call % 50 === 31 ? 529 : undefined))
    const files = folder(120)
    const { code, stderr, stdout } = await cli(runOf(files), { env: at(server.url) })
    assert.strictEqual(code, 0, stderr)
    assert.strictEqual(new Set(lines(files.output).map(({ key }) => key)).size, 120)
    assert.strictEqual(lines(files.output).length, 120)
    assert.match(stdout, /^120 of 120 rows are done: .*out\.jsonl/)
    assert.match(stdout, new RegExp(`120 calls \\(${server.calls() - 120} retries\\)`))
    server.close()
  })

  it("ends with 1 if a line of the input is broken, names the file, line and field, and runs the other rows", async () => {
    const server = await standIn()
    const files = folder(20, (line, index) => (index === 11 ? '{"id":12,"subject":3}' : line))
    const { code, stdout } = await cli(runOf(files), { env: at(server.url) })
    assert.strictEqual(code, 1)
    assert.match(stdout, /^19 of 20 rows are done/)
    assert.match(stdout, /mails\.jsonl line 12: "subject" must be a string.*fix the line, and run again/i)
    assert.strictEqual(server.calls(), 19)
    server.close()
  })

  it("ends with 3 if the key is refused, and resumes at the same row", async () => {
    const refusing = await standIn((call) => (call > 5 ? 401 : undefined))
    const files = folder(20)
    const { code, stdout } = await cli(runOf(files, "--concurrency", "1"), { env: at(refusing.url) })
    refusing.close()
    assert.strictEqual(code, 3)
    assert.match(stdout, /^5 of 20 rows are done/)
    assert.match(stdout, /Stopped: Unauthenticated \(401\): invalid x-api-key; check ANTHROPIC_API_KEY \(request req_/)
    assert.match(stdout, /15 rows are pending: correct this, and then run the same command again to continue\./)

    const server = await standIn()
    assert.deepInclude(await cli(runOf(files), { env: at(server.url) }), { code: 0 })
    assert.strictEqual(server.calls(), 15)
    assert.strictEqual(lines(files.output).length, 20)
    server.close()
  })

  it("ends with 3 if its budget does not cover the next call, and resumes with a larger one", async () => {
    const server = await standIn()
    const files = folder(5)
    const { code, stdout } = await cli(runOf(files, "--budget", "0.01 USD"), { env: at(server.url) })
    assert.strictEqual(code, 3)
    assert.match(
      stdout,
      /Stopped: BudgetExceeded: the budget of this job has \$0\.0100 of \$0\.0100 left, and this call may cost up to \$0\.0\d+; raise the budget, or lower max_tokens \(\d+\)\. 5 rows are pending: run the same command again with a larger --budget to continue\./
    )
    assert.deepInclude(await cli(runOf(files, "--budget", "1 USD"), { env: at(server.url) }), { code: 0 })
    const wrong = await cli(runOf(files, "--budget", "5 EUR"), { env: at(server.url) })
    assert.strictEqual(wrong.code, 2)
    assert.notInclude(wrong.stderr, "Schema")
    assert.include(wrong.stderr, '"5 EUR" is not a budget: write an amount above 0, such as "5 USD"')
    server.close()
  })

  it("asks the model of --fallback where the model of the job does not answer", async () => {
    const server = await standIn((call) => (call === 1 ? 404 : undefined))
    const flags = ["--model", "claude-retired-1", "--fallback", "claude-haiku-4-5"]
    assert.deepInclude(await cli(runOf(folder(1), ...flags), { env: at(server.url) }), { code: 0 })
    assert.deepStrictEqual(server.models(), ["claude-retired-1", "claude-haiku-4-5"])
    server.close()
  })

  it("runs the failed rows only with `retry`, and lists all failures in a file", async () => {
    const server = await standIn((call) => (call === 2 || call === 4 ? 400 : undefined))
    const files = folder(6)
    const limited = await cli(runOf(files, "--concurrency", "1", "--limit", "5"), { env: at(server.url) })
    assert.strictEqual(limited.code, 3)
    const failures = files.output.replace(".jsonl", ".failures.jsonl")
    assert.include(limited.stdout, `All failed rows, with attempts and cost: ${failures}\n`)
    assert.deepStrictEqual(
      readFileSync(failures, "utf8")
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line).key),
      ["2", "4"]
    )
    const [, ...rest] = runOf(files)
    assert.deepInclude(await cli(["retry", ...rest, "--rerun"], { env: at(server.url) }), { code: 2 })
    const { code, stdout } = await cli(["retry", ...rest], { env: at(server.url) })
    assert.strictEqual(code, 0, stdout)
    assert.include(stdout, "1 row is not selected, and pending.")
    assert.match(stdout, /^5 of 6 rows are done/)
    const again = await cli(["retry", ...rest], { env: at(server.url) })
    assert.include(again.stdout, "No row has failed: nothing to retry. 1 row is pending.")
    const selected = await cli(["retry", ...rest, "--where", "id=6"], { env: at(server.url) })
    assert.include(selected.stdout, "No failed row has id=6: nothing to retry. 1 row is pending.")
    assert.strictEqual(server.calls(), 7)
    server.close()
  })

  it("runs the same rows with --sample every time", async () => {
    const server = await standIn()
    const files = folder(20)
    const keys = async (sample: number, output: string) => {
      const { code } = await cli(runOf({ ...files, output }, "--sample", String(sample)), { env: at(server.url) })
      assert.strictEqual(code, 0)
      return lines(output).map(({ key }) => key)
    }
    const five = await keys(5, join(files.path, "five.jsonl"))
    const eight = await keys(8, join(files.path, "eight.jsonl"))
    assert.lengthOf(five, 5)
    assert.lengthOf(eight, 8)
    assert.includeMembers(eight, five)
    server.close()
  })

  it("stops after --max-failures failed rows", async () => {
    const server = await standIn((call) => (call % 2 === 0 ? 400 : undefined))
    const flags = ["--concurrency", "1", "--max-failures", "3"]
    const { code, stdout } = await cli(runOf(folder(40), ...flags), { env: at(server.url) })
    assert.strictEqual(code, 3)
    assert.match(stdout, /^3 failed; /m)
    assert.match(stdout, /^Stopped: as many rows have failed as this run allows\. \d+ rows are pending: /m)
    server.close()
  })

  it("refuses a job that has changed, and continues with --keep or --rerun", async () => {
    const server = await standIn()
    const files = folder(6)
    // A process loads a file once.
    const withPrompt = (prompt: string) => {
      const job = join(files.path, `${prompt}.ts`)
      writeFileSync(
        job,
        `import { Step } from "effect-claude"
        import mails from ${JSON.stringify(resolve("test/run/mails.job.ts"))}
        export default { ...mails, step: Step.text("answer", ({ subject }) => \`${prompt} \${subject}\`) }`
      )
      return (...flags: ReadonlyArray<string>) => cli(runOf({ ...files, job }, ...flags), { env: at(server.url) })
    }
    assert.deepInclude(await withPrompt("Answer this mail:")("--limit", "4"), { code: 3 })
    const run = withPrompt("Answer this mail in French:")
    const changed = await run()
    assert.strictEqual(changed.code, 2)
    assert.match(
      changed.stderr,
      /^effect-claude: the job "mails" has changed since it finished rows: .*French.*; nothing was sent; run with --keep .*--rerun/m
    )
    assert.strictEqual(server.calls(), 4)
    assert.deepInclude(await run("--keep", "--rerun"), { code: 2 })
    assert.deepInclude(await run("--keep"), { code: 0 })
    assert.strictEqual(server.calls(), 6)
    const { code, stdout } = await run("--rerun")
    assert.strictEqual(code, 0)
    assert.match(stdout, /^6 of 6 rows are done/)
    assert.match(stdout, /^state: 2 answers reused, saved \$0\.0\d+$/m)
    assert.strictEqual(server.calls(), 10)
    server.close()
  })

  it("reports what all runs cost, and the replies that a run did not pay for again", async () => {
    const server = await standIn()
    const files = folder(20)
    await cli(runOf(files, "--limit", "8"), { env: at(server.url) })
    const { stdout } = await cli(runOf(files), { env: at(server.url) })
    assert.match(stdout, /^12 calls .*: this run \$0\.0\d+, all runs \$0\.0\d+$/m)
    server.close()
  })

  it("ends with 2 if the output cannot be written, sends nothing, and creates no files", async () => {
    const server = await standIn()
    const files = folder(3)
    mkdirSync(files.output)
    const { code, stderr } = await cli(runOf(files), { env: at(server.url) })
    assert.strictEqual(code, 2)
    assert.match(stderr, /out\.jsonl.*folder.* \(flag: --output\)$/m)
    assert.strictEqual(server.calls(), 0)
    assert.deepStrictEqual(readdirSync(files.path), ["mails.jsonl", "out.jsonl"])
    server.close()
  })

  it("creates no files without its input, without a key, or with an unknown output format", async () => {
    const files = folder(3)
    const output = join(files.path, "new", "out.jsonl")
    const nowhere = { ...files, input: join(files.path, "nowhere.jsonl"), output }
    const missing = await cli(runOf(nowhere), { env: keyOnly })
    assert.strictEqual(missing.code, 2)
    assert.match(missing.stderr, /nowhere\.jsonl: there is no such file.* \(flag: --input\)$/m)
    const cache = ["--cache", join(files.path, "cache.sqlite")]
    assert.deepInclude(await cli(runOf({ ...files, output }, ...cache)), { code: 2 })
    const sheet = runOf({ ...files, output: `${output}.xlsx` }, ...cache)
    assert.deepInclude(await cli(sheet, { env: keyOnly }), { code: 2 })
    assert.deepStrictEqual(readdirSync(files.path), ["mails.jsonl"])
  })

  it.skipIf(process.platform !== "linux")(
    "ends with 2 if it cannot create the folder (on Linux: under /proc)",
    async () => {
      const { code, stderr } = await cli(runOf({ ...folder(3), output: "/proc/nowhere/out.jsonl" }), { env: keyOnly })
      assert.strictEqual(code, 2)
      assert.match(stderr, /\/proc\/nowhere/)
    }
  )

  it("ends with 2 when the output has the lines of another job in the same state", async () => {
    const server = await standIn()
    const files = folder(3)
    await cli(runOf(files), { env: at(server.url) })
    const letters = runOf({ ...files, job: "test/run/letters.job.ts" })
    const { code, stderr } = await cli(letters, { env: at(server.url) })
    assert.strictEqual(code, 2)
    assert.match(stderr, /out\.jsonl: has lines that this state does not know.* \(flag: --output\)/)
    server.close()
  })

  it("ends with 2 when the state has answers of the emulator, and sends nothing", async () => {
    const server = await standIn()
    const files = folder(3)
    assert.deepInclude(await cli(runOf(files, "--emulator")), { code: 0 })
    const rehearsed = readFileSync(files.output, "utf8")
    const { code, stderr } = await cli(runOf(files), { env: at(server.url) })
    assert.strictEqual(code, 2)
    assert.match(stderr, /out\.state\.sqlite is for the emulator's answers, not Claude's, .*; use another --state/)
    assert.strictEqual(server.calls(), 0)
    assert.strictEqual(readFileSync(files.output, "utf8"), rehearsed)
    server.close()
  })

  it("ends with 2 when the state has answers of Claude, and the emulator would answer", async () => {
    const server = await standIn()
    const files = folder(3)
    await cli(runOf(files), { env: at(server.url) })
    const { code, stderr } = await cli(runOf(files, "--emulator"))
    assert.strictEqual(code, 2)
    assert.match(stderr, /out\.state\.sqlite is for Claude's answers, not the emulator's, .*; use another --state/)
    server.close()
  })

  it("answers a second run from --cache: it sends nothing, and reports the savings", async () => {
    const files = folder(20)
    const flags = ["--emulator", "--cache", join(files.path, "cache.sqlite")]
    assert.match((await cli(runOf(files, ...flags))).stdout, /^20 calls /m)
    const again = { ...files, output: join(files.path, "again.jsonl") }
    const { stdout } = await cli(runOf(again, ...flags))
    assert.match(stdout, /^0 calls .*\nresponse cache: 20 answers, saved \$0\.0\d+\nAn emulator answered, not Claude/m)
    assert.strictEqual(readFileSync(again.output, "utf8"), readFileSync(files.output, "utf8"))
  })

  it("ends with 2 when the cache cannot be opened, and shows no password", async () => {
    const files = folder(3)
    writeFileSync(join(files.path, "diary"), "Dear diary, today it rained.")
    const diary = await cli(runOf(files, "--cache", join(files.path, "diary")), { env: keyOnly })
    assert.strictEqual(diary.code, 2)
    assert.match(
      diary.stderr,
      /^effect-claude: the cache cannot be opened: .*diary: file is not a database; .* \(flag: --cache\)/
    )
    const redis = runOf(files, "--cache", "redis://me:secret@127.0.0.1:1")
    const { code, stderr } = await cli(redis, { env: keyOnly })
    assert.strictEqual(code, 2)
    assert.match(stderr, /the cache cannot be opened: redis:\/\/127\.0\.0\.1:1: .*ECONNREFUSED.* \(flag: --cache\)/)
    assert.notInclude(stderr, "secret")
  })

  it("runs without --redis if the server is down, says so once, and shows no password", async () => {
    const redis = runOf(folder(3), "--emulator", "--redis", "redis://me:secret@127.0.0.1:1")
    const { code, stderr } = await cli(redis)
    assert.strictEqual(code, 0, stderr)
    assert.lengthOf(
      stderr.match(/the rate limits cannot be shared.*redis:\/\/127\.0\.0\.1:1: .*ECONNREFUSED/g) ?? [],
      1
    )
    assert.notInclude(stderr, "secret")
  })

  it("ends with 2 when --redis is no address of a Redis", async () => {
    const { code, stderr } = await cli(runOf(folder(3), "--redis", "localhost:6379"), { env: keyOnly })
    assert.strictEqual(code, 2)
    assert.match(
      stderr,
      /^effect-claude: localhost:6379: this is no address; write redis:\/\/host:6379 \(flag: --redis\)/
    )
  })

  it("sends no more than --rpm allows", async () => {
    const server = await standIn()
    const { code } = await cli(runOf(folder(3), "--rpm", "60"), { env: at(server.url) })
    assert.strictEqual(code, 0)
    const [first = 0, second = 0, third = 0] = server.times()
    assert.isAtLeast(second - first, 450)
    assert.isAtLeast(third - first, 1450)
    server.close()
  })

  it("ends with 2 when the state cannot be opened", async () => {
    const files = folder(3)
    const diary = new DatabaseSync(join(files.path, "out.state.sqlite"))
    diary.exec("CREATE TABLE journal (entry TEXT); INSERT INTO journal VALUES ('Dear diary')")
    diary.close()
    const { code, stderr } = await cli(runOf(files), { env: keyOnly })
    assert.strictEqual(code, 2)
    assert.match(stderr, /^effect-claude: .*out\.state\.sqlite is a database of another program.* \(flag: --state\)\n$/)
  })

  it("keeps the state in PostgreSQL, and shows no password (TEST_DATABASE_URL names a database)", async ({ skip }) => {
    const { TEST_DATABASE_URL: database } = process.env
    if (database === undefined) return skip("TEST_DATABASE_URL is not set: postgres://user@127.0.0.1:5432/database")
    const server = await standIn()
    const files = folder(3)
    const name = `mails-${process.pid}-${Date.now()}`
    const job = join(files.path, "job.ts")
    writeFileSync(
      job,
      `import mails from ${JSON.stringify(resolve("test/run/mails.job.ts"))}\nexport default { ...mails, name: "${name}" }`
    )
    const state = ["--state", database.replace(/(\/\/\w+)@/, "$1:secret@")]
    const first = await cli(runOf({ ...files, job }, ...state), { env: at(server.url) })
    assert.strictEqual(first.code, 0, first.stderr)
    assert.notInclude(first.stdout + first.stderr, "secret")
    assert.deepInclude(await cli(runOf({ ...files, job }, ...state), { env: at(server.url) }), { code: 0 })
    assert.strictEqual(server.calls(), 3)
    assert.deepStrictEqual(readdirSync(files.path).toSorted(), ["job.ts", "mails.jsonl", "out.jsonl"])
    const report = await cli(["report", database, "--job", name])
    assert.deepInclude(report, { code: 0, stdout: `report: ${files.output.replace(".jsonl", ".report.html")}\n` })
    server.close()
  })

  it("ends with 2 if the output is the input, and does not change it", async () => {
    const files = folder(3)
    const { code, stderr } = await cli(runOf({ ...files, output: files.input }), { env: keyOnly })
    assert.strictEqual(code, 2)
    assert.match(stderr, /mails\.jsonl: this is the input; .* \(flag: --output\)$/m)
    assert.strictEqual(lines(files.input).length, 3)
  })

  it("names the flag of a file that is another one too, before the state is made", async () => {
    const files = folder(3)
    const refused = async (...flags: ReadonlyArray<string>) => {
      const { code, stderr } = await cli(runOf(files, ...flags), { env: keyOnly })
      assert.strictEqual(code, 2)
      return stderr
    }
    const asInput = await refused("--rejects", files.input)
    assert.match(
      asInput,
      /mails\.jsonl: this is the input; write the invalid rows to another file \(flag: --rejects\)$/m
    )
    assert.match(await refused("--rejects", `${files.path}/./out.jsonl`), /the output too; .* \(flag: --rejects\)$/m)
    assert.match(await refused("--state", files.output), /the output too; keep the state .* \(flag: --state\)$/m)
    writeFileSync(join(files.path, "notes.txt"), "notes")
    assert.match(
      await refused("--rejects", join(files.path, "notes.txt")),
      /name another file .* \(flag: --rejects\)$/m
    )
    assert.strictEqual(lines(files.input).length, 3)
    assert.isFalse(existsSync(files.output))
  })

  it.skipIf(process.platform === "win32")(
    "ends with 2 when the input is a pipe, which cannot be read twice",
    async () => {
      const files = folder(3)
      const input = join(files.path, "pipe.jsonl")
      execFileSync("mkfifo", [input])
      spawn("sh", ["-c", 'cat "$0" > "$1"', files.input, input])
      const { code, stderr } = await cli(runOf({ ...files, input }), { env: keyOnly })
      assert.strictEqual(code, 2)
      assert.match(stderr, /pipe\.jsonl: this is a pipe, and rows are read twice; save them in a file/)
    }
  )

  it("ends with 2 if the job fails before a row is claimed, and prints the message and the place in one line", async () => {
    const { output } = folder(0)
    const { code, stderr } = await cli(["run", "test/run/throwing.job.ts", "--output", output], { env: keyOnly })
    assert.strictEqual(code, 2)
    assert.match(stderr, /^effect-claude: no rows today, at \/.*throwing\.job\.ts:\d+:\d+\n$/)
  })

  it("ends with 2 without a key or without a job", async () => {
    const keyless = await cli(runOf(folder(3)))
    assert.strictEqual(keyless.code, 2)
    assert.match(
      keyless.stderr,
      /^effect-claude: ANTHROPIC_API_KEY is not set; set it to your API key, or try --emulator, which needs no key\n$/
    )
    const { stderr } = await cli(runOf({ ...folder(3), job: "nowhere.ts" }), { env: keyOnly })
    assert.match(stderr, /nowhere\.ts: there is no such file/)
  })

  it("prints a usage error in two lines on stderr, and help on stdout with --help", async () => {
    const wrong = await cli(runOf(folder(3), "--concurrency", "none"), { env: keyOnly })
    assert.deepInclude(wrong, { code: 2, stdout: "" })
    assert.strictEqual(
      wrong.stderr,
      `effect-claude run: --concurrency "none": expected a number\neffect-claude run --help shows its flags\n`
    )
    const asked = await cli(["run", "--help"])
    assert.deepInclude(asked, { code: 0, stderr: "" })
    assert.match(asked.stdout, /Usage: effect-claude run[\s\S]*--concurrency <number>/)
    const nothing = await cli([])
    assert.deepInclude(nothing, { code: 2, stdout: "" })
    assert.match(nothing.stderr, /Commands:\n  run +Run a job/)
    assert.deepInclude(await cli(["--version"]), { code: 0, stdout: "effect-claude 1.2.3\n" })
  })

  it("prints only JSON on stdout for programs, whatever the job logs", async () => {
    const server = await standIn()
    const logging = runOf({ ...folder(3), job: "test/run/logging.job.ts" }, "--json")
    const { stdout, stderr } = await cli(logging, { env: at(server.url) })
    const counts = { total: 3, done: 3, failed: 0, pending: 0, calls: 3, exitCode: 0 }
    assert.deepInclude(JSON.parse(stdout), { ...counts, cost: "0.000075", unpricedCalls: 0 })
    assert.match(stderr, /^\d\d:\d\d:\d\d INFO answering mail 0$/m)
    server.close()
  })

  it("caches the shared parts of prompts: one call writes them, the others read them", async () => {
    const house = runOf({ ...folder(20), job: "test/run/house.job.ts" }, "--emulator", "--prompt-cache", "1h", "--json")
    const { cacheReadTokens, cacheSaved, cacheWrittenTokens, done } = JSON.parse((await cli(house)).stdout)
    assert.strictEqual(done, 20)
    assert.isAbove(cacheWrittenTokens, 3000)
    assert.strictEqual(cacheReadTokens, 19 * cacheWrittenTokens)
    assert.isAbove(Number(cacheSaved), 0)
  })

  it("uses the model of --model for prompts without a model, even if the job has a default model", async () => {
    const server = await standIn()
    const model = async (job: string, ...flags: ReadonlyArray<string>) => {
      assert.deepInclude(await cli(runOf({ ...folder(1), job }, ...flags), { env: at(server.url) }), { code: 0 })
      return server.models().at(-1)
    }
    const haiku = ["--model", "claude-haiku-4-5"]
    assert.strictEqual(await model("test/run/mails.job.ts"), "claude-sonnet-5-5")
    assert.strictEqual(await model("test/run/mails.job.ts", ...haiku), "claude-haiku-4-5")
    assert.strictEqual(await model("test/run/opus.job.ts"), "claude-opus-5-5")
    assert.strictEqual(await model("test/run/opus.job.ts", ...haiku), "claude-haiku-4-5")
    server.close()
  })

  it("refuses a job whose step needs a missing service: it sends nothing, and no row fails", async () => {
    const server = await standIn()
    const files = folder(3)
    const { code, stderr, stdout } = await cli(runOf({ ...files, job: "test/run/needs.job.ts" }), {
      env: at(server.url)
    })
    assert.deepStrictEqual({ code, stdout }, { code: 2, stdout: "" })
    assert.match(stderr, /^effect-claude: the job uses the service "Database", which nothing provides; .*layer.*\n$/)
    assert.strictEqual(server.calls(), 0)
    server.close()
  })
})

describe("effect-claude emulate", () => {
  const emulate = (...args: ReadonlyArray<string>) => cli(["emulate", ...args])

  /** Runs JavaScript against the emulator, and returns the value that it assigns to `result`. */
  const against = async (flags: ReadonlyArray<string>, script: string) => {
    const file = join(folder(0).path, "result")
    const body = `const { ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: key } = process.env
      const headers = { "x-api-key": key, "anthropic-version": "2023-06-01" }
      const params = { model: "claude-haiku-4-5", max_tokens: 9, messages: [{ role: "user", content: "Hi" }] }
      const post = (path, body) => fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) })
      ${script}
      require("node:fs").writeFileSync(${JSON.stringify(file)}, String(result))`
    const node = [process.execPath, "-e", `(async () => { ${body} })()`]
    assert.deepInclude(await emulate(...flags, "--", ...node), { code: 0, stderr: "" })
    return readFileSync(file, "utf8")
  }

  it.skipIf(process.platform === "win32")("exits as the program does, even if a signal ends it", async () => {
    const shell = (script: string) => emulate("--", "sh", "-c", script)
    assert.deepInclude(await shell("exit 7"), { code: 7, stderr: "" })
    assert.deepInclude(await shell("kill -TERM $$"), { code: 143, stderr: "" })
    assert.deepInclude(await shell("kill -INT $$"), { code: 130, stderr: "" })
    assert.deepInclude(await shell("kill -KILL $$"), { code: 137, stderr: "" })
  })

  it("exits with 127 for a missing program and with 126 for one that is not executable, and reports it", async () => {
    const missing = await emulate("--", "no-such-program", "app.ts")
    assert.strictEqual(missing.code, 127)
    assert.strictEqual(
      missing.stderr,
      "effect-claude: no-such-program: there is no such program; check its name and PATH\n"
    )
    const { input } = folder(1)
    chmodSync(input, 0o644)
    const text = await emulate("--", input)
    assert.strictEqual(text.code, 126)
    assert.match(text.stderr, /^effect-claude: .*mails\.jsonl: not executable; check its permissions\n$/)
  })

  it("injects the faults of --faults", async () => {
    const script = `const seen = []
      while (seen.length < 3) seen.push(await post("/v1/messages", params).then(({ status }) => status, () => "none"))
      const result = seen.join(" ")`
    assert.strictEqual(await against(["--faults", "529:1x,reset:1x"], script), "529 none 200")
  })

  it("processes batches and limits spending as its flags define", async () => {
    const script = `const batch = await post("/v1/messages/batches", { requests: [{ custom_id: "a", params }] })
      const { created_at, id, results_url } = await batch.json()
      let look = { results_url }
      while (look.results_url === null) look = await (await fetch(url + "/v1/messages/batches/" + id, { headers })).json()
      const took = Date.parse(look.ended_at) - Date.parse(created_at)
      const result = took + " " + (await post("/v1/messages", params)).status`
    assert.strictEqual(await against(["--batch-processing", "50", "--spend-limit", "0.000001"], script), "50 429")
  })

  it("listens on the address of --host", async () => {
    assert.strictEqual(await against(["--host", "0.0.0.0"], "const result = new URL(url).hostname"), "0.0.0.0")
    const { code, stderr } = await emulate("--host", "no-such-host.invalid")
    assert.strictEqual(code, 2)
    assert.match(stderr, /^effect-claude: the emulator cannot listen: .*; choose another --host or --port$/m)
  })

  it("ends with 2 on an unknown fault, and lists the known ones", async () => {
    const { code, stderr } = await emulate("--faults", "429:0.02,cats:0.5")
    assert.strictEqual(code, 2)
    assert.match(
      stderr,
      /"cats:0\.5" is not a fault: write name:rate, such as 429:0\.02.*the names are 401, .* stall, cut,/
    )
  })

  it("ends with 2 if the port is in use, or the port or the speed is out of range", async () => {
    const server = await standIn()
    const { code, stderr } = await emulate("--port", new URL(server.url).port)
    assert.strictEqual(code, 2)
    assert.match(stderr, /^effect-claude: the emulator cannot listen: .*EADDRINUSE.*; choose another --port$/m)
    server.close()
    const port = await emulate("--port", "99999")
    assert.strictEqual(port.code, 2)
    assert.match(port.stderr, /65535/)
    const speed = await emulate("--tokens-per-second", "0")
    assert.strictEqual(speed.code, 2)
    assert.match(speed.stderr, /greater than 0/)
  })
})
