/**
 * How text is read before it is compared. For text: letters of any case are equal, white space counts once and not at the
 * ends, and quotes and closing punctuation around the whole text do not count. For numbers: thousands may be separated by
 * commas, the decimal mark is a point, and currency and percent signs do not count. There are no other rules.
 */
import * as Result from "effect/Result"

/** The part of a text that is compared. A text of punctuation alone stays as it is. */
export const text = (value: string): string => {
  const plain = value.normalize("NFC").replaceAll(/\s+/g, " ").trim().toLowerCase()
  return plain.replace(/^[\s"'“”‘’„«»`*_]+/, "").replace(/[\s"'“”‘’„«»`*_.,;:!?…。]+$/, "") || plain
}

/** The last number in a text, which is where answers state their result; a message if there is none that can be read. */
export const number = (value: string): Result.Result<number, string> => {
  const last = value
    .match(/[-−+]?\.?\d[\d.,]*(?:e[-+]?\d+)?/gi)
    ?.at(-1)
    ?.replace(/[.,]+$/, "")
  if (last === undefined) return Result.fail("has no number")
  if (!/^[-−+]?(\d+|\d{1,3}(,\d{3})+)?(\.\d+)?(e[-+]?\d+)?$/i.test(last)) {
    return Result.fail(`has the number ${last}, which can be read in two ways`)
  }
  return Result.succeed(Number(last.replaceAll(",", "").replace("−", "-")))
}

/** A cell as true or false. */
export const truth = (value: string): boolean | undefined => {
  const word = text(value)
  if (["true", "yes", "1"].includes(word)) return true
  return ["false", "no", "0"].includes(word) ? false : undefined
}
