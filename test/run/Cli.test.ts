import { assert, describe, it } from "@effect/vitest"
import { execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { afterAll } from "vitest"
import { standIn } from "./standIn.ts"

describe("effect-claude run", () => {
  it("runs a job against any server that speaks the API, and tries again what failed for a moment", async () => {
    const server = await standIn((call) => (call % 50 === 7 ? 429 : call % 50 === 31 ? 529 : undefined))
    const files = folder(300)
    const { code, stderr, stdout } = await cli(files, server.url)
    assert.strictEqual(code, 0, stderr)
    assert.strictEqual(new Set(lines(files.output).map(({ key }) => key)).size, 300)
    assert.strictEqual(lines(files.output).length, 300)
    assert.match(stdout, /^300 of 300 rows are done: .*out\.jsonl/)
    assert.match(stdout, new RegExp(`${server.calls()} calls \\(${server.calls() - 300} retries\\)`))
    server.close()
  })

  it("ends with 1 when a line of the input is broken: names file, line and field, and runs the rest", async () => {
    const server = await standIn()
    const files = folder(20, (line, index) => (index === 11 ? '{"id":12,"subject":3}' : line))
    const { code, stdout } = await cli(files, server.url)
    assert.strictEqual(code, 1)
    assert.match(stdout, /^19 of 20 rows are done/)
    assert.match(stdout, /mails\.jsonl line 12: "subject" must be a string.*fix the line and run again/i)
    assert.strictEqual(server.calls(), 19)
    server.close()
  })

  it("ends with 3 when the key is refused: says what to check and how to go on", async () => {
    const server = await standIn((call) => (call > 5 ? 401 : undefined))
    const files = folder(20)
    const { code, stdout } = await cli(files, server.url, "--concurrency", "1")
    assert.strictEqual(code, 3)
    assert.match(stdout, /^5 of 20 rows are done/)
    assert.match(stdout, /Stopped: Unauthenticated \(401\): invalid x-api-key; check ANTHROPIC_API_KEY \(request req_/)
    assert.match(stdout, /15 rows are pending: run the same command again to go on\./)
    server.close()
  })

  it("goes on where it was when the server is back", async () => {
    const refusing = await standIn((call) => (call > 5 ? 401 : undefined))
    const files = folder(20)
    await cli(files, refusing.url, "--concurrency", "1")
    refusing.close()
    const server = await standIn()
    assert.strictEqual((await cli(files, server.url)).code, 0)
    assert.strictEqual(server.calls(), 15)
    assert.strictEqual(lines(files.output).length, 20)
    server.close()
  })

  it("ends with 2 when the output cannot be written, sends nothing, and leaves nothing behind", async () => {
    const server = await standIn()
    const files = folder(3)
    mkdirSync(files.output)
    const { code, stderr } = await cli(files, server.url)
    assert.strictEqual(code, 2)
    assert.match(stderr, /out\.jsonl.*folder/)
    assert.strictEqual(server.calls(), 0)
    assert.deepStrictEqual(readdirSync(files.path), ["mails.jsonl", "out.jsonl"])
    server.close()
  })

  it("leaves nothing behind without its input, without a key, or with an output that it does not understand", async () => {
    const files = folder(3)
    const output = join(files.path, "new", "out.jsonl")
    const nowhere = await cli({ ...files, input: join(files.path, "nowhere.jsonl"), output }, "http://127.0.0.1:1")
    assert.strictEqual(nowhere.code, 2)
    assert.match(nowhere.stderr, /nowhere\.jsonl: there is no such file/)
    const cache = ["--cache", join(files.path, "cache.sqlite")]
    assert.deepInclude(await cli({ ...files, output }, undefined, ...cache), { code: 2 })
    assert.deepInclude(await cli({ ...files, output: `${output}.csv` }, "http://127.0.0.1:1", ...cache), { code: 2 })
    assert.deepStrictEqual(readdirSync(files.path), ["mails.jsonl"])
  })

  it.skipIf(process.platform !== "linux")(
    "ends with 2 where no folder can be made (on Linux: under /proc)",
    async () => {
      const { code, stderr } = await cli({ ...folder(3), output: "/proc/nowhere/out.jsonl" }, "http://127.0.0.1:1")
      assert.strictEqual(code, 2)
      assert.match(stderr, /\/proc\/nowhere/)
    }
  )

  it("ends with 2 when the state is that of another job", async () => {
    const server = await standIn()
    const files = folder(3)
    await cli(files, server.url)
    const { code, stderr } = await cli({ ...files, job: "test/run/letters.job.ts" }, server.url)
    assert.strictEqual(code, 2)
    assert.match(stderr, /was made by another job.*job was "mails" and is "letters"; use another --state and --output/)
    server.close()
  })

  it("ends with 2 when the state has answers of the emulator: says so, and sends nothing", async () => {
    const files = folder(3)
    assert.deepInclude(await cli(files, undefined, "--emulator"), { code: 0 })
    const rehearsed = readFileSync(files.output, "utf8")
    const { code, stderr } = await node(commandOf(files), { ANTHROPIC_API_KEY: "a key" })
    assert.strictEqual(code, 2)
    assert.match(
      stderr,
      /out\.state\.sqlite holds the emulator's answers, not Claude's, .*; use another --state and --output, or move both/
    )
    assert.strictEqual(readFileSync(files.output, "utf8"), rehearsed)
  })

  it("ends with 2 when the state has answers of Claude, and the emulator is to answer", async () => {
    const server = await standIn()
    const files = folder(3)
    await cli(files, server.url)
    const { code, stderr } = await cli(files, undefined, "--emulator")
    assert.strictEqual(code, 2)
    assert.match(stderr, /out\.state\.sqlite holds Claude's answers, not the emulator's, .*; use another --state/)
    server.close()
  })

  it("answers a second run from --cache: it asks nothing, and says what it saved", async () => {
    const files = folder(20)
    const flags = ["--emulator", "--cache", join(files.path, "cache.sqlite")]
    assert.match((await cli(files, undefined, ...flags)).stdout, /^20 calls /m)
    const again = { ...files, output: join(files.path, "again.jsonl") }
    const { stdout } = await cli(again, undefined, ...flags)
    assert.match(stdout, /^0 calls .*\nresponse cache: 20 answers, saved \$0\.0\d+\nAn emulator answered, not Claude/m)
    assert.strictEqual(readFileSync(again.output, "utf8"), readFileSync(files.output, "utf8"))
  })

  it("ends with 2 when the cache cannot be opened, and shows no password", async () => {
    const files = folder(3)
    writeFileSync(join(files.path, "diary"), "Dear diary, today it rained.")
    const diary = await cli(files, "http://127.0.0.1:1", "--cache", join(files.path, "diary"))
    assert.strictEqual(diary.code, 2)
    assert.match(diary.stderr, /^effect-claude: the cache cannot be opened: .*diary: .*use another --cache/)
    const { code, stderr } = await cli(files, "http://127.0.0.1:1", "--cache", "redis://me:secret@127.0.0.1:1")
    assert.strictEqual(code, 2)
    assert.match(stderr, /the cache cannot be opened: redis:\/\/127\.0\.0\.1:1: .*ECONNREFUSED.*use another --cache/)
    assert.notInclude(stderr, "secret")
  })

  it("ends with 2 when the state cannot be opened", async () => {
    const files = folder(3)
    const diary = new DatabaseSync(join(files.path, "out.state.sqlite"))
    diary.exec("CREATE TABLE journal (entry TEXT); INSERT INTO journal VALUES ('Dear diary')")
    diary.close()
    const { code, stderr } = await cli(files, "http://127.0.0.1:1")
    assert.strictEqual(code, 2)
    assert.match(stderr, /^effect-claude: the journal failed: /)
  })

  it("ends with 2 when the output is the input, which stays", async () => {
    const files = folder(3)
    const { code, stderr } = await cli({ ...files, output: files.input }, "http://127.0.0.1:1")
    assert.strictEqual(code, 2)
    assert.match(stderr, /mails\.jsonl: this is the input; name another file with --output/)
    assert.strictEqual(lines(files.input).length, 3)
  })

  it.skipIf(process.platform === "win32")(
    "ends with 2 when the input is a pipe, which cannot be read twice",
    async () => {
      const files = folder(3)
      const input = join(files.path, "pipe.jsonl")
      execFileSync("mkfifo", [input])
      spawn("sh", ["-c", 'cat "$0" > "$1"', files.input, input])
      const { code, stderr } = await cli({ ...files, input }, "http://127.0.0.1:1")
      assert.strictEqual(code, 2)
      assert.match(stderr, /pipe\.jsonl: this is a pipe, and rows are read twice; put them into a file/)
    }
  )

  it("ends with 2 when the code of the job fails before a row is taken: says what, and where", async () => {
    const job = "test/run/throwing.job.ts"
    const { code, stderr } = await node(["run", job, "--output", folder(0).output], { ANTHROPIC_API_KEY: "a key" })
    assert.strictEqual(code, 2)
    assert.match(stderr, /^effect-claude: no rows today, at rows \(file:.*throwing\.job\.ts:\d+:\d+\)$/m)
  })

  it("ends with 2 without a key, without a job, and with a flag that makes no sense", async () => {
    const files = folder(3)
    const keyless = await cli(files, undefined)
    assert.deepInclude(keyless, { code: 2 })
    assert.match(keyless.stderr, /ANTHROPIC_API_KEY is not set; set it, or try --emulator/)
    assert.match((await cli({ ...files, job: "nowhere.ts" }, "http://x")).stderr, /nowhere\.ts: there is no such file/)
    assert.deepInclude(await cli(files, "http://x", "--concurrency", "none"), { code: 2 })
  })

  it("says that nothing has changed when it is interrupted before the first row is taken, which is so", async () => {
    const { output, path } = folder(1)
    const job = "test/run/endless.job.ts"
    const env = { ...inherited, ANTHROPIC_API_KEY: "a key" }
    const child = spawn(process.execPath, [...main, "run", job, "--output", output], { env })
    let complaints = ""
    child.stderr.on("data", (data) => (complaints += data))
    await once(child.stdout, "data")
    child.kill("SIGINT")
    const [code] = await once(child, "exit")
    assert.strictEqual(code, 130)
    assert.match(complaints, /interrupted before anything was sent; nothing has changed/)
    assert.deepStrictEqual(readdirSync(path), ["mails.jsonl"])
  })

  it("prints JSON for programs, and nothing else on stdout, whatever the job logs", async () => {
    const server = await standIn()
    const { stdout, stderr } = await cli({ ...folder(3), job: "test/run/logging.job.ts" }, server.url, "--json")
    const counts = { total: 3, done: 3, failed: 0, pending: 0, calls: 3, exitCode: 0 }
    assert.deepInclude(JSON.parse(stdout), { ...counts, cost: "0.000075", unpricedCalls: 0 })
    assert.include(stderr, "answering mail 0")
    server.close()
  })

  it("lets the API cache what the prompts share: one call writes it, the others read it", async () => {
    const files = { ...folder(20), job: "test/run/house.job.ts" }
    const { stdout } = await cli(files, undefined, "--emulator", "--prompt-cache", "1h", "--json")
    const { cacheReadTokens, cacheSaved, cacheWrittenTokens, done } = JSON.parse(stdout)
    assert.strictEqual(done, 20)
    assert.isAbove(cacheWrittenTokens, 3000)
    assert.strictEqual(cacheReadTokens, 19 * cacheWrittenTokens)
    assert.isAbove(Number(cacheSaved), 0)
  })
})

describe("effect-claude emulate", () => {
  it("runs a program against the emulator, and ends as it ends", async () => {
    const program = `fetch(process.env.ANTHROPIC_BASE_URL + "/v1/models", { headers: {
      "x-api-key": process.env.ANTHROPIC_API_KEY, "anthropic-version": "2023-06-01" } })
      .then((response) => process.exit(response.status === 200 ? 7 : 1))`
    assert.deepInclude(await node(["emulate", "--", process.execPath, "-e", program]), { code: 7 })
  })

  it("marks the state of a job that it runs, which never passes for one of Claude's afterwards", async () => {
    const server = await standIn()
    const files = folder(20)
    const rehearse = (...flags: ReadonlyArray<string>) =>
      node(["emulate", "--", process.execPath, ...main, ...commandOf(files), ...flags])
    assert.deepInclude(await rehearse("--limit", "5"), { code: 3 })
    assert.deepInclude(await rehearse(), { code: 0 })
    assert.match((await rehearse()).stdout, /^20 of 20 rows .*\n0 calls .*\nAn emulator answered, not Claude/)

    const rehearsed = readFileSync(files.output, "utf8")
    appendFileSync(files.input, '\n{"id":21,"subject":"one more"}')
    const { code, stderr } = await cli(files, server.url)
    assert.strictEqual(code, 2)
    assert.match(stderr, /holds the emulator's answers, not Claude's/)
    assert.strictEqual(readFileSync(files.output, "utf8"), rehearsed)
    server.close()
  })

  it("lets go wrong what the flags say", async () => {
    const body = '{ "model": "claude-haiku-4-5", "max_tokens": 9, "messages": [{ "role": "user", "content": "Hi" }] }'
    const program = `const { ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: key } = process.env
      const headers = { "x-api-key": key, "anthropic-version": "2023-06-01" }
      const ask = () => fetch(url + "/v1/messages", { method: "POST", headers, body: \`${body}\` })
        .then(({ status }) => status, () => "none")
      const seen = []
      while (seen.length < 3) seen.push(await ask())
      console.log(seen.join(" "))`
    const run = ["--", process.execPath, "--input-type=module", "-e", program]
    const { stdout } = await node(["emulate", "--faults", "529:1x,reset:1x", ...run])
    assert.strictEqual(stdout.trim(), "529 none 200")
  })

  it("takes as long for a batch, and lets as much be spent, as the flags say", async () => {
    const program = `const { ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: key } = process.env
      const headers = { "x-api-key": key, "anthropic-version": "2023-06-01" }
      const params = { model: "claude-haiku-4-5", max_tokens: 9, messages: [{ role: "user", content: "Hi" }] }
      const post = (path, body) => fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) })
      const batch = await post("/v1/messages/batches", { requests: [{ custom_id: "a", params }] })
      const { created_at, id, results_url } = await batch.json()
      let look = { results_url }
      while (look.results_url === null) look = await (await fetch(url + "/v1/messages/batches/" + id, { headers })).json()
      console.log(Date.parse(look.ended_at) - Date.parse(created_at), (await post("/v1/messages", params)).status)`
    const flags = ["--batch-processing", "50", "--spend-limit", "0.000001"]
    const { stdout } = await node(["emulate", ...flags, "--", process.execPath, "--input-type=module", "-e", program])
    assert.strictEqual(stdout.trim(), "50 429")
  })

  it("ends with 2 when nobody knows the fault: says which there are", async () => {
    const { code, stderr } = await node(["emulate", "--faults", "429:0.02,cats:0.5"])
    assert.strictEqual(code, 2)
    assert.match(
      stderr,
      /"cats:0\.5" is not a fault: write name:rate, such as 429:0\.02.*the names are 401, .* stall, cut,/
    )
  })

  it("ends with 2 when another program has the port, or there can be no such port or speed", async () => {
    const server = await standIn()
    const { code, stderr } = await node(["emulate", "--port", new URL(server.url).port])
    assert.strictEqual(code, 2)
    assert.match(stderr, /^effect-claude: the emulator cannot listen: .*EADDRINUSE.*; choose another --port$/m)
    server.close()
    const port = await node(["emulate", "--port", "99999"])
    assert.strictEqual(port.code, 2)
    assert.match(port.stderr, /65535/)
    const speed = await node(["emulate", "--tokens-per-second", "0"])
    assert.strictEqual(speed.code, 2)
    assert.match(speed.stderr, /greater than 0/)
  })
})

const folders: Array<string> = []
afterAll(() => folders.forEach((path) => rmSync(path, { recursive: true })))

/** A folder with an input of so many rows. */
const folder = (rows: number, change: (line: string, index: number) => string = (line) => line) => {
  const path = mkdtempSync(join(tmpdir(), "effect-claude-"))
  folders.push(path)
  const input = join(path, "mails.jsonl")
  const mails = Array.from({ length: rows }, (_, index) => JSON.stringify({ id: index + 1, subject: `mail ${index}` }))
  writeFileSync(input, mails.map(change).join("\n"))
  return { path, input, output: join(path, "out.jsonl"), job: "test/run/mails.job.ts" }
}

const lines = (path: string): Array<{ readonly key: string; readonly value: string }> =>
  readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line))

const cli = (files: ReturnType<typeof folder>, url: string | undefined, ...flags: ReadonlyArray<string>) =>
  node(
    [...commandOf(files), ...flags],
    url === undefined ? {} : { ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: "a key" }
  )

const commandOf = ({ input, job, output }: ReturnType<typeof folder>) =>
  ["run", job, "--input", input, "--output", output] as const

const main = ["--conditions=effect-claude-source", "src/run/main.ts"]

const { NODE_COMPILE_CACHE = "", PATH = "" } = process.env
const inherited = { NODE_COMPILE_CACHE, PATH }

const node = (args: ReadonlyArray<string>, env: Record<string, string> = {}) =>
  new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    const child = spawn(process.execPath, [...main, ...args], { env: { ...inherited, ...env } })
    let stdout = ""
    let stderr = ""
    child.stdout.on("data", (chunk) => (stdout += chunk))
    child.stderr.on("data", (chunk) => (stderr += chunk))
    child.on("close", (code) => resolve({ code, stdout, stderr }))
  })
