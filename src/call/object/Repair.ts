/**
 * Repairs a finished text that should be JSON and is not: a fence around it, prose before or after it, trailing commas,
 * single quotes, Python's words. It guesses no content: a text that was cut off has no repair, and neither has one with
 * several candidates. The caller must still decode the result.
 */
import { jsonrepair } from "jsonrepair"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/** The JSON text that was meant; none if the text is JSON already, or cannot be repaired without a guess. */
export const of = (text: string): Option.Option<string> => {
  if (isJson(text)) return Option.none()
  const inner = Option.flatMap(unfenced(text), unwrapped)
  return Option.flatMap(inner, (json) => (isJson(json) ? Option.some(json) : repaired(json)))
}

const isJson = (text: string): boolean => Option.isSome(decodeJson(text))

const decodeJson = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))

/** The content of the only fenced block, or the text if it has no fence. */
const unfenced = (text: string): Option.Option<string> => {
  const marks = text.match(/^[ \t]*```/gm) ?? []
  if (marks.length === 0) return Option.some(text)
  // One mark alone means that the text was cut off.
  const block = /^[ \t]*```[^\n`]*\n([^]*?)^[ \t]*```[ \t]*$/m.exec(text)
  return marks.length === 2 && block !== null ? Option.some(block[1] ?? "") : Option.none()
}

/** The text from the first opening bracket to the last bracket that closes it: no prose around it. */
const unwrapped = (text: string): Option.Option<string> => {
  // A mark such as [1] in the prose is no value. The answer to every schema is an object, so a list is only kept whole.
  const start = text.search(/\{|\[\s*\{/)
  const end = text.lastIndexOf(text[start] === "{" ? "}" : "]")
  return start !== -1 && end > start ? Option.some(text.slice(start, end + 1)) : Option.none()
}

const repaired = (json: string): Option.Option<string> =>
  isCut(json)
    ? Option.none()
    : Result.getSuccess(Result.try(() => jsonrepair(json))).pipe(
        Option.filter((text) => text.startsWith(json.slice(0, 1))),
        Option.filter((text) => marks.every((mark) => count(text, mark) === count(json, mark))),
        Option.filter((text) => countDigits(text) <= countDigits(withZeros(json))),
        // An apostrophe in a text with single quotes becomes a quotation mark.
        Option.filter((text) => count(text, '\\"') <= count(json, '"') && apostrophes(text) === apostrophes(json))
      )

/** Whether a string has no end. */
const isCut = (json: string): boolean => count(json.replace(/\\[^]/g, ""), '"') % 2 === 1

/**
 * An added bracket would close what was cut off. A removed ellipsis stands for values that are missing, and a removed
 * parenthesis belonged to a function of the value.
 */
const marks = ["{", "}", "[", "]", "(", "..."]

/** An added digit completes a number, such as -, 1.2e or 3e-. The zeros of .5 and 5. are no guess. */
const countDigits = (text: string): number => text.match(/\d/g)?.length ?? 0

const withZeros = (json: string): string => json.replace(/(?<!\d)\.(?=\d)/g, "0.").replace(/(?<=\d)\.(?!\d)/g, ".0")

const apostrophes = (text: string): number => text.match(/\w'(?=\w)/g)?.length ?? 0

const count = (text: string, mark: string): number => text.split(mark).length - 1
