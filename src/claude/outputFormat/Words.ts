/**
 * Collects what a user declares about a value besides its type: title, description, examples, default, format, checks.
 * The API's subset of JSON Schema has few keywords for these, so a description carries the rest to the model.
 */
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import { type Check, phrasesOf, sentence, type Unit } from "./Constraints.ts"

/** The declarations about one value, from every stage of its encoding. */
export interface Words {
  readonly titles: ReadonlyArray<string>
  readonly descriptions: ReadonlyArray<string>
  readonly notes: ReadonlyArray<string>
  readonly constraints: ReadonlyArray<string>
  readonly formats: ReadonlyArray<string>
  /** Ids of Effect's checks, such as `isInt`. */
  readonly checks: ReadonlyArray<Check>
  /** Whether a check has no words. The model could not know about it. */
  readonly isOpaque: boolean
}

export const none: Words = {
  titles: [],
  descriptions: [],
  notes: [],
  constraints: [],
  formats: [],
  checks: [],
  isOpaque: false
}

export const merge = (a: Words, b: Words): Words => ({
  titles: [...a.titles, ...b.titles],
  descriptions: [...a.descriptions, ...b.descriptions],
  notes: [...a.notes, ...b.notes],
  constraints: [...a.constraints, ...b.constraints],
  formats: [...a.formats, ...b.formats],
  checks: [...a.checks, ...b.checks],
  isOpaque: a.isOpaque || b.isOpaque
})

/** Keeps the words for which `keep` returns true. */
export const filter = (words: Words, keep: (text: string) => boolean): Words => ({
  ...words,
  titles: words.titles.filter(keep),
  descriptions: words.descriptions.filter(keep),
  notes: words.notes.filter(keep),
  constraints: words.constraints.filter(keep)
})

type Annotations = Readonly<Record<string, unknown>>

/** The words of one stage: of its key, its type and its checks. `encode` turns an example into JSON. */
export const of = (ast: SchemaAST.AST, unit: Unit, encode: (example: unknown) => unknown): Words =>
  [
    ofAnnotations(ast.context?.annotations ?? {}, encode),
    ofAnnotations(ast.annotations ?? {}, encode),
    ...(ast.checks ?? []).map((check) => ofCheck(check, unit, encode, false))
  ].reduce(merge)

const ofAnnotations = (annotations: Annotations, encode: (example: unknown) => unknown): Words => {
  const { title, description, format, examples, expected, representation } = annotations
  const values = Array.isArray(examples) ? examples.map(encode).filter(Predicate.isNotUndefined) : []
  const standard = "default" in annotations ? encode(annotations["default"]) : undefined
  return {
    ...none,
    titles: texts(title),
    descriptions: texts(description),
    formats: texts(format),
    notes: [
      ...(values.length === 0 ? [] : [`For example: ${values.map((value) => JSON.stringify(value)).join(", ")}`]),
      ...(standard === undefined ? [] : [`Default: ${JSON.stringify(standard)}`])
    ],
    // For Effect's own types this is the name of a class, which means nothing to a model.
    constraints: representation === undefined ? texts(expected) : []
  }
}

const ofCheck = (
  check: SchemaAST.Check<never>,
  unit: Unit,
  encode: (example: unknown) => unknown,
  isDescribed: boolean
): Words => {
  const annotations: Annotations = check.annotations ?? {}
  const { expected, message, identifier, representation: _, ...rest } = annotations
  const words = ofAnnotations(rest, encode)
  if (check._tag === "FilterGroup") {
    const isCovered = isDescribed || isWordy(words) || texts(expected).length > 0
    const inner = check.checks.map((one) => ofCheck(one, unit, encode, isCovered))
    return inner.reduce(merge, { ...words, constraints: [...words.constraints, ...texts(expected)] })
  }
  const known = dataOf(annotations)
  if (known !== undefined && silent.has(known.id)) return { ...words, checks: [known] }
  const phrases = (known && phrasesOf(known, unit)) ?? [...texts(expected), ...keyWords(check, unit)]
  const constraints = phrases.length > 0 || isWordy(words) ? phrases : [...texts(message), ...texts(identifier)]
  const isOpaque = !isDescribed && constraints.length === 0 && !isWordy(words)
  return { ...words, constraints, checks: known === undefined ? [] : [known], isOpaque }
}

/** Checks that need no words here: the translation of the type expresses them. */
const silent: ReadonlySet<string> = new Set(["effect/schema/isInt", "effect/schema/isFinite"])

/** The words of the key schema of `isPropertyNames`. */
const keyWords = (check: SchemaAST.Filter<never>, unit: Unit): ReadonlyArray<string> => {
  const schemas = check.annotations?.["representation"]?.schemas ?? []
  return schemas.flatMap((ast) => of(ast, unit, json).constraints).map((words) => `keys: ${words}`)
}

const isWordy = ({ titles, descriptions }: Words) => titles.length + descriptions.length > 0

const dataOf = ({ representation }: Annotations): Check | undefined => {
  if (!Predicate.hasProperty(representation, "id") || !Predicate.isString(representation.id)) return undefined
  const payload = Predicate.hasProperty(representation, "payload") ? representation.payload : {}
  return { id: representation.id, payload: Predicate.isObject(payload) ? payload : {} }
}

const texts = (value: unknown): ReadonlyArray<string> =>
  Predicate.isString(value) && value.trim() !== "" ? [value] : []

/** Joins words into a description; undefined if there are no words. */
export const describe = (words: Words): string | undefined => {
  const [title = "", ...titles] = unique(words.titles)
  const [first = "", ...others] = unique([...words.descriptions, ...titles])
  const opening = title === "" || first === "" ? title + first : `${title}: ${first}`
  const parts = [opening, ...others, ...unique(words.notes)].filter((part) => part !== "")
  const constraints = unique(words.constraints)
  if (constraints.length > 0) parts.push(sentence(constraints))
  return parts.length === 0
    ? undefined
    : parts.map((part, index) => (index === parts.length - 1 || /[.!?:;]$/.test(part) ? part : `${part}.`)).join(" ")
}

const unique = (values: ReadonlyArray<string>): ReadonlyArray<string> => [...new Set(values)]

const isJson = Schema.is(Schema.Json)

/** Returns a value that is JSON, and undefined for any other. */
export const json = (example: unknown): unknown => (isJson(example) ? example : undefined)

/** Encodes a value with the codec; undefined if that fails. */
export const encodeWith = (codec: Schema.Codec<unknown>) => {
  const encode = Schema.encodeUnknownOption(codec)
  return (example: unknown): unknown =>
    Result.getOrElse(
      Result.try(() => Option.getOrUndefined(encode(example))),
      () => undefined
    )
}
