/**
 * Strings that match a regular expression: found in a text where there is one, or else generated. A pattern beyond the
 * generator of Effect, such as one with lookaround, has none.
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"

/** The first string of the texts that matches, and fits otherwise. */
export const find = (
  pattern: string,
  texts: Iterable<string>,
  fits: (text: string) => boolean = () => true
): string | undefined => {
  const whole = compile(pattern)
  // Without its anchors, it finds a match within a sentence.
  const within = compile(`(?<![\\p{L}\\p{N}])(?:${pattern.replace(/^\^|(?<!\\)\$$/g, "")})(?![\\p{L}\\p{N}])`)
  if (whole === undefined || within === undefined) return undefined
  for (const text of texts) {
    if (whole.test(text) && fits(text)) return text
    const found = within.exec(text)?.[0]
    if (found !== undefined && whole.test(found) && fits(found)) return found
  }
  return undefined
}

/** A string that matches, the same for the same pattern; `undefined` where none can be generated. */
export const sample = (pattern: string, bounds: { readonly minLength?: number; readonly maxLength?: number } = {}) => {
  const expression = compile(pattern)
  if (expression === undefined) return undefined
  const { maxLength, minLength } = bounds
  const schema = Schema.String.check(
    Schema.isPattern(expression),
    ...(minLength === undefined ? [] : [Schema.isMinLength(minLength)]),
    ...(maxLength === undefined ? [] : [Schema.isMaxLength(maxLength)])
  )
  // Sampling is an effect that never waits.
  const exit = Effect.runSyncExit(
    Effect.suspend(() => Arbitrary.sampleEffect(Arbitrary.schema(schema), { count: 1, seed: pattern }))
  )
  return Exit.isSuccess(exit) ? exit.value[0] : undefined
}

const compile = (pattern: string): RegExp | undefined => {
  for (const flags of ["u", ""]) {
    const exit = Effect.runSyncExit(Effect.sync(() => new RegExp(pattern, flags)))
    if (Exit.isSuccess(exit)) return exit.value
  }
  return undefined
}
