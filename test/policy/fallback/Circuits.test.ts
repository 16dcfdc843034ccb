import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { ClaudeError, InvalidRequest, Overloaded, type Reason, Refused } from "../../../src/claude/ClaudeError.ts"
import * as Circuits from "../../../src/policy/fallback/Circuits.ts"

it.effect.each<[string, Circuits.Failed<string>, boolean]>([
  ["opens after 5 failures of the model", failed(new Overloaded({ detail: "later" })), true],
  ["stays closed after requests that the model refuses", failed(new InvalidRequest({ detail: "no" })), false],
  ["stays closed after failures that do not count", failed(new Overloaded({ detail: "ignored" })), false],
  ["stays closed after refusals, which are answers", failed(new Refused({ detail: "no", text: "" }), "No."), false]
])("a circuit %s", ([, failure, opens]) =>
  Effect.gen(function* () {
    const guard = yield* Circuits.make(({ reason }) => reason.detail !== "ignored")
    const ask = (model = "opus", client = 0) => Effect.flip(guard({ client, model }, Effect.fail(failure)))
    for (let call = 0; call < 5; call++) assert.strictEqual(yield* ask(), failure)
    assert.strictEqual((yield* ask()).error.reason._tag === "CircuitOpen", opens)
    assert.strictEqual(yield* ask("sonnet"), failure)
    assert.strictEqual(yield* ask("opus", 1), failure)
  }).pipe(Effect.scoped)
)

it.effect("a circuit stays open for at most 4 minutes at a time", () =>
  Effect.gen(function* () {
    const guard = yield* Circuits.make(() => true)
    const failure = failed(new Overloaded({ detail: "later" }))
    const ask = Effect.map(
      Effect.flip(guard({ client: 0, model: "opus" }, Effect.fail(failure))),
      ({ error }) => error.reason._tag
    )
    for (let call = 0; call < 5; call++) yield* ask
    for (const seconds of [15, 30, 60, 120, 240, 240]) {
      yield* TestClock.adjust((seconds - 1) * 1000)
      assert.strictEqual(yield* ask, "CircuitOpen")
      yield* TestClock.adjust(1000)
      assert.strictEqual(yield* ask, "Overloaded")
    }
  }).pipe(Effect.scoped)
)

// Builders

function failed(reason: Reason, answer?: string): Circuits.Failed<string> {
  return new Circuits.Failed(new ClaudeError({ reason }), answer)
}
