/**
 * Flags that several commands have, and the kinds of flags they are made of.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Argument from "effect/cli/Argument"
import * as Flag from "effect/cli/Flag"
import * as Param from "effect/cli/Param"
import * as Primitive from "effect/cli/Primitive"

/** A flag without a value. */
export const toggle = (name: string, description: string) =>
  Flag.Boolean(name).pipe(Flag.withDescription(description), Flag.withDefault(false))

/** A whole number above 0. */
export const positive = (name: string, description: string) =>
  Flag.Int(name).pipe(Flag.withDescription(description), Flag.withSchema(Schema.Int.check(Schema.isGreaterThan(0))))

/** Text that may be left out. */
export const text = (name: string, description: string) =>
  Flag.String(name).pipe(Flag.withDescription(description), Flag.optional)

/** Effect's paths become absolute, and must be files. These stay as written: they may be an address or a pattern, too. */
const primitiveType = { ...Primitive.Path("either"), parse: (value: string) => Effect.succeed(value) }

/** A file, or another place, that may be left out. Shells complete the names of files. */
export const file = (name: string, description: string) =>
  Param.makeSingle({ kind: Param.flagKind, name, primitiveType }).pipe(Flag.withDescription(description), Flag.optional)

/** Files, or other places. The flag may be repeated, or left out. */
export const files = (name: string, description: string) =>
  Param.makeSingle({ kind: Param.flagKind, name, primitiveType }).pipe(
    Flag.withDescription(description),
    Flag.atLeast(0)
  )

/** A file, or another place, that is not behind a flag. */
export const fileArgument = (name: string, description: string) =>
  Param.makeSingle({ kind: Param.argumentKind, name, primitiveType }).pipe(Argument.withDescription(description))

const perMinute = (name: string, unit: string) =>
  positive(name, `${unit} per minute for each group of models`).pipe(Flag.optional)

/** The rate limits that the API has, too. */
export const limitsPerMinute = {
  rpm: perMinute("rpm", "Requests"),
  itpm: perMinute("itpm", "Input tokens"),
  otpm: perMinute("otpm", "Output tokens")
}

export const json = toggle("json", "Print the result as JSON")
