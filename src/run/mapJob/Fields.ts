/**
 * The grammar of `--fields`: the fields of a result, each with a type and, in parentheses, what it means.
 *
 *     product, urgency (how soon they need help): low|high, score: 1..5, tags: string[], note: string?
 *
 * `[]` and `?` apply to the whole type before them. Fields end at a comma or at the end of a line.
 */
import type * as Arr from "effect/Array"
import * as Result from "effect/Result"
import type { Mistake } from "./Mistake.ts"

/** The types that have a name, in the order of the documentation. */
export const words = ["string", "number", "integer", "boolean", "date"] as const

/** The type of one value. */
export type Type =
  | { readonly _tag: "Word"; readonly word: (typeof words)[number] }
  | { readonly _tag: "Range"; readonly minimum: number; readonly maximum: number; readonly isWhole: boolean }
  | { readonly _tag: "Choice"; readonly values: Arr.NonEmptyReadonlyArray<string | number> }

/** A field of a result. */
export interface Field {
  readonly name: string
  readonly description: string | undefined
  readonly type: Type
  /** How many lists are around the value: 1 for `string[]`. */
  readonly lists: number
  readonly isNullable: boolean
}

type Parsed<A> = Result.Result<A, Mistake>

/** Reads fields. There is at least one. */
export const parse = (text: string): Parsed<ReadonlyArray<Field>> =>
  Result.gen(function* () {
    const fields: Array<Field> = []
    for (const piece of yield* split(text)) {
      const field = yield* fieldOf(piece)
      if (fields.some(({ name }) => name === field.name)) {
        return yield* mistake(piece.at, `the field "${field.name}" is here twice; rename one`)
      }
      fields.push(field)
    }
    return fields.length === 0 ? yield* mistake(0, 'there is no field; write "name: type"') : fields
  })

/** A part of the text without spaces around it, and where it begins. */
interface Piece {
  readonly text: string
  readonly at: number
}

const pieceOf = (text: string, at: number): Piece => ({
  text: text.trim(),
  at: at + text.length - text.trimStart().length
})

const mistake = (at: number, detail: string): Result.Result<never, Mistake> => Result.fail({ at, detail })

/** Splits at commas and line ends, outside of parentheses and quotes. */
const split = (text: string): Parsed<ReadonlyArray<Piece>> => {
  const pieces: Array<Piece> = []
  const open: Array<number> = []
  let start = 0
  let quote: number | undefined
  for (const [at, character] of [...text.split(""), ","].entries()) {
    const isLast = at === text.length
    if (isLast && quote !== undefined) return mistake(quote, "this quote is not closed")
    if (isLast && open.length > 0) return mistake(open.at(-1) ?? 0, "this parenthesis is not closed")
    if (character === '"' && open.length === 0) quote = quote === undefined ? at : undefined
    if (quote !== undefined) continue
    if (character === "(") open.push(at)
    if (character === ")" && open.pop() === undefined) return mistake(at, "this parenthesis closes nothing")
    if (open.length > 0 || (character !== "," && character !== "\n")) continue
    pieces.push(pieceOf(text.slice(start, at), start))
    start = at + 1
  }
  return Result.succeed(pieces.filter((piece) => piece.text !== ""))
}

const fieldOf = ({ at, text }: Piece): Parsed<Field> =>
  Result.gen(function* () {
    const [head = "", name = "", description] = /^([\p{L}\p{N}_-]+)\s*(?:\((.*)\))?\s*/su.exec(text) ?? []
    if (name === "") {
      return yield* mistake(at, "a field begins with its name: letters, digits, _ and -")
    }
    if (name === "key") {
      return yield* mistake(at, 'each result has the key of its row as "key"; use another name')
    }
    const rest = text.slice(head.length)
    if (rest !== "" && !rest.startsWith(":")) {
      return yield* mistake(at + head.length, 'after its name, a field has a colon and a type: "name: type"')
    }
    const type = pieceOf(rest.slice(1), at + head.length + 1)
    if (rest !== "" && type.text === "") return yield* mistake(type.at, `a type is missing; ${types}`)
    const [, single = "", lists = "", nullable = ""] = /^(.*?)((?:\s*\[\])*)\s*(\??)$/s.exec(type.text) ?? []
    const inner = single.replaceAll(/"[^"]*"/g, ({ length }) => " ".repeat(length)).indexOf("?")
    if (inner !== -1) {
      return yield* mistake(type.at + inner, "? comes last: write string[]? for a list or nothing")
    }
    return {
      name,
      description: description === undefined ? undefined : description.replaceAll(/\s+/g, " ").trim() || undefined,
      type: rest === "" ? { _tag: "Word", word: "string" } : yield* typeOf(pieceOf(single, type.at)),
      lists: lists.split("[]").length - 1,
      isNullable: nullable !== ""
    }
  })

const typeOf = (piece: Piece): Parsed<Type> => {
  const { at, text } = piece
  const word = words.find((one) => one === text)
  if (word !== undefined) return Result.succeed({ _tag: "Word", word })
  if (/^"|\|/.test(text)) return choiceOf(piece)
  const [, low, high] = /^(-?\d+(?:\.\d+)?)\s*\.\.\s*(-?\d+(?:\.\d+)?)$/.exec(text) ?? []
  if (low !== undefined && high !== undefined) {
    const [minimum, maximum] = [Number(low), Number(high)]
    const isWhole = !text.replace("..", "").includes(".")
    if (minimum < maximum) return Result.succeed({ _tag: "Range", minimum, maximum, isWhole })
    return mistake(at, "the smaller number of a range comes first")
  }
  if (/[{}]/.test(text)) return mistake(at, "a field holds no object; describe the result with --schema @file")
  const other = synonyms.get(text.toLowerCase())
  return mistake(at, `there is no type "${text}"; ${other === undefined ? types : `write ${other}`}`)
}

const types = `write ${words.join(", ")}, a range as 1..5, or a choice as low|high`

/** Names of types in other tools. */
const synonyms = new Map([
  ["str", "string"],
  ["text", "string"],
  ["int", "integer"],
  ["float", "number"],
  ["bool", "boolean"],
  ["datetime", "date for a day, or string"],
  ["object", "the fields of the object as fields of the result, or describe it with --schema @file"],
  ["array", "string[] for a list of texts"],
  ["list", "string[] for a list of texts"]
])

const barOutsideQuotes = /\|(?=(?:[^"]*"[^"]*")*[^"]*$)/

const choiceOf = ({ at, text }: Piece): Parsed<Type> =>
  Result.gen(function* () {
    const values: Array<string> = []
    let place = at
    for (const option of text.split(barOutsideQuotes)) {
      const { at: start, text: written } = pieceOf(option, place)
      place += option.length + 1
      const value = /^"[^"]*"$/.test(written) ? written.slice(1, -1) : written
      if (value.trim() === "") return yield* mistake(start, "a choice has no empty value")
      if (value.includes('"') || /[[\]]/.test(written)) {
        return yield* mistake(start, "write [] after the last value of a choice, and quotes around a whole value")
      }
      if (values.includes(value)) return yield* mistake(start, `"${value}" is here twice; leave one out`)
      values.push(value)
    }
    const numbers = values.map(Number)
    const isNumeric = numbers.every((number, index) => String(number) === values[index])
    const [first, ...others] = isNumeric ? numbers : values
    if (first === undefined || others.length === 0) {
      return yield* mistake(at, "a choice has two values or more, as low|high")
    }
    return { _tag: "Choice", values: [first, ...others] }
  })
