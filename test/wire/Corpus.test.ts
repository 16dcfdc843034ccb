import Anthropic from "@anthropic-ai/sdk"
import { assert, describe, it } from "@effect/vitest"
import { AnthropicClient, Claude, type ClaudeError, type Request, StreamEvent } from "effect-claude"
import { Effect, Layer, Redacted, Stream, Struct } from "effect"
import { afterAll, beforeAll } from "vitest"
import * as Corpus from "./Corpus.ts"

const folder = process.env["WIRE_CORPUS"]
const exchanges = folder === undefined ? [] : Corpus.load(folder)

describe.skipIf(folder === undefined)("recorded exchanges (skipped unless WIRE_CORPUS names their folder)", () => {
  let server: Corpus.Replay
  beforeAll(async () => {
    server = await Corpus.replay(exchanges)
  })
  afterAll(() => server.close())

  for (const [kind, numbered] of Map.groupBy(exchanges.entries(), ([, exchange]) => Corpus.kindOf(exchange))) {
    it.live(`${kind}: ${numbered.length} of ${numbered.length} are reproduced`, () =>
      Effect.forEach(numbered, ([index, exchange]) => check(kind, exchange, server, index), { discard: true })
    )
  }

  it.live("a changed body fails the comparison", () =>
    Effect.gen(function* () {
      const [index, exchange] = [...exchanges.entries()].find(([, one]) => Corpus.kindOf(one) === "messages") ?? none
      const mutated = { ...exchange, body: exchange.body.replace(/"output_tokens": ?(\d)/, '"output_tokens": 9$1') }
      const outcome = yield* Effect.exit(check("messages", mutated, server, index))
      assert.include(String(outcome), exchange.name)
    })
  )
})

/** Repeats one exchange, and compares the result with the recording. */
const check = (kind: string, exchange: Corpus.Exchange, server: Corpus.Replay, index: number) =>
  Effect.gen(function* () {
    const request = requestOf(exchange)
    const same = (actual: unknown, expected: unknown) => assert.deepEqual(actual, expected, exchange.name)
    switch (kind) {
      case "messages": {
        const reply = yield* Claude.create(request)
        same(reply.message, JSON.parse(exchange.body))
        same(reply.requestId, exchange.headers["request-id"])
        const limit = exchange.headers["anthropic-ratelimit-requests-limit"]
        same(reply.rateLimits?.requests?.limit, limit === undefined ? undefined : Number(limit))
        break
      }
      case "messages, stream": {
        const [, ...events] = yield* Stream.runCollect(Claude.stream(request))
        same(events, recordedEvents(exchange.body))
        const accumulator = StreamEvent.accumulator()
        for (const event of events) accumulator.add(event)
        same(accumulator.message(), yield* finalMessage(server.url(index), request))
        break
      }
      case "count_tokens":
        same(yield* Claude.countTokens(request), JSON.parse(exchange.body).input_tokens)
        break
      case "messages, error":
      case "count_tokens, error": {
        const call = kind === "messages, error" ? Claude.create(request) : Claude.countTokens(request)
        const { reason } = yield* Effect.flip<unknown, ClaudeError.ClaudeError, Claude.Claude>(call)
        const { error, request_id } = JSON.parse(exchange.body)
        same(reason._tag, reasons[error.type])
        same(reason.detail, error.message)
        same(reason.requestId, exchange.headers["request-id"] ?? request_id)
        break
      }
      case "batches": {
        const { batches } = (yield* AnthropicClient.AnthropicClient).messages
        const call = () =>
          exchange.method === "POST"
            ? // The API accepted the recorded request.
              batches?.create(exchange.request as Anthropic.Messages.BatchCreateParams)
            : batches?.retrieve(JSON.parse(exchange.body).id)
        same(JSON.parse(JSON.stringify(yield* Effect.promise(async () => call()))), JSON.parse(exchange.body))
        break
      }
      case "batches, results": {
        const { batches } = (yield* AnthropicClient.AnthropicClient).messages
        const lines = exchange.body.trim().split("\n")
        const results = (yield* Effect.promise(async () => batches?.results("msgbatch_1"))) ?? assert.fail("no batches")
        same(
          yield* Stream.runCollect(Stream.fromAsyncIterable(results, String)),
          lines.map((line) => JSON.parse(line))
        )
        return
      }
      default:
        assert.fail(`no check for ${kind}`)
    }
    same(asked(server.received(index)), asked(exchange.request))
  }).pipe(Effect.provide(claudeAt(server.url(index))))

const reasons: Record<string, string> = {
  authentication_error: "Unauthenticated",
  invalid_request_error: "InvalidRequest",
  not_found_error: "NotFound"
}

const claudeAt = (baseURL: string) =>
  Claude.layer.pipe(Layer.provideMerge(AnthropicClient.layer({ apiKey: Redacted.make("key"), baseURL })))

const requestOf = ({ path, request }: Corpus.Exchange): Request.Request => {
  // The API accepted the recorded request, so it has the API's shape.
  const { stream: _, ...params } = { ...(request as Request.Request & { readonly stream?: boolean }) }
  return path.includes("beta=true") ? { ...params, betas: [] } : params
}

/** The fields that the answer depends on. (The SDK moves the old `output_format` to its new place.) */
const asked = (body: unknown): unknown =>
  Struct.pick({ ...(body as Request.Request) }, ["messages", "system", "tools", "thinking"])

const recordedEvents = (body: string): ReadonlyArray<unknown> =>
  [...body.matchAll(/^data: ?(.*)$/gm)].map(([, data]) => JSON.parse(data ?? "")).filter(({ type }) => type !== "ping")

/** The message that the SDK accumulates from the same stream. */
const finalMessage = (baseURL: string, { betas, ...params }: Request.Request) =>
  Effect.promise(async () => {
    const client = new Anthropic({ apiKey: "key", baseURL, openTelemetry: false })
    const messages = betas === undefined ? client.messages : client.beta.messages
    // Both take these parameters; their types differ only in fields that are absent here.
    const message = await (messages as Anthropic["messages"])
      .stream(params as Anthropic.MessageStreamParams)
      .finalMessage()
    return JSON.parse(JSON.stringify(message, (key, value) => (key === "parsed_output" ? undefined : value)))
  })

const none: readonly [number, Corpus.Exchange] = [
  0,
  { name: "", method: "POST", path: "/", request: {}, status: 200, headers: {}, body: "" }
]
