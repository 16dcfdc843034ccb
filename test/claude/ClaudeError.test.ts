import { inspect } from "node:util"
import { APIConnectionError } from "@anthropic-ai/sdk/error"
import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Schema from "effect/Schema"
import {
  ClaudeError,
  Overloaded,
  OutputInvalid,
  RateLimited,
  Reason,
  ToolUseRequested
} from "../../src/claude/ClaudeError.ts"
import { fromErrorBody, fromFailure, fromUnknown, malformed } from "../../src/claude/Failure.ts"
import * as Usage from "../../src/claude/Usage.ts"
import { failure, message } from "../fixtures.ts"

describe("as data", () => {
  it.effect.prop("decodes from JSON unchanged, for every reason", everyReason(), (reasons) =>
    Effect.gen(function* () {
      for (const reason of reasons) {
        const error = new ClaudeError({ reason })
        const json = yield* Schema.encodeEffect(Json)(error)
        const back = yield* Schema.decodeEffect(Json)(json)
        assert.instanceOf(back, ClaudeError)
        assert.isTrue(Equal.equals(back.reason, reason))
        assert.strictEqual(back.message, error.message)
      }
    })
  )

  it("contains only plain data", () => {
    const foreign = new APIConnectionError({ cause: Object.assign(new Error("boom"), { secret: "planted" }) })
    const error = fromUnknown(foreign)
    assert.isUndefined(error.cause)
    assert.notInclude(inspect(error, { depth: 9, showHidden: true }), "planted")
  })

  it("contains no key, from any source", () => {
    const key = "sk-ant-api03-planted_-0"
    const errors = [
      fromFailure({ status: 401, detail: `invalid key ${key}` }),
      fromErrorBody(failure("api_error", `invalid key ${key}`), new Headers()),
      fromFailure({ detail: `invalid key ${key}` }),
      fromUnknown(new APIConnectionError({ cause: new Error(`https://x/?key=${key}`) })),
      fromUnknown(new Error(`${key} is no header value`)),
      malformed(`got ${key}`)
    ]
    for (const error of errors) assert.notInclude(JSON.stringify(error) + error.message + error.stack, "planted")
  })

  it("prints all fields except the text of the answer", () => {
    const reason = new OutputInvalid({ detail: "no year", text: "planted", usage: { ...Usage.zero, output: 3 } })
    const error = new ClaudeError({ reason })
    const printed = [
      JSON.stringify(error),
      inspect(error, { depth: 9 }),
      error.message,
      Cause.pretty(Cause.fail(error))
    ]
    for (const text of printed) {
      assert.include(text, "no year")
      assert.notInclude(text, "planted")
    }
    assert.strictEqual(reason.text, "planted")
  })

  it("prints no content of an answer that stopped for a tool", () => {
    const answer = message({ content: ["planted"], stop_reason: "tool_use" })
    const reason = new ToolUseRequested({ detail: "stopped for a tool", text: "planted", answer })
    const error = new ClaudeError({ reason })
    for (const text of [JSON.stringify(error), inspect(error, { depth: 9 }), error.message]) {
      assert.include(text, "stopped for a tool")
      assert.notInclude(text, "planted")
    }
    assert.strictEqual(reason.answer, answer)
  })
})

describe("the message", () => {
  it.each(Reason.members.map((Class) => [Class.identifier, Class] as const))("of %s ends with a remedy", (_, Class) => {
    const { message: text } = new Class({ detail: "it broke", text: "", answer: message(), batch: "", how: "expired" })
    assert.match(text, /^\w+: it broke(; |\n)\w.{4,}/)
  })

  it("has a specific remedy if the usual one does not apply", () => {
    const reason = new RateLimited({ detail: "slow", remedy: "buy more", retryAfter: Duration.seconds(3) })
    assert.strictEqual(reason.message, "RateLimited: slow; buy more; the API asks to wait 3s")
  })
})

describe("Effect.catchReason", () => {
  it.effect("catches one reason, and types it", () =>
    Effect.gen(function* () {
      const call: Effect.Effect<string, ClaudeError> = Effect.fail(
        new ClaudeError({ reason: new RateLimited({ detail: "slow down", retryAfter: Duration.seconds(3) }) })
      )
      const caught = yield* call.pipe(
        Effect.catchReason("ClaudeError", "RateLimited", (reason) => {
          expectTypeOf(reason).toEqualTypeOf<RateLimited>()
          return Effect.succeed(reason.retryAfter)
        })
      )
      assert.deepStrictEqual(caught, Duration.seconds(3))
    })
  )

  it.effect("does not change other reasons", () =>
    Effect.gen(function* () {
      const error = new ClaudeError({ reason: new Overloaded({ detail: "later" }) })
      const left = yield* Effect.fail(error).pipe(
        Effect.catchReason("ClaudeError", "RateLimited", () => Effect.succeed("caught")),
        Effect.flip
      )
      assert.strictEqual(left, error)
    })
  )
})

// Builders

const Json = Schema.fromJsonString(Schema.toCodecJson(ClaudeError))

function everyReason() {
  return Reason.members.map((member: Schema.Schema<Reason>) => Arbitrary.schema(member))
}
