/**
 * Flags that several commands have, and the kinds of flags they are made of.
 */
import * as Schema from "effect/Schema"
import * as Flag from "effect/cli/Flag"

/** A flag without a value. */
export const toggle = (name: string, description: string) =>
  Flag.Boolean(name).pipe(Flag.withDescription(description), Flag.withDefault(false))

/** A whole number above 0. */
export const positive = (name: string, description: string) =>
  Flag.Int(name).pipe(Flag.withDescription(description), Flag.withSchema(Schema.Int.check(Schema.isGreaterThan(0))))

/** Text that may be left out. */
export const text = (name: string, description: string) =>
  Flag.String(name).pipe(Flag.withDescription(description), Flag.optional)

const perMinute = (name: string, unit: string) =>
  positive(name, `${unit} per minute for each group of models`).pipe(Flag.optional)

/** The rate limits that the API has, too. */
export const limitsPerMinute = {
  rpm: perMinute("rpm", "Requests"),
  itpm: perMinute("itpm", "Input tokens"),
  otpm: perMinute("otpm", "Output tokens")
}

export const json = toggle("json", "Print the result as JSON")
