import { assert, describe, it } from "@effect/vitest"
import { ClaudeError, Redact } from "effect-claude"
import { BigDecimal, Data, Effect } from "effect"
import * as RowFailure from "../../src/pipeline/RowFailure.ts"

describe("the failure of a row", () => {
  const bill = { attempts: 2, calls: 1, cost: BigDecimal.fromStringUnsafe("0.0125") }
  const error = new ClaudeError.Overloaded({ detail: "busy with sk-ant-api03-secretsecretsecret" })
  const stored = RowFailure.encode(new ClaudeError.ClaudeError({ reason: error }), Redact.redact, bill)

  it.effect("is a line of JSON with its key, its reason and its bill, without secrets", () =>
    Effect.gen(function* () {
      const line = JSON.parse(yield* RowFailure.toLine({ key: "a", error: stored }))
      assert.deepInclude(line, { key: "a", error: "Overloaded", attempts: 2, calls: 1, cost: "0.0125" })
      assert.match(line.message, /^Overloaded: busy with (?!.*secretsecret)/)
    })
  )

  it.effect("has no cost where a price is unknown, and may be of a version that stored no bill", () =>
    Effect.gen(function* () {
      const unpriced = RowFailure.encode("no luck", Redact.redact, { ...bill, cost: undefined })
      assert.deepStrictEqual(JSON.parse(yield* RowFailure.toLine({ key: "a", error: unpriced })), {
        key: "a",
        error: "Defect",
        message: "no luck",
        attempts: 2,
        calls: 1
      })
      const old = '{"error":"TimedOut","message":"too late"}'
      assert.strictEqual(yield* RowFailure.describe({ key: "a\nb", error: old }), "a\\u000ab: too late")
    })
  )

  it.effect("has the columns of its input, and renames those that have a name of the failure", () =>
    Effect.gen(function* () {
      const input = { city: "Oslo", message: "Where is my parcel?" }
      const withInput = RowFailure.encode("no luck", Redact.redact, { ...bill, cost: undefined }, input)
      assert.strictEqual(
        yield* RowFailure.toLine({ key: "a", error: withInput }),
        '{"key":"a","city":"Oslo","input_message":"Where is my parcel?","error":"Defect","message":"no luck","attempts":2,"calls":1}'
      )
      assert.strictEqual(yield* RowFailure.describe({ key: "a", error: withInput }), "a: no luck")
    })
  )

  it("is one line for a display, without secrets", () => {
    const error = new Error("refused:\n  sk-ant-api03-secretsecretsecret")
    assert.match(RowFailure.lineOf("a\nb", error, Redact.redact), /^a\\u000ab: refused: (?!.*secretsecret).+$/)
  })

  it("is named by its tag", () => {
    class NoLuck extends Data.TaggedError("NoLuck") {}
    assert.strictEqual(RowFailure.tagOf(new NoLuck()), "NoLuck")
    assert.strictEqual(RowFailure.tagOf(new Error("a bug")), "Defect")
  })
})
