import { NodeHttpClient, NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Tool from "effect/ai/Tool"
import * as Toolkit from "effect/ai/Toolkit"
import * as ChildProcess from "effect/process/ChildProcess"
import * as Mcp from "../../src/call/Mcp.ts"
import { generateWithTools } from "../../src/call/tools.ts"
import * as Emulator from "../../src/testing/Emulator.ts"
import * as ToolFormat from "../../src/claude/ToolFormat.ts"
import * as ToolResult from "../../src/claude/ToolResult.ts"
import { type Script, scripted } from "./mcp/scripted.ts"

const live = Layer.merge(NodeServices.layer, NodeHttpClient.layerUndici)

describe("Mcp.toolkit", () => {
  it.effect("offers the tools of all pages, with the schema of the server, and calls them by their own names", () =>
    Effect.gen(function* () {
      const draft07 = {
        $schema: "http://json-schema.org/draft-07/schema#",
        type: "object",
        properties: { at: { $ref: "#/definitions/day" } },
        definitions: { day: { type: "string", format: "date" } }
      }
      const tools = [
        { name: "files.read", description: "Reads", inputSchema: draft07 },
        { name: "x".repeat(70), title: "A long name", inputSchema: { type: "object" } },
        { name: "files_read", inputSchema: { type: "object" } }
      ]
      const calls: Array<unknown> = []
      const toolkit = yield* toolkitOf({
        tools,
        pageSize: 1,
        call: (name, given) => {
          calls.push([name, given])
          return said("done")
        }
      })
      const formats = yield* Effect.fromResult(ToolFormat.all(toolkit.tools))
      assert.deepStrictEqual<unknown>(formats.definitions, [
        { name: "files_read", description: "Reads", input_schema: draft07, strict: false },
        { name: "x".repeat(64), description: "A long name", input_schema: { type: "object" }, strict: false },
        { name: "files_read_2", input_schema: { type: "object" }, strict: false }
      ])
      for (const { name } of formats.definitions as ReadonlyArray<{ readonly name: string }>) {
        yield* call(toolkit, formats.find(name)?.tool.name ?? "", { at: "2026-11-28" })
      }
      assert.deepStrictEqual(
        calls,
        tools.map(({ name }) => [name, { at: "2026-11-28" }])
      )
    }).pipe(Effect.scoped, Effect.provide(live))
  )

  it.effect("gives the model texts, images, files and links, and a word about what it cannot see", () =>
    Effect.gen(function* () {
      const contents: Readonly<Record<string, object>> = {
        mixed: {
          content: [
            { type: "text", text: "Here:" },
            { type: "text", text: "" },
            { type: "image", data: png, mimeType: "image/jpeg" },
            { type: "image", data: btoa("<svg/>"), mimeType: "image/svg+xml" },
            { type: "audio", data: "AAAA", mimeType: "audio/wav" },
            { type: "resource", resource: { uri: "a://b", mimeType: "application/pdf", blob: btoa("%PDF-1.4") } },
            { type: "resource", resource: { uri: "a://c", text: "Notes" } },
            { type: "resource_link", uri: "a://d", name: "d", title: "Map", description: "Of the town" }
          ]
        },
        structured: { content: [], structuredContent: { sum: 3 } },
        both: { content: [{ type: "text", text: "The sum is 3." }], structuredContent: { sum: 3 } },
        nothing: { content: [] }
      }
      const toolkit = yield* toolkitOf({
        tools: Object.keys(contents).map((name) => ({ name, inputSchema: { type: "object" } })),
        call: (name) => contents[name]
      })
      const texts = (...values: ReadonlyArray<string>) => values.map((text) => ({ type: "text", text }))
      const { content } = yield* call(toolkit, "mixed", {})
      assert.deepStrictEqual<unknown>(content, [
        ...texts("Here:"),
        { type: "image", source: { type: "base64", data: png, media_type: "image/png" } },
        ...texts("[image/svg+xml omitted]", "[audio/wav omitted]"),
        {
          type: "document",
          source: { type: "base64", data: btoa("%PDF-1.4"), media_type: "application/pdf" },
          title: "a://b"
        },
        ...texts("Notes", "Map: a://d\nOf the town")
      ])
      assert.deepStrictEqual<unknown>((yield* call(toolkit, "structured", {})).content, texts('{"sum":3}'))
      assert.deepStrictEqual<unknown>((yield* call(toolkit, "both", {})).content, texts("The sum is 3."))
      assert.deepStrictEqual<unknown>(
        (yield* call(toolkit, "nothing", {})).content,
        texts("The tool returned nothing.")
      )
    }).pipe(Effect.scoped, Effect.provide(live))
  )

  it.effect("gives the model a line about what the API would refuse, since that would end the loop", () =>
    Effect.gen(function* () {
      const blob = (mimeType: string, bytes: string) => ({
        type: "resource",
        resource: { uri: "a://b", mimeType, blob: btoa(bytes) }
      })
      const wide = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x23\x28\0\0\0\x0a"
      const content = [
        { type: "text", text: " \n" },
        { type: "resource", resource: { uri: "a://c", text: "\t" } },
        { type: "image", data: btoa(wide), mimeType: "image/png" },
        { type: "image", data: png, mimeType: "Application/Octet-Stream" },
        blob("application/pdf", "<html>"),
        blob("application/pdf", "%PDF-1.7 trailer << /Encrypt 9 0 R >>"),
        blob("text/plain", ""),
        blob("Text/Markdown", "# Hi")
      ]
      const toolkit = yield* toolkitOf({
        tools: [{ name: "all", inputSchema: { type: "object" } }],
        call: () => ({ content })
      })
      const text = (text: string) => ({ type: "text", text })
      assert.deepStrictEqual<unknown>((yield* call(toolkit, "all", {})).content, [
        text("[image/png omitted: the image has 9000 × 10 pixels, and may have 8000 a side]"),
        { type: "image", source: { type: "base64", data: png, media_type: "image/png" } },
        text("[application/pdf a://b omitted]"),
        text("[application/pdf a://b omitted: the PDF is encrypted, and Claude reads no encrypted PDF]"),
        text("[text/plain a://b omitted]"),
        { type: "document", source: { type: "text", media_type: "text/plain", data: "# Hi" }, title: "a://b" }
      ])
    }).pipe(Effect.scoped, Effect.provide(live))
  )

  it.effect("names the tool of a list that is not valid", () =>
    Effect.gen(function* () {
      const tools = [{ name: "good", inputSchema: { type: "object" } }, { name: "bad" }]
      const { message } = yield* Effect.flip(toolkitOf({ ...echo, tools }))
      assert.match(message, /^scripted: Invalid MCP payload: tools\.1\.inputSchema: Missing key; check that/)
    }).pipe(Effect.scoped, Effect.provide(live))
  )

  it.live("tells the model about an error, and about a call that takes too long", () =>
    Effect.gen(function* () {
      const toolkit = yield* toolkitOf(
        {
          tools: ["fails", "hangs", "breaks"].map((name) => ({ name, inputSchema: { type: "object" } })),
          call: (name) => {
            if (name === "breaks") return { content: "no list" }
            return name === "fails" ? { ...said("no such city"), isError: true } : undefined
          }
        },
        { timeout: "50 millis" }
      )
      assert.deepStrictEqual(yield* call(toolkit, "fails", {}), { content: "no such city", isFailure: true })
      assert.deepStrictEqual(yield* call(toolkit, "breaks", {}), {
        content: "The MCP server failed: Invalid MCP payload",
        isFailure: true
      })
      assert.deepStrictEqual(yield* call(toolkit, "hangs", {}), {
        content: "The MCP server did not answer within 50ms, and the call was cancelled.",
        isFailure: true
      })
    }).pipe(Effect.scoped, Effect.provide(live))
  )

  it.effect("is used by generateWithTools, and what it returns is content that the API takes", () =>
    Effect.gen(function* () {
      const photo = { name: "town.photo", description: "A photo of a town", inputSchema: { type: "object" } }
      const call = () => ({
        content: [
          { type: "image", data: png, mimeType: "image/png" },
          { type: "text", text: "The photo shows a red roof." }
        ]
      })
      const prompt = "Take a photo of the town. Describe it in one sentence."
      const { text, turns } = yield* generateWithTools(toolkitOf({ tools: [photo], call }), prompt)
      assert.deepStrictEqual([text, turns], ["The photo shows a red roof.", 2])
    }).pipe(Effect.scoped, Effect.provide([live, Emulator.layer()]))
  )

  it.effect("is merged with another toolkit, and a prefix keeps names apart", () =>
    Effect.gen(function* () {
      const script = { tools: [{ name: "ask", inputSchema: { type: "object" } }] }
      const [one, other] = [
        yield* toolkitOf({ ...script, call: () => said("one") }, { prefix: "one_" }),
        yield* toolkitOf({ ...script, call: () => said("other") }, { prefix: "other_" })
      ]
      const own = Toolkit.make(Tool.make("own", { success: Schema.String }))
      const mine = yield* Effect.provide(own, own.toLayer({ own: () => Effect.succeed("mine") }))
      const all = Mcp.merge(Mcp.merge(one, other), mine)
      assert.deepStrictEqual(Object.keys(all.tools), ["one_ask", "other_ask", "own"])
      const answers = yield* Effect.forEach(["one_ask", "other_ask", "own"] as const, (name) =>
        Effect.flatMap(all.handle(name, {}), Stream.runCollect)
      )
      assert.deepStrictEqual(
        answers.flat().map((result) => ToolResult.content(result)),
        [[{ type: "text", text: "one" }], [{ type: "text", text: "other" }], "mine"]
      )
      const again = Mcp.merge(one, yield* toolkitOf({ ...script, call: () => said("second") }, { prefix: "one_" }))
      assert.deepStrictEqual((yield* call(again, "one_ask", "no object")).content, [{ type: "text", text: "second" }])
    }).pipe(Effect.scoped, Effect.provide(live))
  )
})

describe("Mcp.http", () => {
  it.effect("tries the newest revision first, then 2025-11-25, then the one that the server offers", () =>
    Effect.gen(function* () {
      const versions = ["2025-11-25", "2025-06-18", "2024-11-05"]
      for (const version of versions) {
        const { methods, url } = yield* scripted({ ...echo, version })
        const client = yield* Mcp.http(url)
        assert.strictEqual(String(client.protocolVersion), version)
        const second = version === "2025-11-25" ? [] : ["initialize"]
        assert.deepStrictEqual(methods, ["server/discover", ...second, "initialize", "notifications/initialized"])
        assert.lengthOf(Object.keys((yield* Mcp.toolkit(client)).tools), 1)
      }
    }).pipe(Effect.scoped, Effect.provide(live))
  )

  it.effect("says what is wrong with an address, without its query and password", () =>
    Effect.gen(function* () {
      const { url } = yield* scripted({ ...echo, status: 401 })
      const denied = yield* Effect.flip(Mcp.http(`${url}?key=secret`))
      assert.strictEqual(
        denied.message,
        `${url}: MCP HTTP status 401; the server requires a token: pass { headers: { authorization: "Bearer …" } }`
      )
      for (const [status, remedy] of [
        [307, /MCP HTTP status 307; the address redirects; pass the address that it redirects to/],
        [429, /MCP HTTP status 429; the server is busy or has failed; try again later$/],
        [503, /MCP HTTP status 503; the server is busy or has failed; try again later$/],
        [404, /MCP HTTP status 404; check that this is an MCP server/]
      ] as const) {
        const { url } = yield* scripted({ ...echo, status })
        assert.match((yield* Effect.flip(Mcp.http(url))).message, remedy)
      }
      const unknown = yield* Effect.flip(Mcp.http((yield* scripted({ ...echo, version: "2020-01-01" })).url))
      assert.match(
        unknown.message,
        /protocol version; check that this is an MCP server, and that it is a recent version$/
      )
      const refused = yield* Effect.flip(Mcp.http("http://user:secret@127.0.0.1:1/mcp?key=secret"))
      assert.match(
        refused.message,
        /^http:\/\/127\.0\.0\.1:1\/mcp: MCP HTTP request failed; check the command, or the addr/
      )
    }).pipe(Effect.scoped, Effect.provide(live))
  )
})

describe("Mcp.stdio", () => {
  it.live("speaks the newest revision where the server has it, and an older one otherwise", () =>
    Effect.gen(function* () {
      const speak = Effect.fnUntraced(function* (versions: ReadonlyArray<string>) {
        const client = yield* Mcp.stdio(server(...versions))
        assert.strictEqual(String(client.protocolVersion), versions[0] ?? "2026-07-28")
        const toolkit = yield* Mcp.toolkit(client)
        assert.deepStrictEqual(Object.keys(toolkit.tools), ["add", "sleep"])
        assert.deepStrictEqual<unknown>((yield* call(toolkit, "add", { a: 1, b: 2 })).content, [
          { type: "text", text: '{"sum":3}' }
        ])
      }, Effect.scoped)
      yield* Effect.forEach([[], ["2025-11-25"], ["2025-03-26"]], speak, { concurrency: 3 })
    }).pipe(Effect.provide(live))
  )

  it.live("ignores other lines in the output of a server", () =>
    Effect.gen(function* () {
      const toolkit = yield* Mcp.toolkit(yield* Mcp.stdio(server("noisy")))
      assert.deepStrictEqual(Object.keys(toolkit.tools), ["add", "sleep"])
    }).pipe(Effect.scoped, Effect.provide(live))
  )

  it.live("does not wait for a server that does not end, and takes no late answer for its own", () =>
    Effect.gen(function* () {
      const begun = yield* Clock.monotonicTimeNanos
      const client = yield* Effect.scoped(
        Mcp.stdio(ChildProcess.make(process.execPath, ["test/call/mcp/lines.ts", `--key=${secret}`]))
      )
      assert.strictEqual(client.serverInfo?.name, "lines")
      const taken = Duration.toSeconds(Duration.nanos((yield* Clock.monotonicTimeNanos) - begun))
      assert.isBelow(taken, 4)
    }).pipe(Effect.provide(live))
  )

  it.live("ends the calls that are running when the scope closes", () =>
    Effect.gen(function* () {
      const sleeping = Effect.gen(function* () {
        const toolkit = yield* Mcp.toolkit(yield* Mcp.stdio(server()))
        const fiber = yield* Effect.forkDetach(call(toolkit, "sleep", {}))
        yield* Effect.yieldNow
        return fiber
      })
      const fiber = yield* Effect.scoped(sleeping)
      const { content } = yield* Fiber.join(fiber)
      assert.match(String(content), /^The MCP server failed: MCP (transport|client scope) closed$/)
    }).pipe(Effect.provide(live))
  )

  it.live("waits for a silent server as long as it may take", () =>
    Effect.gen(function* () {
      const silent = ChildProcess.make(process.execPath, ["-e", "setInterval(() => {}, 1000)"])
      const { message } = yield* Effect.flip(Mcp.stdio(silent, { timeout: "50 millis" }))
      assert.match(message, /deadline exceeded; check that this is an MCP server, or pass a longer timeout$/)
    }).pipe(Effect.scoped, Effect.provide(live))
  )

  it.live("says why a server does not start, with its last words", () =>
    Effect.gen(function* () {
      const unknown = yield* Effect.flip(
        Mcp.stdio(ChildProcess.make("nowhere-to-be-found", ["--key", secret, "x".repeat(200)]))
      )
      assert.match(
        unknown.message,
        /^nowhere-to-be-found --key \[redacted\] x{79,}…: Cannot spawn MCP server: NotFound: .*; check the command/
      )
      const crashed = yield* Effect.flip(Mcp.stdio(ChildProcess.make(process.execPath, ["none/server.ts"])))
      assert.match(crashed.message, /\(it wrote: Error: Cannot find module '.*none.server\.ts'\); check the command/)
      const script = `console.error('first'); console.error('no such module ${secret}'); process.exit(1)`
      const ended = yield* Effect.flip(Mcp.stdio(ChildProcess.make(process.execPath, ["-e", script])))
      assert.match(ended.message, /\(it wrote: first; no such module \[redacted\]\); check the command/)
    }).pipe(Effect.scoped, Effect.provide(live))
  )
})

// Builders

const said = (text: string) => ({ content: [{ type: "text", text }] })

const secret = "sk-ant-api03-0123456789"

/** Eight bytes of a PNG image. */
const png = "iVBORw0KGgo="

const echo: Script = {
  version: "2025-11-25",
  tools: [{ name: "echo", inputSchema: { type: "object" } }],
  call: () => said("hi")
}

const toolkitOf = (script: Omit<Script, "version">, options?: Mcp.ToolkitOptions) =>
  Effect.gen(function* () {
    const { url } = yield* scripted({ version: "2025-11-25", ...script })
    return yield* Mcp.toolkit(yield* Mcp.http(url), options)
  })

const server = (...args: ReadonlyArray<string>) =>
  ChildProcess.make(process.execPath, ["test/call/mcp/server.ts", ...args])

/** What the model gets from a call. */
const call = Effect.fnUntraced(function* (toolkit: Mcp.ServerToolkit, name: string, params: unknown) {
  const [result] = yield* Stream.runCollect(yield* toolkit.handle(name, params))
  assert.isDefined(result)
  return { content: ToolResult.content(result), ...(result.isFailure && { isFailure: true }) }
})
