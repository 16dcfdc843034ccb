// How do I test a program while the API fails often, and see the cost?
import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Schema } from "effect"
import { Batch, Claude } from "effect-claude"
import { Emulator } from "effect-claude/testing"
import { TestClock } from "effect/testing"

const Mood = Schema.Struct({ mood: Schema.Literals(["glad", "angry"]) })
const mails = Array.from({ length: 200 }, (_, index) => `Mail ${index}: my parcel is late again.`)

// The real SDK and wire, in memory: one call in ten is refused, one in ten loses its connection, and all are slow.
const badDay = Emulator.layer({
  latency: "2 seconds",
  limits: { requestsPerMinute: 600 },
  faults: [
    { kind: 529, rate: 0.1 },
    { kind: "reset", rate: 0.1 }
  ]
})

it.effect("reads every mail on a bad day, and pays for each once", () =>
  Effect.gen(function* () {
    const sorted = yield* Effect.forkChild(Batch.map(mails, (mail) => Claude.generateObject(Mood, mail)))
    yield* TestClock.adjust("10 minutes") // virtual time: the test does not wait
    const results = yield* Fiber.join(sorted)
    assert.isTrue(results.every(({ _tag }) => _tag === "Success"))

    const { ledger } = yield* Emulator.Emulator
    assert.strictEqual((yield* ledger).length, mails.length)
  }).pipe(Effect.provide(badDay.pipe(Claude.stack({ concurrency: 16 }))))
)
