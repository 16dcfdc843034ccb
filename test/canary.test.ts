/**
 * Plants secrets in every place that can hold one, turns on all observers of calls, and searches their output.
 */
import { NodeFileSystem, NodeServices } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { AnthropicClient, CallSite, Claude, Dataset, Job, Journal, Redact, ResponseCache, Step } from "effect-claude"
import { Sqlite } from "effect-claude/node"
import { Cassette } from "effect-claude/testing"
import { Cause, ConfigProvider, Effect, Layer, Logger, Redacted, References, Schema } from "effect"
import { FetchHttpClient } from "effect/http"
import { Otlp } from "effect/observability"
import { mkdtempSync, readdirSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { DatabaseSync } from "node:sqlite"
import { collector } from "./policy/telemetry/collector.ts"

/** Each secret names its place. They look like keys, except the last, which is secret by the name of its field. */
const canary = (place: string) => `sk-ant-api03-canary-${place}-AAAAAAAAAAAAAAAA`
const patient = "canary-patient"

it.live("no log, span, metric, error, journal or report contains a secret", () =>
  Effect.gen(function* () {
    const folder = mkdtempSync(join(tmpdir(), "leaks-"))
    const api = yield* leaky
    const otlp = yield* collector
    const lines: Array<string> = []
    const logged = Logger.layer(
      [
        Logger.map(Logger.formatJson, (line) => void lines.push(line)),
        Logger.map(Logger.formatSimple, (line) => void lines.push(line))
      ],
      { mergeWithExisting: true }
    )
    const exported = Otlp.layerJson({ baseUrl: otlp.url, resource: { serviceName: "canary" } }).pipe(
      Layer.provide(FetchHttpClient.layer)
    )
    const claude = Claude.layer.pipe(
      Layer.provide(AnthropicClient.layer({ apiKey: Redacted.make(canary("key")), baseURL: api.url })),
      Claude.stack({
        concurrency: 1,
        cache: { store: ResponseCache.layerMemory() },
        telemetry: { content: true, propagate: true }
      })
    )
    const state = join(folder, "state.sqlite")
    const journal = Journal.layer({ job: "canary", shape: Job.shape(job) }).pipe(
      Layer.provide(Sqlite.layer({ path: state }))
    )
    const summary = yield* Job.run(job, { output: join(folder, "out.ndjson") }).pipe(
      CallSite.label("note", canary("label")),
      Effect.provide([claude, journal, NodeServices.layer]),
      Effect.provide(Layer.provideMerge(logged, exported)),
      Effect.provideService(References.MinimumLogLevel, "All"),
      Effect.provideService(Redact.Redactor, Redact.make({ fields: ["patient"] }))
    )
    const error = yield* Effect.flip(Claude.generateText("fail")).pipe(Effect.provide(claude))

    // Checks that every place was reached, and that its output was searched.
    assert.isAbove(api.seen(), 3)
    assert.strictEqual(summary.done, 2)
    assert.isAbove(lines.length, 8)
    assert.isAbove(otlp.spans().length, 6)
    assert.include(otlp.everything(), "[redacted]")

    assertClean({
      logs: lines.join("\n"),
      "spans, metrics and logs over OTLP": otlp.everything(),
      "the summary": JSON.stringify(summary),
      "the error": [
        error.message,
        String(error),
        JSON.stringify(error),
        error.stack,
        Cause.pretty(Cause.fail(error))
      ].join(),
      "the journal, but for prompts and answers": journalWithoutContent(state)
    })
  }).pipe(Effect.scoped)
)

it.live("a cassette with a secret is not written", () =>
  Effect.gen(function* () {
    const folder = mkdtempSync(join(tmpdir(), "leaks-"))
    const api = yield* leaky
    const environment = ConfigProvider.layer(
      ConfigProvider.fromUnknown({
        ANTHROPIC_API_KEY: canary("key"),
        ANTHROPIC_BASE_URL: api.url,
        MY_TOKEN: "canary-environment"
      })
    )
    for (const prompt of [`My key is ${canary("prompt")}.`, "The token is canary-environment.", "reply", "fail"]) {
      const path = join(folder, "cassette.json")
      const cassette = Cassette.layer({ path, mode: "record" }).pipe(Layer.provide([NodeFileSystem.layer, environment]))
      const exit = yield* Claude.create(prompt).pipe(Effect.exit, Effect.provide(cassette), Effect.exit)
      const outcome = exit._tag === "Failure" ? Cause.pretty(exit.cause) : "written"
      assert.include(outcome, "the recording contains secrets, so it was not written")
      assertClean({ "the message about it": outcome })
      assert.deepStrictEqual(readdirSync(folder), [])
    }
  }).pipe(Effect.scoped)
)

const Mail = Schema.Struct({ id: Schema.String, text: Schema.String })

const job = Job.make({
  name: "canary",
  source: Dataset.fromIterable("mails", Mail, [
    { id: "1", text: `My key is ${canary("prompt")}. {"patient":"${patient}"}` },
    { id: "2", text: "reply" },
    { id: "3", text: "fail" }
  ]),
  key: ({ id }: typeof Mail.Type) => id,
  step: Step.text("answer", ({ text }: typeof Mail.Type) => ({
    messages: [{ role: "user" as const, content: text }],
    headers: { "x-team-key": canary("header"), authorization: `Bearer ${canary("bearer")}` },
    metadata: { user_id: canary("metadata") }
  })),
  output: Schema.String,
  sink: "out.ndjson"
})

const assertClean = (places: Record<string, string>) => {
  for (const [place, text] of Object.entries(places)) {
    assert.isAbove(text.length, 0, place)
    assert.notInclude(text, "canary-", `a secret is in ${place}`)
  }
}

/** A request that the journal keeps, without its messages. */
const withoutPrompt = (request: unknown) =>
  typeof request === "string" ? { ...JSON.parse(request), messages: [] } : undefined

/** Every column of every table, except outputs, messages of Claude, and the prompts of the requests that are kept. */
const journalWithoutContent = (path: string) => {
  const database = new DatabaseSync(path)
  const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all()
  const isAnswer = "WHERE row_id IN (SELECT id FROM effect_claude_rows WHERE state = 1)"
  database.exec(`UPDATE effect_claude_results SET value = '' ${isAnswer}`)
  const rows = tables.flatMap(({ name }) => database.prepare(`SELECT * FROM "${String(name)}"`).all())
  database.close()
  return rows.map((row) => JSON.stringify({ ...row, message: "", request: withoutPrompt(row["request"]) })).join("\n")
}

/** An API with secrets in its answers and errors. */
const leaky = Effect.acquireRelease(
  Effect.callback<{ readonly url: string; readonly seen: () => number; readonly close: () => void }>((resume) => {
    let seen = 0
    const server = createServer((request, response) => {
      void text(request).then((body) => {
        seen += 1
        const head = { "content-type": "application/json", "request-id": `req_${seen}` }
        const sent = JSON.stringify(request.headers)
        if (body.includes('"fail"')) {
          const message = `invalid x-api-key ${canary("error")} in ${sent}`
          return response
            .writeHead(401, head)
            .end(JSON.stringify({ type: "error", error: { type: "authentication_error", message } }))
        }
        const content = [
          { type: "text", text: body.includes('"reply"') ? `Your key is ${canary("reply")}.` : "Noted." }
        ]
        const usage = { input_tokens: 10, output_tokens: 3 }
        const message = {
          id: "msg_1",
          type: "message",
          role: "assistant",
          model: "claude-sonnet-5-5",
          content,
          stop_reason: "end_turn",
          usage
        }
        return response.writeHead(200, head).end(JSON.stringify(message))
      })
    })
    server.listen(0, "127.0.0.1", () => {
      // A server that listens on a port has an address of this type.
      const { port } = server.address() as AddressInfo
      const close = () => {
        server.closeAllConnections()
        server.close()
      }
      resume(Effect.succeed({ url: `http://127.0.0.1:${port}`, seen: () => seen, close }))
    })
  }),
  ({ close }) => Effect.sync(close)
)
