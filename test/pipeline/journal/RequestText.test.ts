import { assert, it } from "@effect/vitest"
import * as RequestText from "../../../src/pipeline/journal/RequestText.ts"

const request = {
  model: "claude-haiku-4-5",
  max_tokens: 100,
  messages: [{ role: "user" as const, content: "Sort it." }]
}

it("is the canonical form of a request, without fields that change no answer", () => {
  assert.strictEqual(
    RequestText.of({ ...request, metadata: { user_id: "u1" } }),
    `{"max_tokens":100,"messages":[{"content":"Sort it.","role":"user"}],"model":"claude-haiku-4-5"}`
  )
})

it("has the names of headers, and shows that their values differ without showing them", () => {
  const [one, other] = ["team-key-1", "team-key-2"].map((key) =>
    RequestText.of({ ...request, headers: { "X-Team": key, authorization: "Bearer key" } })
  )
  assert.match(one ?? "", /"headers":\{"x-team":"sha256:[0-9a-f]{16}"\}/)
  assert.notStrictEqual(one, other)
  assert.notInclude(one, "key-1")
})

it("has hashes of images and documents instead of their bytes", () => {
  const [one, other] = ["A", "B"].map((letter) =>
    RequestText.of({
      ...request,
      messages: [
        {
          role: "user",
          content: [
            { type: "image", source: { type: "base64", media_type: "image/png", data: letter.repeat(4000) } },
            { type: "text", text: `"data":"${"x".repeat(2000)}"` }
          ]
        }
      ]
    })
  )
  assert.match(one ?? "", /"data":"sha256:[0-9a-f]{16}","media_type":"image\/png"/)
  assert.include(one, "x".repeat(2000))
  assert.notStrictEqual(one, other)
})
