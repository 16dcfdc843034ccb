import { assert, describe, it } from "@effect/vitest"
import { compare, keyOf, show } from "../../../src/testing/cassette/Matching.ts"
import * as Recording from "../../../src/testing/cassette/Recording.ts"

const version = { "anthropic-version": "2026-10-21" }
const text = { type: "text", text: "Hi" }
const hello = { model: "m", max_tokens: 9, messages: [{ role: "user", content: "Hi" }] }

describe("two requests match", () => {
  it.each([
    ["with their keys in another order", { messages: hello.messages, max_tokens: 9, model: "m" }],
    ["with other metadata", { ...hello, metadata: { user_id: "u" } }],
    [
      "with a cache breakpoint",
      { ...hello, messages: [{ role: "user", content: [{ ...text, cache_control: { type: "ephemeral" } }] }] }
    ]
  ])("%s", (_, other) => {
    assert.strictEqual(keyOf(asked(other)), keyOf(asked(hello)))
    assert.deepStrictEqual(compare(asked(other), asked(hello)), { similarity: 1, differences: [] })
  })

  it("behind a gateway, and with other client headers", () => {
    const other = asked(hello, { path: "/gateway/v1/messages", headers: { ...version, "user-agent": "x" } })
    assert.strictEqual(keyOf(other), keyOf(asked(hello)))
  })
})

describe("two requests differ", () => {
  it.each([
    ["body.max_tokens: 9 → 10", asked({ ...hello, max_tokens: 10 })],
    ["body.stream: nothing → true", asked({ ...hello, stream: true })],
    ["body.tools[0]: nothing → {}", asked({ ...hello, tools: [{}] })],
    ['body.messages[1].role: nothing → "user"', asked({ ...hello, messages: [hello.messages[0], { role: "user" }] })],
    ['method: "POST" → "GET"', asked(hello, { method: "GET" })],
    ['path: "/v1/messages" → "/v1/messages?beta=true"', asked(hello, { path: "/v1/messages?beta=true" })],
    ['headers.anthropic-beta: nothing → "b"', asked(hello, { headers: { ...version, "anthropic-beta": "b" } })]
  ])("%s", (line, other) => {
    assert.notStrictEqual(keyOf(other), keyOf(asked(hello)))
    const { differences } = compare(asked(hello), other)
    assert.deepStrictEqual(
      differences.map((difference) => show(difference, (text) => text)),
      [line]
    )
  })

  it("with a likeness that grows with their common parts", () => {
    const near = compare(asked(hello), asked({ ...hello, max_tokens: 10 }))
    const far = compare(asked(hello), asked({ model: "n" }, { method: "GET" }))
    assert.isAbove(near.similarity, far.similarity)
  })

  it("in long texts, which are shown from shortly before the first difference", () => {
    const [before, after] = ["ü".repeat(200), `${"ü".repeat(150)}!${"ü".repeat(100)}`]
    const [difference] = compare(asked(before), asked(after)).differences
    const line = difference && show(difference, (text) => text)
    assert.match(line ?? "", /^body: …ü{60}… → …ü{15}!ü{44}…$/)
  })
})

// Builders

function asked(body: unknown, others: Partial<Parameters<typeof Recording.request>[0]> = {}): Recording.Request {
  return Recording.request({
    method: "POST",
    path: "/v1/messages",
    headers: version,
    body: JSON.stringify(body),
    ...others
  })
}
