// How do I cut short the few answers that take far too long?
import { assert, it } from "@effect/vitest"
import { Clock, Effect, Fiber } from "effect"
import { Batch, Claude } from "effect-claude"
import { Emulator } from "effect-claude/testing"
import { TestClock } from "effect/testing"

const mails = Array.from({ length: 200 }, (_, index) => `Mail ${index}: my parcel is late again.`)

// An answer takes two seconds, and one in forty comes 30 seconds late.
const api = Emulator.layer({ latency: "2 seconds", faults: [{ kind: "late", rate: 0.025 }] })

const answer = Effect.fn("mail")(function* (mail: string) {
  const since = yield* Clock.currentTimeMillis
  yield* Claude.generateText(mail)
  return ((yield* Clock.currentTimeMillis) - since) / 1000
})

// The first 20 answers show how long an answer takes. They are not hedged.
const slowest = Effect.gen(function* () {
  yield* Batch.map(mails.slice(0, 20), answer)
  const answers = yield* Batch.map(mails.slice(20), answer, { concurrency: 16 })
  return Math.max(...answers.map((result) => (result._tag === "Success" ? result.success : NaN)))
})

it.effect("has every answer within 5 seconds instead of 32", () =>
  Effect.gen(function* () {
    assert.isAbove(yield* inVirtualTime(Effect.provide(slowest, api.pipe(Claude.stack()))), 30)
    assert.isBelow(yield* inVirtualTime(Effect.provide(slowest, api.pipe(Claude.stack({ hedge: {} })))), 5)
  })
)

const inVirtualTime = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    const running = yield* Effect.forkChild(effect)
    for (let step = 0; step < 200; step++) yield* TestClock.adjust("500 millis")
    return yield* Fiber.join(running)
  })
