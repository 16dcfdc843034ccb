import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { redact } from "../../src/claude/Redact.ts"

describe("redact", () => {
  it.each([
    ["the key sk-ant-api03-AbC_d-9 is revoked", "the key [redacted] is revoked"],
    ["https://example.com/?key=sk-ant-abc&x=1", "https://example.com/?key=[redacted]&x=1"],
    ["key%3Dsk-ant-abc", "key%3D[redacted]"],
    ["MY_sk-ant-abc", "MY_[redacted]"],
    [`{"authorization":"Bearer abcdefghijklmnop.q"}`, `{"authorization":"Bearer [redacted]"}`],
    ["x-api-key: 0123456789", "x-api-key: [redacted]"],
    [`{"x-api-key":"0123456789"}`, `{"x-api-key":"[redacted]"}`]
  ])("takes the secret out of %s", (text, expected) => {
    assert.strictEqual(redact(text), expected)
  })

  it.each(["Invalid bearer token", "x-api-key header is required", "max_tokens: 64000 > 32000", "risk-antics"])(
    "leaves %s as it is",
    (text) => {
      assert.strictEqual(redact(text), text)
    }
  )

  it.prop("changes nothing the second time", [Schema.Array(Schema.Literals(fragments()))], ([parts]) => {
    const once = redact(parts.join(""))
    assert.strictEqual(redact(once), once)
  })
})

// Builders

function fragments() {
  return ["sk-ant-", "abcdefgh", "Bearer ", "x-api-key", ": ", '"', " ", "=", "[redacted]", "é"] as const
}
