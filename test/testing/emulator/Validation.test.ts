import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Models from "../../../src/claude/Models.ts"
import type * as Exchange from "../../../src/testing/emulator/Exchange.ts"
import * as Validation from "../../../src/testing/emulator/Validation.ts"
import * as Corpus from "../../wire/Corpus.ts"

describe("Validation.call", () => {
  it.effect("refuses with the status and the words of the API", () =>
    Effect.gen(function* () {
      const { max_tokens: _, ...unlimited } = good
      const cases: ReadonlyArray<readonly [body: unknown, status: number, message: string]> = [
        [unlimited, 400, "max_tokens: Field required"],
        [{ ...good, max_tokens: "5" }, 400, "max_tokens: Input should be a valid integer"],
        [{ ...good, max_tokens: 1.5 }, 400, "max_tokens: Input should be a valid integer"],
        [{ ...good, max_tokens: -1 }, 400, "max_tokens: Input should be greater than or equal to 0"],
        [
          { ...good, max_tokens: 64_001 },
          400,
          "max_tokens: 64001 > 64000, which is the maximum allowed number of output tokens for claude-haiku-4-5"
        ],
        [{ ...good, model: "claude-does-not-exist" }, 404, "model: claude-does-not-exist"],
        [{ ...good, messages: [] }, 400, "messages: at least one message is required"],
        [
          { ...good, messages: [{ role: "tool", content: "x" }] },
          400,
          "messages.0.role: Input should be 'user', 'assistant' or 'system'"
        ],
        [{ ...good, messages: [{ role: "user" }] }, 400, "messages.0.content: Field required"],
        [
          { ...good, messages: [{ role: "user", content: [{ text: "x" }] }] },
          400,
          "messages.0.content.0.type: Field required"
        ],
        [
          { ...good, messages: [{ role: "user", content: 5 }] },
          400,
          "messages.0.content: Input should be a valid string or list"
        ],
        [
          { ...good, messages: [{ role: "assistant", content: "x" }] },
          400,
          'messages: first message must use the "user" role'
        ],
        [
          { ...good, messages: [{ role: "user", content: "" }] },
          400,
          "messages.0: all messages must have non-empty content except for the optional final assistant message"
        ],
        [
          { ...good, messages: [{ role: "user", content: "word ".repeat(200_000) }] },
          400,
          "prompt is too long: 250004 tokens > 200000 maximum"
        ],
        [
          { ...good, output_config: { format: { type: "json" } } },
          400,
          "output_config.format.type: Input should be 'json_schema'"
        ],
        [[], 400, "Input should be an object"],
        [{ ...good, messages: [{ role: "user", content: "x".repeat(34e6) }] }, 413, "Request exceeds the maximum size"]
      ]
      for (const [body, status, message] of cases) {
        const error = yield* Effect.flip(Validation.call(request(body)))
        assert.deepStrictEqual([error.status, error.message], [status, message])
      }
      const broken = yield* Effect.flip(Validation.call({ ...request(good), body: "{" }))
      assert.deepStrictEqual([broken.status, broken.message], [400, "The request body is not valid JSON"])
    })
  )

  it.effect("refuses sampling parameters under the new version of the API, and takes them under the old", () =>
    Effect.gen(function* () {
      for (const field of ["temperature", "top_p", "top_k"]) {
        const error = yield* Effect.flip(Validation.call(request({ ...good, [field]: 1 })))
        assert.strictEqual(error.message, `${field}: Extra inputs are not permitted`)
        const call = yield* Validation.call(request({ ...good, [field]: 1 }, "2023-06-01"))
        assert.strictEqual(call.model, good.model)
      }
    })
  )

  it.effect("wants to know the version", () =>
    Effect.gen(function* () {
      const missing = yield* Effect.flip(Validation.call({ ...request(good), headers: {} }))
      assert.strictEqual(missing.message, "anthropic-version: header is required")
      const unknown = yield* Effect.flip(Validation.call(request(good, "2020-01-01")))
      assert.include(unknown.message, '"2020-01-01" is not a supported version')
    })
  )

  it.effect("lets fields pass that it does not know", () =>
    Effect.gen(function* () {
      const call = yield* Validation.call(request({ ...good, brand_new: { a: 1 } }))
      assert.strictEqual(call.prompt.last.text, "Hello")
    })
  )

  it.effect("takes an empty final turn of the assistant, and instructions in the middle of a conversation", () =>
    Effect.gen(function* () {
      const messages = [...good.messages, { role: "system", content: "Be brief." }, { role: "assistant", content: "" }]
      const call = yield* Validation.call(request({ ...good, messages }))
      assert.deepStrictEqual(call.prompt, {
        system: "Be brief.",
        earlier: "Hello",
        last: { by: "assistant", text: "" }
      })
    })
  )
})

const folder = process.env["WIRE_CORPUS"]

describe.skipIf(folder === undefined)("recorded requests (skipped unless WIRE_CORPUS names their folder)", () => {
  it.effect("that the API answered are taken, but for one of 2024 whose result has the id of another call", () =>
    Effect.gen(function* () {
      const answered = Corpus.load(folder ?? "").filter((exchange) =>
        /^messages(, stream)?$/.test(Corpus.kindOf(exchange))
      )
      assert.isAbove(answered.length, 100)
      const refused: Array<string> = []
      for (const { name, request: recorded } of answered) {
        const taken = yield* Effect.result(Validation.call(request(current(recorded), "2023-06-01")))
        if (taken._tag === "Failure") refused.push(`${name}: ${taken.failure.message}`)
      }
      assert.lengthOf(refused, 1)
      assert.match(refused[0] ?? "", /^cassettes--anthropic_completion_tools_call_with_tool_result.*toolu_01UiyhG7tyw/)
    })
  )
})

/** Many were sent to models that are retired by now. */
const current = (recorded: unknown) => {
  const { model } = decodeModel(recorded)
  return Object.assign({}, recorded, { model: Models.find(model) === undefined ? "claude-opus-4-8" : model })
}

const decodeModel = Schema.decodeUnknownSync(Schema.Struct({ model: Schema.String }))

const good = { model: "claude-haiku-4-5", max_tokens: 100, messages: [{ role: "user", content: "Hello" }] }

const request = (body: unknown, version = "2026-10-21"): Exchange.Request => ({
  method: "POST",
  path: "/v1/messages",
  headers: { "anthropic-version": version },
  body: JSON.stringify(body)
})
