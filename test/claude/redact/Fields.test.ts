import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Fields from "../../../src/claude/redact/Fields.ts"

describe("the value of a given field", () => {
  it.each([
    ["cookie: session=abc; csrf=def456\nnext: 1", "cookie: #\nnext: 1"],
    ["Patient: Miles O'Brien of London", "Patient: #"],
    ["patient=Bob&ward=3", "patient=#&ward=3"],
    [`{"patient":{"name":"Bob }","of":[1,"]"]},"ward":3}`, `{"patient":#,"ward":3}`],
    [`{"patient":["Bob","Ann"],"ward":3}`, `{"patient":#,"ward":3}`],
    [`{"patient":17,"ward":3}`, `{"patient":#,"ward":3}`],
    [`{"patient":"C:\\\\","ward":"C:\\\\"}`, `{"patient":"#","ward":"C:\\\\"}`],
    [`{ patient: { name: 'Bob' }, ward: 3 }`, `{ patient: #, ward: 3 }`],
    [`{"patient":"Bob`, `{"patient":"#`],
    [`{"patient":{"name":"Bob`, `{"patient":#`],
    [`{"said":"Patient: Bob Miller\\nDiagnosis: flu","ward":3}`, `{"said":"Patient: #\\nDiagnosis: flu","ward":3}`]
  ])("is redacted in %s", (text, expected) => {
    assert.strictEqual(own(text), expected)
  })

  it.prop(
    "is removed from JSON, whatever its type, at any depth of quoting",
    [Schema.String, Schema.String],
    ([a, b]) => {
      let [text, expected] = [JSON.stringify({ patient: `A${a}`, ward: b }), JSON.stringify({ patient: "#", ward: b })]
      for (let depth = 0; depth < 4; depth++) {
        assert.strictEqual(own(text), own(expected))
        assert.include(own(text), "#")
        text = JSON.stringify({ text })
        expected = JSON.stringify({ text: expected })
      }
    }
  )
})

describe("the value of a usual field", () => {
  it.each([
    [`{"password":"correct horse battery staple"}`, `{"password":"#"}`],
    [`{"client_secret":"abc,defghijklmnop"}`, `{"client_secret":"#"}`],
    [`{\\\\\\"access_token\\\\\\":\\\\\\"abc def\\\\\\"}`, `{\\\\\\"access_token\\\\\\":\\\\\\"#\\\\\\"}`],
    ["refresh_token=abcdefghij&x=1", "refresh_token=#&x=1"],
    ["password: password: hunter2hunter2", "password: # #"],
    ["aws_session_token = abcdefghij==", "aws_session_token = #"],
    ["AccountKey=abcdefghij==;EndpointSuffix=core", "AccountKey=#;EndpointSuffix=core"]
  ])("is redacted in %s", (text, expected) => {
    assert.strictEqual(usual(text), expected)
  })

  it.each([`{"password":{"type":"string"}}`, "The password: try again", `{"password":""}`])("stays in %s", (text) => {
    assert.strictEqual(usual(text), text)
  })
})

// Builders

const own = Fields.make(["cookie", "patient"], "#")
const usual = Fields.make([], "#")
