import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as BatchRequest from "../../../../src/testing/emulator/batches/BatchRequest.ts"

describe("BatchRequest.read", () => {
  it.effect("returns the requests, with each body as unchecked JSON", () =>
    Effect.gen(function* () {
      const items = yield* read([
        { custom_id: "a-1_B", params: { model: "claude-haiku-4-5" } },
        { custom_id: "c".repeat(64), params: 7 }
      ])
      assert.deepStrictEqual(items, [
        { customId: "a-1_B", body: '{"model":"claude-haiku-4-5"}' },
        { customId: "c".repeat(64), body: "7" }
      ])
    })
  )

  it.effect("refuses with the messages of the API", () =>
    Effect.gen(function* () {
      const shape = "String should match pattern '^[a-zA-Z0-9_-]{1,64}$'"
      const cases = [
        [[], "requests: List should have at least 1 item after validation, not 0"],
        ["none", "requests: Input should be a valid list"],
        [undefined, "requests: Field required"],
        [[{ params: {} }], "requests.0.custom_id: Field required"],
        [[{ custom_id: "a" }], "requests.0.params: Field required"],
        [[{ custom_id: "", params: {} }], `requests.0.custom_id: ${shape}`],
        [[{ custom_id: "a b", params: {} }], `requests.0.custom_id: ${shape}`],
        [[{ custom_id: "é", params: {} }], `requests.0.custom_id: ${shape}`],
        [[{ custom_id: "a".repeat(65), params: {} }], "requests.0.custom_id: String should have at most 64 characters"],
        [
          [
            { custom_id: "dup", params: {} },
            { custom_id: "dup", params: {} }
          ],
          "requests: custom_id's must be unique within a batch. Duplicate custom_id found: dup"
        ]
      ] as const
      for (const [requests, message] of cases) {
        const error = yield* Effect.flip(read(requests))
        assert.deepStrictEqual([error.status, error.message], [400, message])
      }
      assert.strictEqual(
        (yield* Effect.flip(BatchRequest.read({ body: "{", headers: {} }))).message,
        "The request body is not valid JSON"
      )
    })
  )

  it.effect("refuses more than 256 MB before it reads them", () =>
    Effect.gen(function* () {
      const limit = 256 * 1024 * 1024
      const tooLarge = [
        { body: "x".repeat(limit + 1), headers: {} },
        { body: "{}", headers: { "content-length": `${limit + 1}` } }
      ]
      for (const request of tooLarge) {
        const { message, status, type } = yield* Effect.flip(BatchRequest.read(request))
        assert.deepStrictEqual([status, type, message], [413, "request_too_large", "Request exceeds the maximum size"])
      }
    })
  )
})

const read = (requests: unknown) => BatchRequest.read({ body: JSON.stringify({ requests }), headers: {} })
