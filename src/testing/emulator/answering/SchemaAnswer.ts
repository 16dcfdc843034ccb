/**
 * Answers in JSON: a value that satisfies a schema, each part of it taken from a sentence of the prompt that shares a
 * word with the name or the description of its property, where there is one. Constraints hold, whether they are keywords
 * or words of a description.
 */
import { constraintsIn, schemaIn } from "../../../claude/OutputFormat.ts"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Formats from "./Formats.ts"
import { JsonSchema, kindOf, simplify } from "../request/JsonSchema.ts"
import * as Patterns from "./Patterns.ts"
import * as Quotes from "./Quotes.ts"
import type { Material, Sentence } from "./Sentences.ts"
import * as TextAnswer from "./TextAnswer.ts"

/** Where in the schema a value stands: the properties on the way to it, nearest first, and what may be quoted. */
interface Place {
  readonly root: JsonSchema
  readonly material: Material
  /** Inside the item of an array, the sentence that the item is about. */
  readonly item: Material | undefined
  readonly properties: ReadonlyArray<Quotes.About>
  /** The index of the property: properties that the prompt does not mention take different sentences. */
  readonly position: number
  readonly depth: number
}

/** A value that satisfies the schema. */
export const answer = (schema: JsonSchema, material: Material): unknown =>
  value(schema, { root: schema, material, item: undefined, properties: [], position: 0, depth: 0 })

/** Below this depth a recursive schema ends where it may: with null, an empty array, without optional properties. */
const deepest = 8

/** The depth at which a schema that always requires itself is cut off. */
const bottom = 32

/** Constraints that the API's part of JSON Schema lacks are in the description, where the model reads them. */
const constrained = (schema: JsonSchema): JsonSchema => {
  const { description } = schema
  if (description === undefined) return schema
  const inWords = numerals.find(([words]) => words.test(description))
  return { ...(inWords && { pattern: inWords[1] }), ...schema, ...constraintsIn(description) }
}

/** What a property is about, without its constraints. */
const subject = ({ description = "" }: JsonSchema): string => description.replace(/\s*Constraints: [^]*$/, "")

/** Texts that stand for numbers. */
const numerals = [
  [/\ba whole number in decimal digits\b/, "^-?\\d{1,15}$"],
  [/\bdecoded as (a|an) .*?(number|integer)\b/, "^-?\\d{1,9}$"]
] as const

const value = (unresolved: JsonSchema, place: Place): unknown => {
  const schema = constrained(simplify(unresolved, place.root))
  switch (kindOf(schema)) {
    case "const":
      return schema.const
    case "enum":
      return option(schema.enum ?? [], place)
    case "anyOf":
      return value(branch(schema.anyOf ?? [], place), place)
    case "object":
      return object(schema, place)
    case "array":
      return array(schema, place)
    case "number":
    case "integer":
      return number(schema, place)
    case "boolean":
      return boolean(place)
    case "null":
      return null
    default:
      return string(schema, place)
  }
}

/** Takes the nearest property that shares a word with a sentence, and sorts its sentences by the number of shared words. */
const matching = ({ item, material, properties }: Place): ReadonlyArray<Sentence> => {
  for (const property of properties) {
    for (const source of item === undefined ? [material] : [item, material]) {
      const found = Quotes.matching(source, property)
      if (found.length > 0) return found
    }
  }
  return []
}

/** The matching sentences; without a match, the best sentences of the prompt. */
const quotable = (place: Place): ReadonlyArray<Sentence> => {
  const found = matching(place)
  return found.length > 0 ? found : TextAnswer.bestFirst(place.item ?? place.material)
}

const object = (schema: JsonSchema, place: Place): unknown => {
  const fields: Record<string, unknown> = {}
  if (place.depth > bottom) return fields
  for (const [position, [name, property]] of Object.entries(schema.properties ?? {}).entries()) {
    const about = Quotes.about(name, subject(simplify(property, place.root)))
    const spokenOf = Quotes.matching(place.material, about).length > 0
    const inside = {
      ...place,
      properties: [about, ...place.properties],
      position: spokenOf ? 0 : position,
      depth: place.depth + 1
    }
    const isMentioned = place.depth <= deepest && spokenOf
    if (isMentioned || schema.required?.includes(name)) fields[name] = value(property, inside)
  }
  return fields
}

const array = (schema: JsonSchema, place: Place): ReadonlyArray<unknown> => {
  const fewest = schema.minItems ?? 0
  if (place.depth > deepest && fewest === 0) return []
  const items = constrained(simplify(schema.items ?? {}, place.root))
  const most = Math.min(schema.maxItems ?? Infinity, Math.max(3, fewest))
  const isMap = schema.description?.includes("each key once") ?? false
  const found = new Map<string, unknown>()
  for (const item of candidates(items, place)) {
    if (found.size === most) break
    found.set(JSON.stringify(isMap && Predicate.isObject(item) ? item["key"] : item), item)
  }
  const distinct = [...found.values()]
  const more = (at: number) => {
    const item = value(items, place)
    return schema.uniqueItems === true ? variant(item, at, items) : item
  }
  return Array.from({ length: Math.max(distinct.length, fewest) }, (_, at) => distinct[at] ?? more(at))
}

/** Another value for a list whose items must differ, where the prompt has too few. */
const variant = (item: unknown, at: number, items: JsonSchema): unknown => {
  if (typeof item === "number") return items.maximum === undefined ? item + at : item - at
  return typeof item === "string" ? fit(`${item} ${at + 1}`, items) : item
}

/** Candidates for the items of an array: options that the prompt names, key phrases, or a value for each match. */
function* candidates(items: JsonSchema, place: Place): Iterable<unknown> {
  const { material, properties } = place
  if (kindOf(items) === "enum") {
    for (const one of items.enum ?? [])
      if (material.sentences.some((sentence) => Quotes.names(sentence, one))) yield one
    yield option(items.enum ?? [], place)
    return
  }
  const isPlain = items.format === undefined && items.pattern === undefined && inText(items) === undefined
  if (kindOf(items) === "string" && isPlain) {
    const phrases = Quotes.keyPhrases(quotable(place).slice(0, 10), material, properties[0])
    for (const phrase of phrases) yield fit(phrase, items)
    return
  }
  const inside = Quotes.about(Object.keys(items.properties ?? {}).join(" "), "")
  for (const sentence of quotable({ ...place, properties: [inside, ...properties] })) {
    yield value(items, { ...place, item: { sentences: [sentence], task: [] }, depth: place.depth + 1 })
  }
}

const branch = (options: ReadonlyArray<JsonSchema>, place: Place): JsonSchema => {
  const { depth, material } = place
  const simple = options.map((candidate) => simplify(candidate, place.root))
  const nothing = simple.find((candidate) => kindOf(candidate) === "null")
  if (nothing !== undefined && (depth > deepest || matching(place).length === 0)) return nothing
  const others = simple.filter((candidate) => candidate !== nothing)
  const preferred = others.find((candidate) =>
    depth > deepest
      ? kindOf(candidate) !== "object" && kindOf(candidate) !== "array"
      : constants(candidate).some((name) => material.sentences.some((sentence) => Quotes.names(sentence, name)))
  )
  return preferred ?? others[0] ?? nothing ?? {}
}

const constants = (schema: JsonSchema): ReadonlyArray<unknown> =>
  [schema, ...Object.values(schema.properties ?? {})].flatMap((part) => ("const" in part ? [part.const] : []))

const option = (options: ReadonlyArray<unknown>, place: Place): unknown => {
  for (const sentences of [matching(place), place.material.sentences, place.material.task]) {
    for (const sentence of sentences) {
      const named = options.find((candidate) => Quotes.names(sentence, candidate))
      if (named !== undefined) return named
    }
  }
  return options[0]
}

const negation = /\b(?:not?|never|none|neither|without|cannot)\b|n['’]t\b/i

/** True where a sentence mentions the property without a negation. */
const boolean = (place: Place): boolean => {
  const [sentence] = matching(place)
  return sentence !== undefined && !negation.test(sentence.text)
}

/** The first number that fits, of the matching sentences or else of the others. */
const number = (schema: JsonSchema, place: Place): number => {
  const whole = schema.type === "integer"
  const step = schema.multipleOf ?? (whole ? 1 : 1e-6)
  const least = Math.max(schema.minimum ?? -Infinity, (schema.exclusiveMinimum ?? -Infinity) + step)
  const most = Math.min(schema.maximum ?? Infinity, (schema.exclusiveMaximum ?? Infinity) - step)
  const fits = (n: number) => n >= least && n <= most && (!whole || Number.isInteger(n))
  let found: number | undefined
  for (const sentence of [...matching(place), ...place.material.sentences]) {
    found ??= Quotes.numbers(sentence, place.properties[0]).find(fits)
  }
  const n = found ?? Math.min(Math.max(0, least), most)
  if (schema.multipleOf === undefined && !whole) return n
  const rounded = Math.ceil(n / step) * step
  return rounded > most ? rounded - step : rounded
}

const decodeSchema = Schema.decodeUnknownOption(JsonSchema)

/** The schema of the JSON that a text must have. */
const inText = ({ description = "" }: JsonSchema): JsonSchema | undefined =>
  Option.getOrUndefined(decodeSchema(schemaIn(description)))

const string = (schema: JsonSchema, place: Place): string => {
  const root = inText(schema)
  if (root !== undefined) return JSON.stringify(value(root, { ...place, root }))
  const quoted = quotable(place)
  const texts = [...quoted, ...place.material.sentences].map((sentence) => sentence.text)
  if (schema.format !== undefined) {
    const formatted = Formats.find(schema.format, texts, range(schema))
    if (formatted !== undefined) return formatted
  }
  if (schema.pattern !== undefined) {
    const matching = Patterns.find(schema.pattern, texts, (text) => fit(text, schema) === text)
    const generated = matching ?? Patterns.sample(schema.pattern, schema)
    if (generated !== undefined) return generated
  }
  const sentence = quoted[place.position % quoted.length]
  return fit(sentence === undefined ? "" : Quotes.phrase(sentence, place.properties[0]), schema)
}

/** The bounds of a date, which a description states in words. */
const range = ({ description = "" }: JsonSchema): Formats.Range => {
  const bound = (words: string) => new RegExp(`(?:${words}) (\\d{4}-[\\dT:.Z+-]*[\\dZ])`).exec(description)?.[1]
  return { from: bound("at least|greater than"), to: bound("at most|less than") }
}

/** Lengths are counted in code points, as JSON Schema does. */
const fit = (text: string, { maxLength, minLength }: JsonSchema): string =>
  (maxLength === undefined ? text : [...text].slice(0, maxLength).join("")).padEnd(minLength ?? 0, ".")
