import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Amount, format, fromUnsafe } from "../../src/claude/Amount.ts"

const decode = Schema.decodeUnknownEffect(Amount)

describe("an amount", () => {
  it.effect("is US dollars or tokens, exactly", () =>
    Effect.gen(function* () {
      for (const [text, unit, value] of [
        ["5 USD", "USD", "5"],
        ["0.30 USD", "USD", "0.3"],
        ["12.345678USD", "USD", "12.345678"],
        ["1200 tokens", "tokens", "1200"],
        ["800k tokens", "tokens", "800000"],
        [" 2.5M tokens ", "tokens", "2500000"],
        ["5 usd", "USD", "5"],
        ["2m Tokens", "tokens", "2000000"]
      ]) {
        const amount = yield* decode(text)
        assert.deepStrictEqual([amount.unit, BigDecimal.format(amount.value)], [unit, value])
      }
    })
  )

  it.effect("is refused where its unit is missing or another one, or where it is not above 0", () =>
    Effect.gen(function* () {
      for (const text of ["5", "$5", "5 EUR", "5,00 USD", "-5 USD", "0 USD", "0.00 USD", "1e3 USD", "5k USD", ""]) {
        const error = yield* Effect.flip(decode(text))
        assert.include(
          String(error),
          `${JSON.stringify(text)} is not a budget: write an amount above 0, such as "5 USD"`
        )
      }
    })
  )

  it("is a defect where the program itself has a wrong one, which says what to write", () => {
    assert.throws(() => fromUnsafe("5 EUR"), /^"5 EUR" is not a budget: write an amount above 0, such as "5 USD"/)
    // JavaScript may have an amount for each tenant, which a label has not.
    assert.throws(() => fromUnsafe({ acme: "5 USD" }), /^\{"acme":"5 USD"\} is not a budget: write an amount above 0/)
    assert.throws(() => fromUnsafe(5), /^5 is not a budget/)
  })

  it("is written for people", () => {
    const written = ["5 USD", "0.0123 USD", "1950000 tokens", "950 tokens"].map((text) => format(fromUnsafe(text)))
    assert.deepStrictEqual(written, ["$5.00", "$0.0123", "1,950,000 tokens", "950 tokens"])
  })
})
