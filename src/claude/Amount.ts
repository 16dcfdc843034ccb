/**
 * An amount of money or of tokens, as people write it: `5 USD`, `0.50 USD`, `800k tokens`, `2M tokens`, in letters of any
 * case.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as Dollars from "./Dollars.ts"
import { Unit } from "./SpendStore.ts"

const Parsed = Schema.Struct({ unit: Unit, value: Schema.BigDecimal })

/** An exact amount above 0. */
export type Amount = typeof Parsed.Type

/** The text of an amount. `k` is a thousand, `M` a million. */
export type Text = `${number} USD` | `${number}${"" | "k" | "M"} tokens`

const powers: Readonly<Record<string, number>> = { k: 3, m: 6 }

const parse = (text: string): Effect.Effect<Amount, SchemaIssue.Issue> => {
  const [, number = "0", usd, power = ""] = pattern.exec(text.trim()) ?? []
  const { scale, value } = BigDecimal.fromStringUnsafe(number)
  return value === 0n
    ? Effect.fail(new SchemaIssue.InvalidValue({ message: isNone(text) }))
    : Effect.succeed({
        unit: usd === undefined ? "tokens" : "USD",
        value: BigDecimal.make(value, scale - (powers[power.toLowerCase()] ?? 0))
      })
}

const pattern = /^(\d+(?:\.\d+)?) *(?:(USD)|([km]?) *tokens)$/i

const isNone = (given: unknown) => `${JSON.stringify(given)} is not a budget: ${remedy}`

const remedy = 'write an amount above 0, such as "5 USD", "0.50 USD", "800k tokens" or "2M tokens"'

/** Decodes an amount from its text. */
export const Amount = Schema.String.pipe(
  Schema.decodeTo(
    Parsed,
    SchemaTransformation.transformEffect<Amount, string>({
      decode: parse,
      encode: ({ unit, value }) => Effect.succeed(`${BigDecimal.format(value)} ${unit}`)
    })
  )
)

/** The amount that the program itself contains. Anything else, also from JavaScript, is a defect. */
export const fromUnsafe = (given: unknown): Amount =>
  isAmount(given) ? given : Option.getOrThrowWith(fromText(given), () => new Error(isNone(given)))

const isAmount = Schema.is(Parsed)

const fromText = Schema.decodeUnknownOption(Amount)

/** Writes an amount for people: `$5.00`, `1,950,000 tokens`. */
export const format = ({ unit, value }: Amount, rounding?: Dollars.Rounding): string =>
  unit === "USD"
    ? Dollars.format(value, rounding)
    : `${BigDecimal.format(value).replace(/\B(?=(\d{3})+$)/g, ",")} tokens`
