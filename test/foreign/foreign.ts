/**
 * `npm run foreign`: runs other clients of the API against the emulator, with every feature that each has. Prints a
 * table and the failures, and exits with 1 if there are any.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Emulator } from "../../src/testing/index.ts"
import { aiSdk } from "./aiSdk.ts"
import { ax } from "./ax.ts"
import { type Ask, type Client, none } from "./client.ts"
import { langchain } from "./langchain.ts"
import { sdk } from "./sdk.ts"

const clients = {
  "@anthropic-ai/sdk": sdk,
  ai: aiSdk,
  "@langchain/anthropic": langchain,
  "@ax-llm/ax": ax
}

const model = "claude-sonnet-5"
const fox = { model, prompt: "What does the fox do? The quick brown fox jumps over the lazy dog, and then it sleeps." }
const weather = { model, prompt: "What is the weather in Paris?" }
const ada = { model, prompt: "This is a person.\nName: Ada Lovelace\nBorn: 1815\nCity: London" }

/** Rejects if the client misbehaves; `received` returns the number of its requests for messages so far. */
type Check = (client: Client, received: () => number) => Promise<void | typeof none>

const refused = async (client: Client, status: number, ask: Partial<Ask>) => {
  const error = await client.text({ ...fox, retries: 0, ...ask }).then(
    (text) => assert.fail(`no error, but "${text}"`),
    (error: unknown) => error
  )
  assert.equal(client.statusOf(error), status, `the error has another status than ${status}: ${error}`)
}

const checks: Record<string, Check> = {
  text: async (client) => {
    assert.match(await client.text(fox), /fox jumps over/)
  },
  "text, with a temperature": async (client) => {
    if (!client.hasTemperature) return none
    assert.match(await client.text({ ...fox, model: "claude-haiku-4-5", temperature: 0.5 }), /fox jumps over/)
  },
  streaming: async (client) => {
    const pieces: Array<string> = []
    for await (const piece of client.stream(fox)) pieces.push(piece)
    assert.ok(pieces.filter((piece) => piece !== "").length > 1, "the text came in one piece")
    assert.equal(pieces.join(""), await client.text(fox))
  },
  tools: async (client) => {
    const cities: Array<string> = []
    const text = await client.tools(weather, (city) => {
      cities.push(city)
      return "The weather is sunny, at 21 degrees."
    })
    assert.equal(cities.length, 1)
    assert.match(cities[0] ?? "", /Paris/)
    assert.match(text, /sunny, at 21 degrees/)
  },
  "object by schema": async (client) => {
    assert.deepEqual(await client.objectBySchema(ada), { name: "Ada Lovelace", born: 1815, city: "London" })
  },
  "object by tool": async ({ objectByTool }) => {
    if (objectByTool === none) return none
    assert.deepEqual(await objectByTool(ada), { name: "Ada Lovelace", born: 1815, city: "London" })
  },
  "error 400": (client) => refused(client, 400, { model: "claude-haiku-4-5", prompt: "Too long. ".repeat(100_000) }),
  "error 401": (client) => refused(client, 401, { apiKey: "invalid" }),
  "error 404": (client) => refused(client, 404, { model: "claude-unknown" }),
  "error 429": (client) => refused(client, 429, { prompt: "Meet 429." }),
  "error 529": (client) => refused(client, 529, { prompt: "Meet 529." }),
  "retries a 529": async (client, received) => {
    const before = received()
    assert.match(await client.text({ model, prompt: "Meet 529 once. The fox sleeps." }), /fox sleeps/)
    assert.equal(received() - before, 2)
  },
  count_tokens: async ({ countTokens }) => {
    if (countTokens === none) return none
    assert.ok((await countTokens(fox)) > 10)
  },
  batches: async (client) => {
    if (client.batch === none) return none
    const results = await client.batch({ first: fox, second: fox, unknown: { ...fox, model: "claude-unknown" } })
    const text = await client.text(fox)
    assert.deepEqual(results, { first: { text }, second: { text }, unknown: { failed: "not_found_error" } })
  },
  "batches, canceled": async ({ cancelBatch }) => {
    if (cancelBatch === none) return none
    assert.match(await cancelBatch(fox), /^cancell?ed$/)
  }
}

/** Fails prompts with `Meet 429` each time, and prompts with `Meet 529 once` the first time. */
const faults: Emulator.Script = ({ body }, arrival) => {
  const [, kind, once] = /Meet (429|529)( once)?/.exec(body) ?? []
  if (kind === undefined || (once !== undefined && arrival > 1)) return undefined
  return { kind: kind === "429" ? 429 : 529 }
}

interface Column {
  readonly title: string
  readonly cells: Readonly<Record<string, string>>
  readonly failures: ReadonlyArray<string>
}

/** Runs all checks of a client against a new emulator. */
const column = (name: string, make: (url: string) => Client): Effect.Effect<Column> =>
  Effect.gen(function* () {
    const received: Array<Emulator.Request> = []
    const script: Emulator.Script = (request, arrival) => {
      received.push(request)
      return faults(request, arrival)
    }
    const server = yield* Layer.build(Emulator.layerServer({ faults: script, batchProcessing: "200 millis" }))
    const client = make(Context.get(server, Emulator.Emulator).url)
    const cells: Record<string, string> = {}
    const failures: Array<string> = []
    for (const [title, check] of Object.entries(checks)) {
      cells[title] = yield* Effect.tryPromise(() => check(client, () => received.length)).pipe(
        Effect.map((result) => (result === none ? "has none" : "ok")),
        Effect.catch(({ cause }) => {
          failures.push(`${name}, ${title}: ${cause instanceof Error ? cause.stack : cause}`)
          return Effect.succeed("FAILED")
        })
      )
    }
    const version = received[0]?.headers["anthropic-version"]
    cells["sends"] = `${version}, ${received[0]?.headers["x-api-key"] === undefined ? "Bearer" : "x-api-key"}`
    return { title: `${name} ${versionOf(name)}`, cells, failures }
  }).pipe(Effect.scoped, Effect.orDie)

const versionOf = (name: string): string => {
  const { version } = JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url), "utf8"))
  return version
}

/** Runs the program of the README that polls batches with the AI SDK. */
const runLetters = Effect.gen(function* () {
  const server = yield* Layer.build(Emulator.layerServer({ batchProcessing: "200 millis" }))
  const env = { ANTHROPIC_API_KEY: "key", ANTHROPIC_BASE_URL: `${Context.get(server, Emulator.Emulator).url}/v1` }
  const cwd = mkdtempSync(join(tmpdir(), "letters-"))
  writeFileSync(join(cwd, "letters.ndjson"), `${JSON.stringify({ id: "a", text: fox.prompt })}\n`)
  const program = new URL("letters.ts", import.meta.url)
  const child = spawn(process.execPath, [fileURLToPath(program)], { cwd, env, stdio: "inherit" })
  const [code] = yield* Effect.promise(() => once(child, "exit"))
  const replies = code === 0 ? readFileSync(join(cwd, "replies.ndjson"), "utf8") : `exit code ${code}`
  rmSync(cwd, { recursive: true })
  return /^{"key":"a","value":".+"}\n$/.test(replies) ? [] : [`letters.ts with the AI SDK: ${replies}`]
}).pipe(Effect.scoped)

const columns = await Effect.runPromise(Effect.forEach(Object.entries(clients), ([name, make]) => column(name, make)))
const width = Math.max(...columns.map(({ title }) => title.length)) + 2
const line = (title: string, cells: ReadonlyArray<string>) =>
  console.log([title.padEnd(26), ...cells.map((cell) => cell.padEnd(width))].join("").trimEnd())
const titles = columns.map(({ title }) => title)
line("", titles)
for (const title of [...Object.keys(checks), "sends"]) {
  const row = columns.map(({ cells }) => cells[title] ?? "")
  line(title, row)
}
const failures = [...columns.flatMap(({ failures }) => failures), ...(await Effect.runPromise(runLetters))]
for (const failure of failures) console.log(`\n${failure}`)
process.exitCode = failures.length === 0 ? 0 : 1
