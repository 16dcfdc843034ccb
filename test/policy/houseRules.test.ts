import { assert, it } from "@effect/vitest"
import { Claude } from "effect-claude"
import { TestClaude } from "effect-claude/testing"
import { Effect } from "effect"
import { houseRules } from "./houseRules.ts"

it.effect("a policy written as in the README changes every call", () =>
  Effect.gen(function* () {
    yield* Claude.generateText("Hello")
    const [call] = yield* TestClaude.calls
    assert.strictEqual(call?.system, "Be brief.")
  }).pipe(Effect.provide(TestClaude.layer("hi").pipe(houseRules("Be brief."))))
)
