/** The rows of bench `data`: what an export of tickets has, and the schema that decodes them. */
import * as Schema from "effect/Schema"

export const Ticket = Schema.Struct({
  id: Schema.String,
  customer: Schema.Int,
  subject: Schema.String,
  amount: Schema.Finite,
  paid: Schema.Boolean,
  country: Schema.NullOr(Schema.String),
  body: Schema.String
})

const words = "the order has not come yet and nobody answers please send it again or return my money soon".split(" ")

/** A row by its number, in the JSON form of the schema. Some texts have commas, quotes and newlines. */
export const row = (number: number) => {
  const text = Array.from(
    { length: 8 + (number % 9) },
    (_, index) => words[(number * 7 + index * 5) % words.length]
  ).join(" ")
  return {
    id: `T${String(number).padStart(9, "0")}`,
    customer: (number * 7919) % 1_000_003,
    subject: number % 10 === 0 ? `Re: "${words[number % words.length]}", again` : `Order ${number}`,
    amount: ((number * 31) % 100_000) / 100,
    paid: number % 3 === 0,
    country: number % 5 === 0 ? null : (["NZ", "DE", "US", "JP"][number % 4] ?? "US"),
    body: number % 25 === 0 ? `${text}\nThank you` : text
  }
}
