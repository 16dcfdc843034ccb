/**
 * A budget under random schedules of concurrent calls. The API bills a call when it arrives, whatever happens to the
 * answer: it may be lost, cut, or interrupted.
 */
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { Claude, wrap } from "../../src/claude/Claude.ts"
import { ClaudeError, ConnectionFailed, Overloaded, StreamInterrupted } from "../../src/claude/ClaudeError.ts"
import * as Cost from "../../src/claude/Cost.ts"
import type { Request } from "../../src/claude/Request.ts"
import { ServiceTier } from "../../src/claude/ServiceTier.ts"
import * as TokenEstimate from "../../src/claude/TokenEstimate.ts"
import * as Budget from "../../src/policy/Budget.ts"
import * as Concurrency from "../../src/policy/Concurrency.ts"
import * as Retry from "../../src/policy/Retry.ts"
import * as TestClaude from "../../src/testing/TestClaude.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Percentages are of the most that is possible. */
const Call = Schema.Struct({
  model: Schema.Literals(["claude-sonnet-5-5", "claude-haiku-5-5", "claude-opus-5-5", "claude-haiku-4-5"]),
  bytes: between(0, 4000),
  caching: Schema.Literals(["none", "5m", "1h"]),
  maxTokens: between(1, 2000),
  input: between(0, 100),
  output: between(0, 100),
  cached: between(0, 100),
  start: between(0, 3000),
  takes: between(1, 1000),
  ends: Schema.Literals(["answer", "answer", "answer", "answer", "refused", "lost", "cut"]),
  streams: Schema.Boolean,
  /** Milliseconds until the caller interrupts the call. */
  patience: Schema.Literals([100, 500, 10_000, 10_000, 10_000])
})
type Call = typeof Call.Type

const Scenario = Schema.Struct({
  tier: Schema.Literals(["standard", "batch"]),
  /** The cap, in ten-thousandths of a dollar. */
  cap: between(50, 2000),
  concurrency: between(1, 20),
  calls: Schema.Array(Call).check(Schema.isMinLength(20), Schema.isMaxLength(60))
})

const runs = Number(process.env["SCHEDULES"] ?? 100)

describe("random schedules of concurrent calls", () => {
  const shares: Array<number> = []

  it.effect.prop(
    "spend at most the budget, failures and interruptions included, and leave nothing reserved",
    [Scenario],
    ([{ calls, cap, concurrency, tier }]) =>
      Effect.gen(function* () {
        const budget = yield* Budget.make(`${cap / 10_000} USD`)
        const api = makeApi(tier)
        const layer = api.layer.pipe(
          Concurrency.policy(concurrency),
          Budget.policy(budget),
          Retry.policy(Schedule.recurs(1))
        )
        const running = yield* Effect.forEach(
          calls,
          (call) => perform(call).pipe(Effect.ignore, Effect.timeoutOption(call.patience), Effect.delay(call.start)),
          { concurrency: "unbounded" }
        ).pipe(Effect.provide(layer), Effect.forkChild)
        while (running.pollUnsafe() === undefined) {
          yield* TestClock.adjust("50 millis")
          assert.isTrue(BigDecimal.isLessThanOrEqualTo(api.billed(), yield* budget.cap), "billed more than the cap")
          const left = yield* budget.remaining
          assert.isFalse(BigDecimal.isNegative(left), BigDecimal.format(left))
        }
        yield* Fiber.join(running)
        assert.isTrue(BigDecimal.isLessThanOrEqualTo(api.billed(), yield* budget.spent))
        assert.isTrue(BigDecimal.isZero(yield* budget.reserved))
        const wanted = BigDecimal.toNumberUnsafe(Cost.sum(calls.map((call) => billOf(call, tier))) ?? zero)
        const share = (10_000 * BigDecimal.toNumberUnsafe(api.billed())) / cap
        if (wanted * 10_000 > 2 * cap) shares.push(share)
      }),
    { arbitrary: { runs } }
  )

  afterAll(() => {
    const sorted = shares.toSorted((one, other) => one - other)
    const at = (quantile: number) => `${Math.round(100 * (sorted[Math.floor(sorted.length * quantile)] ?? 0))} %`
    process.stdout.write(
      `billed share of the cap in the ${sorted.length} of ${runs} schedules that wanted twice as much: ` +
        `median ${at(0.5)}, first and ninth decile ${at(0.1)} and ${at(0.9)}\n`
    )
  })
})

// Builders

/** The request carries its call in a field that changes no price. */
const requestOf = (call: Call): Request => {
  const { bytes, caching, maxTokens, model } = call
  const cached = caching === "none" ? {} : { cache_control: { type: "ephemeral", ttl: caching } as const }
  const content = [{ type: "text", text: "x".repeat(bytes + 1), ...cached } as const]
  const metadata = { user_id: JSON.stringify(call) }
  return { model, max_tokens: maxTokens, messages: [{ role: "user", content }], metadata }
}

const perform = (call: Call) => {
  const request = requestOf(call)
  return Claude.use((claude) =>
    call.streams ? Stream.runDrain(claude.stream(request)) : Effect.asVoid(claude.create(request))
  )
}

const callOf = (request: Request) => decodeCall(request.metadata?.user_id)

const decodeCall = Schema.decodeUnknownSync(Schema.fromJsonString(Call))

const makeApi = (tier: "standard" | "batch") => {
  let billed = zero
  const answer = (request: Request) => {
    const call = callOf(request)
    return Effect.gen(function* () {
      billed = BigDecimal.sum(billed, billOf(call, tier))
      yield* Effect.sleep(call.takes)
      switch (call.ends) {
        case "answer":
          return messageOf(call, request, tier)
        case "refused":
          return yield* new ClaudeError({ reason: new Overloaded({ detail: "later", status: 529 }) })
        case "lost":
          return yield* new ClaudeError({ reason: new ConnectionFailed({ detail: "reset", code: "ECONNRESET" }) })
        case "cut":
          return yield* new ClaudeError({ reason: new StreamInterrupted({ detail: "cut" }) })
      }
    })
  }
  const counting = wrap((next) =>
    Effect.succeed({ ...next, countTokens: (request) => Effect.sync(() => inputOf(callOf(request), request)) })
  )
  const layer = Layer.merge(counting(TestClaude.layer(answer)), Layer.succeed(ServiceTier, tier))
  return { layer, billed: () => billed }
}

const inputOf = ({ input }: Call, request: Request) => Math.floor(((TokenEstimate.bound(request) ?? 0) * input) / 100)

const zero = BigDecimal.fromBigInt(0n)

/** What the API bills for a call that arrives. */
const billOf = (call: Call, tier: "standard" | "batch") =>
  call.ends === "refused" ? zero : (Cost.bill(messageOf(call, requestOf(call), tier), new Date(0)).cost ?? zero)

const messageOf = (call: Call, request: Request, tier: "standard" | "batch") => {
  const all = inputOf(call, request)
  const cached = call.caching === "none" ? 0 : Math.floor((all * call.cached) / 100)
  const ephemeral_1h_input_tokens = call.caching === "1h" ? cached : 0
  return TestClaude.message({
    content: ["Hello."],
    model: call.model,
    usage: {
      input_tokens: all - cached,
      output_tokens: Math.floor((call.maxTokens * call.output) / 100),
      cache_creation_input_tokens: cached,
      cache_creation: { ephemeral_1h_input_tokens, ephemeral_5m_input_tokens: cached - ephemeral_1h_input_tokens },
      service_tier: tier
    }
  })
}
