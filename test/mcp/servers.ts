/**
 * `npm run mcp`: uses MCP servers of npm through `Mcp`, over standard input and output and over streamable HTTP. Prints a
 * line for each, and exits with 1 if a server or a call does not behave as written here.
 */
import assert from "node:assert/strict"
import { mkdtempSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { NodeHttpClient, NodeRuntime, NodeServices } from "@effect/platform-node"
import { Clock, Console, Effect, Schedule, Stream } from "effect"
import { ChildProcess } from "effect/process"
import * as Mcp from "../../src/call/Mcp.ts"
import * as ToolFormat from "../../src/claude/ToolFormat.ts"
import * as ToolResult from "../../src/claude/ToolResult.ts"

const folder = mkdtempSync(join(tmpdir(), "effect-claude-mcp-"))
writeFileSync(join(folder, "note.txt"), "Buy milk.")

const server = (name: string, ...args: ReadonlyArray<string>) => {
  const path = fileURLToPath(new URL(`node_modules/${name}/dist/index.js`, import.meta.url))
  const env = { MEMORY_FILE_PATH: join(folder, `${name.replaceAll("/", "-")}.json`), PORT: String(port) }
  return ChildProcess.make(process.execPath, [path, ...args], { env, extendEnv: true })
}

/** A server of version 2 of the SDK. */
const sdk2 = (...args: ReadonlyArray<string>) =>
  ChildProcess.make(process.execPath, [fileURLToPath(new URL("sdk2.ts", import.meta.url)), ...args])

/** A port that was free a moment ago. */
const port = await new Promise<number>((resolve) => {
  const probe = createServer().listen(0, () => {
    const address = probe.address()
    probe.close(() => resolve(typeof address === "object" ? (address?.port ?? 0) : 0))
  })
})

type Call = readonly [name: string, given: object, kinds: ReadonlyArray<string>, text?: RegExp]

/** The calls, with the kinds of blocks that the model gets, or `error`, and a part of the text. */
const everything: ReadonlyArray<Call> = [
  ["echo", { message: "hi" }, ["text"], /Echo: hi/],
  ["get-tiny-image", {}, ["text", "image", "text"]],
  ["get-sum", { a: 1, b: 2 }, ["text"], /3/],
  ["get-sum", { a: 1 }, ["error"], /Invalid arguments for tool get-sum/],
  ["get-structured-content", { location: "New York" }, ["text"], /temperature/],
  ["get-resource-reference", { resourceType: "Text", resourceId: 1 }, ["text", "text", "text"]],
  ["get-resource-links", { count: 2 }, ["text", "text", "text"]],
  ["get-annotated-message", { messageType: "error", includeImage: true }, ["text", "image"]]
]
const filesystem: ReadonlyArray<Call> = [
  ["read_text_file", { path: join(folder, "note.txt") }, ["text"], /Buy milk/],
  ["read_text_file", { path: "/etc/hosts" }, ["error"], /Access denied/],
  ["list_directory", { path: folder }, ["text"], /note\.txt/]
]
const entities = [{ name: "Ada", entityType: "person", observations: ["counts"] }]
const memory: ReadonlyArray<Call> = [
  ["create_entities", { entities }, ["text"], /Ada/],
  ["search_nodes", { query: "counts" }, ["text"], /Ada/],
  ["search_nodes", {}, ["error"]]
]

const sums: ReadonlyArray<Call> = [
  ["add", { a: 1, b: 2 }, ["text"], /3/],
  ["add", { a: "one" }, ["error"]]
]

/** Connects once the server listens. */
const patiently = (url: string) => Effect.retry(Mcp.http(url), { schedule: Schedule.spaced("200 millis"), times: 25 })

const call = Effect.fn(function* (toolkit: Mcp.ServerToolkit, [name, given, kinds, text]: Call) {
  const [result] = yield* Stream.runCollect(yield* toolkit.handle(name, given))
  assert.ok(result)
  const content = ToolResult.content(result)
  const found = typeof content === "string" ? [result.isFailure ? "error" : "text"] : content.map(({ type }) => type)
  assert.deepEqual(found, kinds, `${name}: ${JSON.stringify(content)}`)
  if (text !== undefined) assert.match(JSON.stringify(content), text)
})

const use = Effect.fn(function* <E, R>(
  name: string,
  connect: Effect.Effect<Effect.Success<ReturnType<typeof Mcp.stdio>>, E, R>,
  calls: ReadonlyArray<Call>
) {
  const now = Clock.currentTimeMillis
  const begun = yield* now
  const [version, tools, used] = yield* Effect.scoped(
    Effect.gen(function* () {
      const client = yield* connect
      const toolkit = yield* Mcp.toolkit(client)
      yield* Effect.fromResult(ToolFormat.all(toolkit.tools))
      yield* Effect.forEach(calls, (one) => call(toolkit, one))
      return [client.protocolVersion, Object.keys(toolkit.tools).length, yield* now] as const
    })
  )
  const closing = (yield* now) - used
  yield* Console.log(
    `${name}: revision ${version}, ${tools} tools, ${calls.length} calls, ${used - begun} ms, closed in ${closing} ms`
  )
})

/** Closes the scope while a call of 30 seconds runs. */
const busy = Effect.gen(function* () {
  const toolkit = yield* Mcp.toolkit(yield* Mcp.stdio(server("@modelcontextprotocol/server-everything", "stdio")))
  const slow: Call = ["trigger-long-running-operation", { duration: 30, steps: 3 }, ["text"]]
  yield* Effect.forkScoped(call(toolkit, slow))
  yield* Effect.sleep("200 millis")
  return yield* Clock.currentTimeMillis
})

const program = Effect.gen(function* () {
  yield* use("everything", Mcp.stdio(server("@modelcontextprotocol/server-everything", "stdio")), everything)
  yield* use("filesystem", Mcp.stdio(server("@modelcontextprotocol/server-filesystem", folder)), filesystem)
  yield* use("memory", Mcp.stdio(server("@modelcontextprotocol/server-memory")), memory)
  yield* use("memory of April 2025", Mcp.stdio(server("server-memory-of-2025-04")), memory.slice(0, 2))
  yield* use("memory of September 2025", Mcp.stdio(server("server-memory-of-2025-09")), memory.slice(0, 2))

  yield* use("SDK 2", Mcp.stdio(sdk2()), sums)

  yield* server("@modelcontextprotocol/server-everything", "streamableHttp")
  yield* sdk2(String(port + 1))
  yield* use("everything over HTTP", patiently(`http://127.0.0.1:${port}/mcp`), everything)
  yield* use("SDK 2 over HTTP", patiently(`http://127.0.0.1:${port + 1}/mcp`), sums)

  const closing = yield* Effect.scoped(busy)
  const taken = (yield* Clock.currentTimeMillis) - closing
  assert.ok(taken < 2500, `closing a busy server took ${taken} ms`)
  yield* Console.log(`everything, busy: closed in ${taken} ms`)
}).pipe(Effect.scoped)

program.pipe(Effect.provide([NodeServices.layer, NodeHttpClient.layerUndici]), NodeRuntime.runMain)
