import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { isBeginning } from "../../../src/call/object/DeepPartial.ts"
import * as PartialValue from "../../../src/call/object/PartialValue.ts"
import * as OutputFormat from "../../../src/claude/OutputFormat.ts"
import { Tree } from "../../fixtures.ts"
import { chooseFrom, schemaOf, valueOf } from "../../claude/outputFormat/Generate.ts"

const rounds = Math.ceil(Number(process.env["CUTS"] ?? 150))

describe("every snapshot is the beginning of the next one and of the value, and the last one is the value", () => {
  it.effect("any JSON, cut anywhere", () =>
    Effect.gen(function* () {
      const object = Arbitrary.schema(Schema.Record(Schema.String, Schema.Json))
      const values = yield* Arbitrary.sampleEffect(object, { count: rounds, seed: "growth" })
      for (const [round, value] of values.entries()) {
        const text = round % 2 === 0 ? JSON.stringify(value) : JSON.stringify(escaped(value), null, 2)
        yield* verify(text, round % 2 === 0 ? read(value) : read(escaped(value)), anyPart, round)
      }
    })
  )

  it.effect("schemas of all kinds, in the shape that is decoded", () =>
    Effect.gen(function* () {
      const number = Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1e6 })))
      const lists = yield* Arbitrary.sampleEffect(Arbitrary.array(number, { minLength: 64, maxLength: 64 }), {
        count: rounds,
        seed: "schemas that grow"
      })
      let sent = 0
      for (const [round, numbers] of lists.entries()) {
        const format = OutputFormat.make(schemaOf(chooseFrom(numbers), 3))
        if (Result.isFailure(format)) continue
        sent++
        const { part, schema } = format.success
        const value = valueOf(schema, chooseFrom(numbers))
        yield* verify(JSON.stringify(value), part.read(value), part, round)
      }
      assert.isAbove(sent, rounds * 0.9)
    })
  )
})

it.effect("a schema over the limits is shown in the shape that is decoded too", () =>
  Effect.gen(function* () {
    const { optionalKey, Finite, NullOr, String: Text, Struct } = Schema
    const kinds = [
      optionalKey(Text),
      NullOr(Text),
      optionalKey(NullOr(Finite)),
      Tree,
      optionalKey(Schema.Literals(["a"]))
    ]
    const fields = Array.from({ length: 80 }, (_, at) => [`f${at}`, kinds[at % kinds.length] ?? Text] as const)
    const { part, schema, write } = Result.getOrThrow(OutputFormat.make(Struct(Object.fromEntries(fields))))
    const tree = { name: "a", branches: [{ name: "b", branches: [{ name: "c", branches: [] }] }] }
    const values: ReadonlyArray<unknown> = ["text", null, null, tree, "a"]
    for (const skipped of [2, 3, 7]) {
      const entries = fields.flatMap(([name], at) =>
        at % skipped === 0 && [0, 2, 4].includes(at % kinds.length) ? [] : [[name, values[at % kinds.length]]]
      )
      const json = Object.fromEntries(entries)
      const sent = write(json)
      assert.deepStrictEqual(part.read(sent), json)
      // Claude keeps the order of the schema.
      const ordered = Object.keys(schema.properties ?? {}).flatMap((name) =>
        name in Object(sent) ? [[name, Object(sent)[name]]] : []
      )
      yield* verify(JSON.stringify(Object.fromEntries(ordered)), json, part, 40)
    }
  })
)

it.effect("a null that is sent as a missing property is shown when the object is complete", () =>
  Effect.gen(function* () {
    const names = Array.from({ length: 20 }, (_, at) => `f${at}`)
    const schema = Schema.Struct(Object.fromEntries(names.map((name) => [name, Schema.NullOr(Schema.String)])))
    const { part, write } = Result.getOrThrow(OutputFormat.make(schema))
    const json = Object.fromEntries(names.map((name) => [name, name === "f19" ? "text" : null]))
    const text = JSON.stringify(write(json))
    const [first, last] = yield* grow(part, [text.slice(0, -4), text.slice(-4)])
    assert.deepStrictEqual(last, json)
    // The limits leave no room for 20 unions, so the last nulls are missing in the text.
    const sent = names.slice(0, 16).map((name) => [name, null])
    assert.deepStrictEqual(first, { ...Object.fromEntries(sent), f19: "te" })
  })
)

describe("a part that is not complete", () => {
  it.effect.each<[string, ReadonlyArray<string>, ReadonlyArray<unknown>]>([
    ["is shown as a cut text", [`{"a":"He`, `llo"`, `}`], [{ a: "He" }, { a: "Hello" }]],
    ["is not shown if it is a number", [`{"a":1`, `2`, `,`], [{}, { a: 12 }]],
    ["is not shown if it is a word", [`{"a":tr`, `ue`], [{}, { a: true }]],
    ["is not shown if it is a key", [`{"a`, `b"`, `:`, `[`], [{}, { ab: [] }]],
    ["is not shown if it is an escape", [`{"a":"x\\`, `n`, `y"`], [{ a: "x" }, { a: "x\n" }, { a: "x\ny" }]],
    [
      "is not shown if it is half a character",
      [`{"a":"x\\ud83`, `d\\ude`, `00"`],
      [{ a: "x" }, { a: "x" }, { a: "x😀" }]
    ],
    ["is shown if it is half a character that stays one", [`{"a":"\\ud83d`, `"`], [{ a: "" }, { a: "\ud83d" }]],
    ["does not hide the complete parts before it", [`{"a":["b","c\\u00`], [{ a: ["b", "c"] }]],
    [
      "belongs to a key of digits before another one",
      [`{"2":"x","1":"y`, `z"`],
      [
        { 2: "x", 1: "y" },
        { 2: "x", 1: "yz" }
      ]
    ],
    ["is under the key __proto__", [`{"__proto__":{"a":1},"b":"c`], [JSON.parse(`{"__proto__":{"a":1},"b":"c"}`)]]
  ])("%s", ([, pieces, snapshots]) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* grow(anyPart, pieces), snapshots)
    })
  )

  it.effect.each<[string, Schema.Codec<unknown, unknown>, ReadonlyArray<string>, ReadonlyArray<unknown>]>([
    ["a literal", Schema.Literals(["red", "redder"]), [`"red`, `der"`], [{}, { a: "redder" }]],
    ["a date", Schema.DateFromString, [`"2026-01-01`, `T00:00:00Z"`], [{}, { a: "2026-01-01T00:00:00Z" }]],
    ["a duration", Schema.Duration, [`"PT1S`, `"`], [{}, { a: { _tag: "Millis", value: 1000 } }]],
    ["JSON in text", Schema.Unknown, [`"{}`, `"`], [{}, { a: {} }]],
    [
      "a map, without an entry whose value has not begun",
      Schema.Record(Schema.String, Schema.String),
      [`[{"key":"x`, `y"`, `,"value":"z`, `"},{"key":"w"`],
      [{}, { a: {} }, { a: { xy: "z" } }, { a: { xy: "z" } }]
    ],
    [
      "a tuple",
      Schema.Tuple([Schema.String, Schema.Int]),
      [`{"0":"b`, `","1":2}`],
      [{}, { a: ["b"] }, { a: ["b", 2] }]
    ],
    [
      "a union whose members are sent in other shapes",
      Schema.Union([Schema.Tuple([Schema.Int]), Schema.Record(Schema.String, Schema.Int)]),
      [`{"0":`, `1}`],
      [{}, { a: [1] }]
    ]
  ])("has the shape that is decoded: %s", ([, schema, pieces, snapshots]) =>
    Effect.gen(function* () {
      const { part } = Result.getOrThrow(OutputFormat.make(Schema.Struct({ a: schema })))
      assert.deepStrictEqual(yield* grow(part, [`{"a":`, ...pieces]), snapshots)
    })
  )
})

it.effect("a list at the root is unwrapped, and nothing is shown before it", () =>
  Effect.gen(function* () {
    const { part } = Result.getOrThrow(OutputFormat.make(Schema.Array(Schema.Int)))
    assert.deepStrictEqual(yield* grow(part, [`{"va`, `lue":`, `[`, `1,`, `2]}`]), [[], [1], [1, 2]])
  })
)

it.effect("a snapshot shares the complete parts of the snapshot before it", () =>
  Effect.gen(function* () {
    const [first, second] = yield* grow(anyPart, [`{"a":{"b":1},"c":"d`, `e"`])
    assert.strictEqual(Object(second).a, Object(first).a)
  })
)

it.effect("text after the value, and text that is not JSON, change nothing", () =>
  Effect.gen(function* () {
    for (const [pieces, isJson] of [
      [[`{"a":1}`, "\n"], true],
      [[`{"a":1}`, "\n```"], false],
      [[`{"a":1}\n\`\`\``, `{"a":2}`], false],
      [[`{"a":1,`, `b:2}`, `{"c":3}`], false]
    ] as const) {
      const partial = PartialValue.make(anyPart)
      const shown = yield* Effect.forEach(pieces, partial.push)
      assert.deepStrictEqual(
        shown.filter((one) => one !== undefined),
        [{ a: 1 }]
      )
      assert.strictEqual(partial.isJson(), isJson)
    }
  })
)

// Builders

const anyPart = Result.getOrThrow(OutputFormat.make(Schema.Struct({}))).part

const grow = Effect.fnUntraced(function* (part: OutputFormat.Part, pieces: ReadonlyArray<string>) {
  const partial = PartialValue.make(part)
  const shown = yield* Effect.forEach(pieces, partial.push)
  return shown.filter((one) => one !== undefined)
})

/** Cuts a text into pieces of 1 to `most` characters. */
const cut = (text: string, most: number): ReadonlyArray<string> => {
  const pieces: Array<string> = []
  for (let at = 0, size = 1; at < text.length; at += size, size = 1 + ((at * 7919 + 3) % most))
    pieces.push(text.slice(at, at + size))
  return pieces
}

const verify = Effect.fnUntraced(function* (text: string, value: unknown, part: OutputFormat.Part, round: number) {
  for (const most of [1, 3, 1 + round]) {
    const snapshots = yield* grow(part, cut(text, most))
    const kept = snapshots.map((one) => JSON.stringify(one))
    snapshots.forEach((one, at) => {
      assert.isTrue(isBeginning(one, value), `${JSON.stringify(one)} of ${text}`)
      assert.isTrue(at === 0 || isBeginning(snapshots[at - 1], one), `${JSON.stringify(one)} of ${text}`)
    })
    assert.deepStrictEqual(snapshots.at(-1), value, text)
    assert.deepStrictEqual(
      snapshots.map((one) => JSON.stringify(one)),
      kept
    )
  }
})

/**
 * The value of its JSON, in which -0 is 0. `JSON.parse` of Node 24 may read the key `\n` as `\` after an object with
 * the key `\` in its place.
 */
const read = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(read)
  if (typeof value !== "object" || value === null) return value === 0 ? 0 : value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, read(one)]))
}

/** Adds texts that need escapes. */
const escaped = (value: object) => ({ ...value, '"\\\n': ["\u0000\ud83d\ude00", "\\", -1.5e-7, null, ""] })
