import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as OutputFormat from "../../src/claude/OutputFormat.ts"
import { declaredIn } from "./outputFormat/Declared.ts"
import { chooseFrom, type Codec, schemaOf, valueOf } from "./outputFormat/Generate.ts"
import { people } from "./outputFormat/People.ts"

/** Counts of schemas, decoded values and declarations that were sent. */
interface Tally {
  sent: number
  refused: number
  values: number
  declared: number
}

const verify = Effect.fnUntraced(function* (schema: Codec, numbers: ReadonlyArray<number>, tally: Tally) {
  const made = OutputFormat.make(schema)
  if (Result.isFailure(made)) {
    tally.refused++
    const { message, path } = made.failure
    assert.match(message, /^this schema cannot be sent: .+ at .+; .+$/)
    assert.match(path, /^(\w*)(\["[^"]*"\]|\[\d*\]|\[…\]|\{\})*$/)
    return
  }
  const { decode, schema: sent } = made.success
  tally.sent++
  assert.deepStrictEqual(violationsIn(sent), [])

  for (let round = 0; round < 3; round++) {
    const value = valueOf(sent, chooseFrom(numbers.slice(round)))
    const decoded = yield* Effect.result(decode(JSON.stringify(value)))
    const where = () => `${JSON.stringify(sent)}\n${JSON.stringify(value)}`
    assert.isTrue(Result.isSuccess(decoded), Result.isFailure(decoded) ? `${decoded.failure.message}\n${where()}` : "")
    tally.values++
  }

  const text = JSON.stringify(sent)
  for (const one of declaredIn(schema)) {
    assert.include(text, JSON.stringify(one).slice(1, -1))
    tally.declared++
  }
})

describe("every schema is sent within the subset and its limits, and its values decode, or it is refused with a path", () => {
  it.effect("300 schemas of all kinds", () =>
    Effect.gen(function* () {
      const number = Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1e6 })))
      const lists = yield* Arbitrary.sampleEffect(Arbitrary.array(number, { minLength: 64, maxLength: 64 }), {
        count: 300,
        seed: "output formats"
      })
      const tally: Tally = { sent: 0, refused: 0, values: 0, declared: 0 }
      for (const numbers of lists) yield* verify(schemaOf(chooseFrom(numbers), 3), numbers, tally)
      assert.deepInclude(tally, { values: 3 * tally.sent, refused: 300 - tally.sent })
      assert.isAbove(tally.sent, 270)
      assert.isAbove(tally.declared, 500)
    })
  )

  it.effect.each(Object.entries(people))("a realistic schema: %s", ([, schema]) =>
    Effect.gen(function* () {
      const tally: Tally = { sent: 0, refused: 0, values: 0, declared: 0 }
      yield* verify(schema, [1, 4, 1, 5, 9, 2, 6, 5, 3, 5], tally)
      assert.strictEqual(tally.sent, 1)
    })
  )

  it("there are 30 realistic schemas", () => {
    assert.lengthOf(Object.keys(people), 30)
  })
})

// Builders

const keywords: Readonly<Record<string, ReadonlyArray<string>>> = {
  object: ["properties", "required", "additionalProperties"],
  array: ["items", "minItems"],
  string: ["format"]
}

/** Everything in a schema that the API would refuse. Independent of the implementation. */
const violationsIn = (root: OutputFormat.JsonSchema): ReadonlyArray<string> => {
  const found: Array<string> = []
  let optional = 0
  let unions = 0
  const visit = (schema: OutputFormat.JsonSchema, path: string): void => {
    const { additionalProperties, anyOf, enum: values, format, items, minItems, properties, required, type } = schema
    const isList = values !== undefined || schema.const !== undefined
    const allowed = new Set(["type", "description", "const", "enum", "anyOf", ...(keywords[type ?? ""] ?? [])])
    for (const key of Object.keys(schema)) if (!allowed.has(key)) found.push(`${path}: ${key}`)
    if (type === undefined && !isList && anyOf === undefined) found.push(`${path}: no type`)
    if (values?.length === 0 || anyOf?.length === 0) found.push(`${path}: nothing to choose`)
    if (anyOf !== undefined) unions++
    if (format !== undefined && !OutputFormat.formats.has(format)) found.push(`${path}: format ${format}`)
    if (minItems !== undefined && minItems !== 1) found.push(`${path}: minItems ${minItems}`)
    if (type === "array" && items === undefined) found.push(`${path}: no items`)
    if (type === "object" && !(additionalProperties === false && properties && required)) found.push(`${path}: open`)
    for (const [name, property] of Object.entries(properties ?? {})) {
      if (!required?.includes(name)) optional++
      visit(property, `${path}.${name}`)
    }
    if (items !== undefined) visit(items, `${path}[]`)
    for (const one of anyOf ?? []) visit(one, `${path}|`)
  }
  visit(root, "")
  if (root.type !== "object") found.push(`the root is ${root.type}`)
  if (optional > 24) found.push(`${optional} optional properties`)
  if (unions > 16) found.push(`${unions} unions`)
  return found
}
