import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Exchange from "../../../../src/testing/emulator/wire/Exchange.ts"
import * as Validation from "../../../../src/testing/emulator/request/Validation.ts"

describe("Validation.call", () => {
  it.effect("refuses with the status and the message of the API", () =>
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
          { ...good, messages: [{ role: "user", content: "" }] },
          400,
          "messages.0: all messages must have non-empty content except for the optional final assistant message"
        ],
        [
          { ...good, messages: [{ role: "user", content: [{ type: "text", text: "" }] }] },
          400,
          "messages: text content blocks must be non-empty"
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

  it.effect("refuses sampling parameters with the new version of the API, and accepts them with the old one", () =>
    Effect.gen(function* () {
      for (const field of ["temperature", "top_p", "top_k"]) {
        const error = yield* Effect.flip(Validation.call(request({ ...good, [field]: 1 })))
        assert.strictEqual(error.message, `${field}: Extra inputs are not permitted`)
        const call = yield* Validation.call(request({ ...good, [field]: 1 }, "2023-06-01"))
        assert.include(call.request, { [field]: 1 })
      }
    })
  )

  it.effect("names a model by its dated id, if it has one, as the API does", () =>
    Effect.gen(function* () {
      const nameOf = (model: string) => Effect.map(Validation.call(request({ ...good, model })), (call) => call.model)
      assert.strictEqual(yield* nameOf("claude-haiku-4-5"), "claude-haiku-4-5-20251001")
      assert.strictEqual(yield* nameOf("claude-haiku-4-5-20251001"), "claude-haiku-4-5-20251001")
      assert.strictEqual(yield* nameOf("claude-opus-5-5"), "claude-opus-5-5")
    })
  )

  it.effect("refuses threads with the error code that makes clients send the whole conversation", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Validation.call(asBeta({ ...good, thread: { type: "create" } })))
      assert.deepStrictEqual([error.status, error.code], [400, "thread_unsupported_request"])
      const call = yield* Validation.call(asBeta({ ...good, thread: null }))
      assert.strictEqual(call.prompt.last.text, "Hello")
    })
  )

  it.effect("accepts the old name of the output format", () =>
    Effect.gen(function* () {
      const format = { type: "json_schema", schema: { type: "object", properties: {}, additionalProperties: false } }
      const old = yield* Validation.call(asBeta({ ...good, output_format: format }))
      const current = yield* Validation.call(request({ ...good, output_config: { format } }))
      assert.deepStrictEqual(old.schema, current.schema)
      const error = yield* Effect.flip(Validation.call(asBeta({ ...good, output_format: { type: "json" } })))
      assert.strictEqual(error.message, "output_format.type: Input should be 'json_schema'")
    })
  )

  it.effect("reads a list of betas with or without spaces", () =>
    Effect.gen(function* () {
      const headers = { "anthropic-version": "2026-10-21", "anthropic-beta": "one,two, three" }
      const call = yield* Validation.call({ ...request(good), headers })
      assert.deepStrictEqual(call.request.betas, ["one", "two", "three"])
    })
  )

  it.effect("requires the version", () =>
    Effect.gen(function* () {
      const missing = yield* Effect.flip(Validation.call({ ...request(good), headers: {} }))
      assert.strictEqual(missing.message, "anthropic-version: header is required")
      const unknown = yield* Effect.flip(Validation.call(request(good, "2020-01-01")))
      assert.include(unknown.message, '"2020-01-01" is not a supported version')
    })
  )

  it.effect("accepts a conversation that starts with an assistant message", () =>
    Effect.gen(function* () {
      const messages = [{ role: "assistant", content: "How can I help?" }, ...good.messages]
      const call = yield* Validation.call(request({ ...good, messages }))
      assert.strictEqual(call.prompt.last.text, "Hello")
    })
  )

  it.effect("accepts an empty final assistant turn, and instructions in the middle of a conversation", () =>
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

const good = { model: "claude-haiku-4-5", max_tokens: 100, messages: [{ role: "user", content: "Hello" }] }

const request = (body: unknown, version = "2026-10-21"): Exchange.Request => ({
  method: "POST",
  path: "/v1/messages",
  headers: { "anthropic-version": version },
  body: JSON.stringify(body)
})

const asBeta = (body: unknown): Exchange.Request => ({ ...request(body), path: "/v1/messages?beta=true" })
