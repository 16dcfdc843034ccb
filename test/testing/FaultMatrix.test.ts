/**
 * The fault matrix: faults on real sockets, and their outcomes for the caller, by verb and by policy. The titles are its
 * rows. (`test/wire/Failures.test.ts` does the same below HTTP, with a server that is not the emulator.)
 */
import { assert, describe, it } from "@effect/vitest"
import { AnthropicClient, Claude, ClaudeError, Retry } from "effect-claude"
import { Context, Effect, Layer, Predicate, Redacted, Schedule, Schema, Stream } from "effect"
import { subscribe } from "node:diagnostics_channel"
import { EventEmitter } from "node:events"
import { Socket } from "node:net"
import * as Failure from "../../src/claude/Failure.ts"
import * as Emulator from "../../src/testing/Emulator.ts"

/** Outcomes: "ok", or the reason. `whole` is the outcome of verbs without a stream. */
interface Row {
  readonly fault: Emulator.Kind
  readonly after?: number
  readonly whole?: string
  readonly stream?: string
  /** Whether the outcome stays with `Retry`. By default the second attempt succeeds. */
  readonly final?: "for good"
}

const table: ReadonlyArray<Row> = [
  { fault: 401, whole: "Unauthenticated", stream: "Unauthenticated", final: "for good" },
  { fault: 408, whole: "TimedOut", stream: "TimedOut" },
  { fault: 409, whole: "Conflict", stream: "Conflict" },
  { fault: 429, whole: "RateLimited", stream: "RateLimited" },
  { fault: 500, whole: "ServerFailed", stream: "ServerFailed" },
  { fault: 503, whole: "ServerFailed", stream: "ServerFailed" },
  { fault: 504, whole: "TimedOut", stream: "TimedOut" },
  { fault: 529, whole: "Overloaded", stream: "Overloaded" },
  { fault: "refused", whole: "ConnectionFailed", stream: "ConnectionFailed" },
  { fault: "reset", whole: "ConnectionFailed", stream: "ConnectionFailed" },
  { fault: "html", whole: "MalformedResponse", stream: "MalformedResponse" },
  { fault: "late", whole: "TimedOut", stream: "TimedOut" },
  { fault: "reset-in-body", whole: "ConnectionFailed" },
  { fault: "reset-in-body", after: 1, stream: "StreamInterrupted" },
  // After three events, the reader has content that cannot be taken back.
  { fault: "reset-in-body", after: 3, stream: "StreamInterrupted", final: "for good" },
  { fault: "stall", whole: "TimedOut" },
  { fault: "stall", after: 1, stream: "TimedOut" },
  { fault: "stall", after: 3, stream: "TimedOut", final: "for good" },
  { fault: "cut", whole: "MalformedResponse" },
  { fault: "cut", after: 1, stream: "StreamInterrupted" },
  { fault: "cut", after: 3, stream: "StreamInterrupted", final: "for good" },
  { fault: "malformed-json", whole: "MalformedResponse" },
  { fault: "malformed-json", after: 1, stream: "MalformedResponse" },
  { fault: "malformed-json", after: 3, stream: "MalformedResponse", final: "for good" },
  { fault: "drip", whole: "ok", stream: "ok" },
  { fault: "split-characters", whole: "ok", stream: "ok" },
  { fault: "error-event", whole: "ok" },
  { fault: "error-event", after: 1, stream: "Overloaded" },
  { fault: "error-event", after: 3, stream: "Overloaded", final: "for good" },
  { fault: "malformed-sse", whole: "ok" },
  { fault: "malformed-sse", after: 1, stream: "MalformedResponse" },
  { fault: "malformed-sse", after: 3, stream: "MalformedResponse", final: "for good" },
  { fault: "duplicate-events", whole: "ok" },
  // A second start means a second answer in the same body.
  { fault: "duplicate-events", stream: "StreamInterrupted", final: "for good" },
  { fault: "unknown-events", whole: "ok", stream: "ok" }
]

// Most rows wait: for a time-out, a slow answer, or the time that a server asks for.
describe.concurrent("a fault of the first request", () => {
  for (const { after, fault: kind, final, stream, whole } of table) {
    const fault: Emulator.Fault = { kind, ...(after !== undefined && { after }) }
    const what = after === undefined ? `${kind}` : `${kind} after ${after} event${after === 1 ? "" : "s"}`
    for (const [verb, outcome] of [
      ["create", whole],
      ["stream", stream],
      ["batches.create", whole]
    ] as const) {
      if (outcome === undefined) continue
      const helped = outcome === "ok" || final === "for good" ? outcome : "ok at attempt 2"
      it.live(`${what} · ${verb} · no policy → ${outcome}`, () =>
        Effect.map(outcomeOf(fault, verb, false), (got) => assert.strictEqual(got, outcome))
      )
      it.live(`${what} · ${verb} · ${verb === "batches.create" ? "sent again" : "Retry"} → ${helped}`, () =>
        Effect.map(outcomeOf(fault, verb, true), (got) => assert.strictEqual(got, helped))
      )
    }
  }
})

describe("after all faults", () => {
  it.live("no socket is open, and there was no unhandled rejection", () =>
    Effect.gen(function* () {
      yield* until(() => openSockets() <= before)
      assert.isAtMost(openSockets(), before)
      assert.deepStrictEqual(unhandled, [])
    })
  )
})

// Builders

const request = {
  model: "claude-haiku-4-5",
  max_tokens: 5,
  messages: [{ role: "user" as const, content: "Grüße an die 🌍." }]
}

/** The time-out of a call in milliseconds: short if no answer comes, otherwise long, since the machine may be busy. */
const patience = (kind: Emulator.Kind) => (kind === "late" || kind === "stall" ? 1000 : 30_000)

type Verb = "create" | "stream" | "batches.create"

/** The outcome of a call to a new server. After the call, at most one kept-alive connection is open. */
const outcomeOf = (fault: Emulator.Fault, verb: Verb, retried: boolean) =>
  Effect.gen(function* () {
    let arrivals = 0
    const faults: Emulator.Script = ({ path }) => (path !== Emulator.inBatch && ++arrivals === 1 ? fault : undefined)
    const { url } = Context.get(yield* Layer.build(Emulator.layerServer({ faults })), Emulator.Emulator)
    const claude = Claude.layer.pipe(
      Layer.provideMerge(AnthropicClient.layer({ apiKey: Redacted.make("key"), baseURL: url }))
    )
    const limit = patience(fault.kind)
    const outcome = yield* calls(limit, retried)[verb].pipe(
      Effect.match({ onSuccess: () => "ok", onFailure: ({ reason }) => reason._tag }),
      Effect.provide(retried ? claude.pipe(Retry.policy(Schedule.recurs(1))) : claude),
      Effect.provideService(Claude.Timeouts, { call: limit, idle: limit })
    )
    const port = Number(new URL(url).port)
    yield* until(() => openAt(sockets, port) <= 1 && openAt(answers, port) === 0)
    assert.isAtMost(openAt(sockets, port), 1, "sockets of the server")
    assert.strictEqual(openAt(answers, port), 0, "pending answers")
    return outcome === "ok" && arrivals > 1 ? `ok at attempt ${arrivals}` : outcome
  }).pipe(Effect.scoped)

type Call = Effect.Effect<unknown, ClaudeError.ClaudeError, Claude.Claude | AnthropicClient.AnthropicClient>

const calls = (limit: number, retried: boolean): Record<Verb, Call> => ({
  create: Claude.create(request),
  stream: Stream.runDrain(Claude.stream(request)),
  "batches.create": Effect.retry(createBatch(limit), { times: retried ? 1 : 0, while: (error) => error.isRetryable })
})

/** A call of the SDK, with its errors classified as ours. No policy covers it, so the test retries it. */
const createBatch = (limit: number) =>
  AnthropicClient.AnthropicClient.use(({ messages }) =>
    Effect.tryPromise({
      try: async (signal) => messages.batches?.create({ requests: [{ custom_id: "1", params: request }] }, { signal }),
      catch: Failure.fromUnknown
    }).pipe(
      Effect.timeoutOrElse({
        duration: limit,
        orElse: () => Effect.fail(new ClaudeError.ClaudeError({ reason: new ClaudeError.TimedOut({ detail: "late" }) }))
      }),
      Effect.filterOrFail(isBatch, () => Failure.malformed("expected a batch"))
    )
  )

const isBatch = Schema.is(Schema.Struct({ type: Schema.Literal("message_batch"), id: Schema.String }))

/** The sockets that the servers of this process have accepted, and their pending answers. */
const sockets = new Map<unknown, number | undefined>()
const answers = new Map<unknown, number | undefined>()
const openAt = (open: ReadonlyMap<unknown, number | undefined>, port: number) =>
  [...open.values()].filter((other) => other === port).length

const watch = (channel: string, name: "socket" | "response", open: Map<unknown, number | undefined>) =>
  subscribe(channel, (message) => {
    const emitter = Predicate.hasProperty(message, name) ? message[name] : undefined
    const socket = Predicate.hasProperty(message, "socket") ? message.socket : undefined
    if (!(emitter instanceof EventEmitter && socket instanceof Socket)) return
    open.set(emitter, socket.localPort)
    emitter.once("close", () => open.delete(emitter))
  })
watch("net.server.socket", "socket", sockets)
watch("http.server.request.start", "response", answers)

/** The number of open sockets of servers and clients. */
const openSockets = () => process.getActiveResourcesInfo().filter((name) => name.startsWith("TCP")).length
const before = openSockets()

const unhandled: Array<unknown> = []
process.on("unhandledRejection", (reason) => unhandled.push(reason))

/** Waits until sockets have closed, at most a second. */
const until = (settled: () => boolean) =>
  Effect.sync(settled).pipe(
    Effect.repeat({ until: (done) => done, schedule: Schedule.spaced("1 millis") }),
    Effect.timeoutOption("1 second")
  )
