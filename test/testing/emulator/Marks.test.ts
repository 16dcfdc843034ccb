import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as App from "../../../src/testing/emulator/App.ts"

describe("every response is marked as emulated", () => {
  const hello = { model: "claude-haiku-4-5", max_tokens: 10, messages: [{ role: "user", content: "Hello" }] }
  const routes: ReadonlyArray<readonly [method: string, path: string, body: unknown, status: number]> = [
    ["POST", "/v1/messages", hello, 200],
    ["POST", "/v1/messages", { ...hello, stream: true }, 200],
    ["POST", "/v1/messages", { ...hello, model: "claude-nope" }, 404],
    ["POST", "/v1/messages", "{", 400],
    ["POST", "/v1/messages/count_tokens", { model: hello.model, messages: hello.messages }, 200],
    ["POST", "/v1/messages/count_tokens", {}, 400],
    ["POST", "/v1/messages/batches", { requests: [{ custom_id: "a", params: hello }] }, 200],
    ["GET", "/v1/messages/batches", "", 200],
    ["GET", "/v1/messages/batches/none", "", 404],
    ["GET", "/v1/models?limit=1", "", 200],
    ["GET", "/v1/models/claude-nope", "", 404],
    ["GET", "/__ledger", "", 200],
    ["GET", "/v1/nothing", "", 404],
    ["PUT", "/v1/messages", "", 405]
  ]
  for (const [method, path, body, status] of routes) {
    it.effect(`${method} ${path} with status ${status}`, () =>
      Effect.gen(function* () {
        const app = yield* App.make()
        const response = yield* app.handle({
          method,
          path,
          headers: { "x-api-key": "key", "anthropic-version": "2026-10-21" },
          body: typeof body === "string" ? body : JSON.stringify(body)
        })
        assert.strictEqual(response.status, status)
        assert.strictEqual(response.headers["x-emulated-by"], "effect-claude")
        assert.match(response.headers["request-id"] ?? "", /^req_emulated_\d{8}$/)
        if (status >= 400) assert.include(response.body, `"request_id":"${response.headers["request-id"]}"`)
      })
    )
  }

  it.effect("for a refused key and an injected fault too", () =>
    Effect.gen(function* () {
      const request = {
        method: "POST",
        path: "/v1/messages",
        headers: { "x-api-key": "invalid", "anthropic-version": "2026-10-21" },
        body: JSON.stringify(hello)
      }
      const refused = yield* (yield* App.make()).handle(request)
      const broken = yield* (yield* App.make({ faults: [{ kind: 529, rate: 1 }] })).handle(request)
      assert.deepStrictEqual(
        [refused, broken].map(({ headers, status }) => [status, headers["x-emulated-by"]]),
        [
          [401, "effect-claude"],
          [529, "effect-claude"]
        ]
      )
    })
  )
})
