/**
 * `npm run bench -- hedge`: the share of calls that succeed, the time of their answers, the requests and the bill, with
 * and without `Hedge` and `Fallback`, against the emulator on slow and on bad days; and the waterfall of a hedged call.
 * It runs in virtual time, in steps of 50 ms, with one seed: every run has the same figures. A time is that of a whole
 * call, with its repeats.
 */
import { Clock, Effect, Exit, Fiber, Layer, Random, References, Schedule, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Claude, type ClaudeError, Cost, Event, Retry, StreamEvent, Telemetry } from "../src/index.ts"
import { Emulator } from "../src/testing/index.ts"

const opus = "claude-opus-5-5"
const calls = 1000
const inFlight = 32

/** Answers take half a second to their first token, and about another half to their end. */
const answers: Emulator.Options = { timeToFirstToken: "500 millis", tokensPerSecond: 80, seed: 1 }

interface Day {
  readonly name: string
  readonly faults: Emulator.Faults
}

const late = { kind: "late", rate: 0.02 } as const
const busy = { kind: 529, model: opus, rate: 0.95 } as const

const slow: Day = {
  name: "2 % of the answers 30 s late, 3 % of the requests overloaded",
  faults: [late, { kind: 529, rate: 0.03 }]
}
const down: Day = { name: "Opus overloaded in 95 % of the requests", faults: [busy] }
const both: Day = {
  name: `${down.name}, 2 % of the answers of Sonnet 30 s late`,
  faults: [busy, { ...late, model: "claude-sonnet-5-5" }]
}

const retry = Retry.schedule.pipe(Schedule.upTo({ times: 2 }))
const fallback = [{ model: "claude-sonnet-5-5" }]
const stacks = {
  stack: {},
  "with hedge": { hedge: {} },
  "with fallback, 2 repeats": { retry, fallback },
  "with both, 2 repeats": { retry, fallback, hedge: {} }
} as const satisfies Readonly<Record<string, Claude.StackOptions>>

const prompt = (call: number) =>
  `Letter ${call}. ${"My parcel is late, and nobody answers. ".repeat(1 + ((call * 7) % 12))}`

/** Runs all calls, and moves the clock meanwhile. */
const run = (faults: Emulator.Faults, options: Claude.StackOptions, kind: "create" | "stream") =>
  Effect.gen(function* () {
    let sent = 0
    let hedged = 0
    const listen = Event.listen((event) =>
      Effect.sync(() => {
        if (event._tag === "call-sent") sent += 1
        if (event._tag === "call-hedged") hedged += 1
      })
    )
    const ask = Effect.fnUntraced(function* (call: number) {
      const since = yield* Clock.currentTimeMillis
      const request = { model: opus, messages: [{ role: "user" as const, content: prompt(call) }] }
      let until = since
      const opened = (event: StreamEvent.StreamEvent) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          if (until === since && StreamEvent.isContent(event)) until = now
        })
      const read: Effect.Effect<unknown, ClaudeError.ClaudeError, Claude.Claude> =
        kind === "create" ? Claude.create(request) : Stream.runForEach(Claude.stream(request), opened)
      const exit = yield* Effect.exit(read)
      const ended = yield* Clock.currentTimeMillis
      const seconds = ((until === since ? ended : until) - since) / 1000
      return { seconds, succeeded: Exit.isSuccess(exit) }
    })
    const all = Effect.forEach(
      Array.from({ length: calls }, (_, call) => call),
      ask,
      { concurrency: inFlight }
    )
    const measured = yield* Effect.forkChild(
      Effect.zip(
        listen(all),
        Emulator.Emulator.use(({ ledger }) => ledger)
      )
    )
    while (measured.pollUnsafe() === undefined) yield* TestClock.adjust("50 millis")
    const [answered, ledger] = yield* Fiber.join(measured)
    const at = new Date(yield* Clock.currentTimeMillis)
    return { answered, sent, hedged, cost: Cost.sum(ledger.map(({ model, usage }) => Cost.of({ model, usage, at }))) }
  }).pipe(Effect.provide(Emulator.layer({ ...answers, faults }).pipe(Claude.stack(options))), Random.withSeed(1))

const quantile = (sorted: ReadonlyArray<number>, share: number) =>
  `${(sorted[Math.ceil(share * sorted.length) - 1] ?? NaN).toFixed(2)} s`

const measure = Effect.fnUntraced(function* (
  { faults, name: day }: Day,
  kind: "create" | "stream",
  names: ReadonlyArray<keyof typeof stacks>
) {
  console.log(
    `\n${day}; ${calls} calls, ${inFlight} in flight, time to the ${kind === "create" ? "answer" : "first content"}`
  )
  for (const name of names) {
    const { answered, cost, hedged, sent } = yield* run(faults, stacks[name], kind)
    const sorted = answered.map(({ seconds }) => seconds).toSorted((a, b) => a - b)
    const succeeded = answered.filter(({ succeeded }) => succeeded).length
    console.log(
      name.padEnd(26),
      `${((100 * succeeded) / calls).toFixed(1)} %`.padStart(8),
      ...[0.5, 0.95, 0.99, 1].map((share) => `p${share * 100} ${quantile(sorted, share)}`.padStart(14)),
      `${sent} requests`.padStart(14),
      `${hedged} twice`.padStart(9),
      Cost.format(cost).padStart(9)
    )
  }
})

/** The spans of a call whose first request is late. */
const drawn = Effect.gen(function* () {
  const asked = Effect.forEach(
    Array.from({ length: 200 }, (_, call) => call),
    (call) => Claude.stream(prompt(call)).pipe(Stream.runDrain, Effect.withSpan(`letter ${call}`))
  )
  const running = yield* Effect.forkChild(asked)
  while (running.pollUnsafe() === undefined) yield* TestClock.adjust("50 millis")
  const spans = yield* Effect.flatten(Telemetry.Spans)
  const hedged = spans.find(({ attributes }) => attributes.has("effect_claude.hedged"))
  console.log(`\n${Telemetry.waterfall(spans.filter(({ traceId }) => traceId === hedged?.traceId))}`)
}).pipe(
  Effect.provide(
    Emulator.layer({ ...answers, faults: [{ kind: "late", rate: 0.05 }] }).pipe(
      Claude.stack({ hedge: {} }),
      Layer.provideMerge(Telemetry.layerSpans)
    )
  )
)

await Effect.gen(function* () {
  yield* measure(slow, "create", ["stack", "with hedge"])
  yield* measure(slow, "stream", ["stack", "with hedge"])
  yield* measure(down, "create", ["stack", "with fallback, 2 repeats"])
  yield* measure(both, "create", ["with fallback, 2 repeats", "with both, 2 repeats"])
  yield* drawn
}).pipe(
  Effect.provide(TestClock.layer()),
  Effect.provideService(References.MinimumLogLevel, "Error"),
  Effect.runPromise
)
