/**
 * HTML as a tagged template: every value is escaped, unless it is HTML itself. So no key, error or text of a row can become
 * a part of the page.
 */
import * as Predicate from "effect/Predicate"

/** HTML that is safe to put into a page. */
export interface Html {
  readonly _tag: "Html"
  readonly text: string
}

/** What a template takes. `undefined` and `false` are nothing. */
export type Value = Html | string | number | false | undefined | ReadonlyArray<Value>

/** Text that is HTML already, such as a chart. It must not hold text of a row that is not escaped. */
export const raw = (text: string): Html => ({ _tag: "Html", text })

export const html = (strings: TemplateStringsArray, ...values: ReadonlyArray<Value>): Html =>
  raw(strings.reduce((text, string, index) => `${text}${toText(values[index - 1])}${string}`))

const toText = (value: Value): string => {
  if (value === undefined || value === false) return ""
  if (Array.isArray(value)) return value.map(toText).join("")
  if (Predicate.isTagged(value, "Html")) return value.text
  return escape(String(value))
}

/** Characters that HTML does not allow at all are shown as a replacement. */
const escape = (text: string): string =>
  text
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
    .replace(/(?![\t\n\r])[\p{Cc}\p{Noncharacter_Code_Point}]/gu, "\ufffd")
    .toWellFormed()
