import { assert, describe, it } from "@effect/vitest"
import type * as SchemaAST from "effect/SchemaAST"
import * as Schema from "effect/Schema"
import {
  type Check,
  type Constraints,
  constraintsIn,
  phrasesOf,
  sentence,
  split,
  type Unit
} from "../../../src/claude/outputFormat/Constraints.ts"

describe("a check", () => {
  it.each<[string, SchemaAST.Filter<never>, Unit, string, Constraints]>([
    [
      "a range",
      Schema.isBetween({ minimum: 1, maximum: 5 }),
      "characters",
      "at least 1; at most 5",
      { minimum: 1, maximum: 5 }
    ],
    [
      "a range without its ends",
      Schema.isBetween({ minimum: -1.5, maximum: 1e21, exclusiveMinimum: true, exclusiveMaximum: true }),
      "characters",
      "greater than -1.5; less than 1e+21",
      { exclusiveMinimum: -1.5, exclusiveMaximum: 1e21 }
    ],
    ["a lower bound", Schema.isGreaterThanOrEqualTo(0), "characters", "at least 0", { minimum: 0 }],
    ["a lower bound, excluded", Schema.isGreaterThan(0), "characters", "greater than 0", { exclusiveMinimum: 0 }],
    ["an upper bound", Schema.isLessThanOrEqualTo(9), "characters", "at most 9", { maximum: 9 }],
    ["an upper bound, excluded", Schema.isLessThan(9), "characters", "less than 9", { exclusiveMaximum: 9 }],
    ["a step", Schema.isMultipleOf(0.5), "characters", "a multiple of 0.5", { multipleOf: 0.5 }],
    ["a length of text", Schema.isMinLength(3), "characters", "at least 3 characters", { minLength: 3 }],
    ["a length of one", Schema.isMaxLength(1), "characters", "at most 1 character", { maxLength: 1 }],
    [
      "a length of a list",
      Schema.isBetweenLength(2, 4),
      "items",
      "at least 2 items; at most 4 items",
      { minItems: 2, maxItems: 4 }
    ],
    ["a number of entries", Schema.isMinProperties(1), "entries", "at least 1 entry", { minItems: 1 }],
    [
      "a pattern",
      Schema.isPattern(/^a; b\/.$/i),
      "characters",
      "matches the regular expression /^a; b\\/.$/i",
      { pattern: "^a; b\\/.$" }
    ],
    ["a text with a semicolon", Schema.isIncluding('"; '), "characters", 'contains "\\"; "', { pattern: '"; ' }],
    ["a beginning", Schema.isStartingWith('a"+'), "characters", 'starts with "a\\"+"', { pattern: '^a"\\+' }],
    ["an ending", Schema.isEndingWith("x."), "characters", 'ends with "x."', { pattern: "x\\.$" }],
    ["a part", Schema.isIncluding("a\\b\n"), "characters", 'contains "a\\\\b\\n"', { pattern: "a\\\\b\n" }],
    ["digits", Schema.isStringBigInt(), "characters", "a whole number in decimal digits", {}],
    [
      "a number of code points, which are characters",
      Schema.isBetweenCodePoints(2, 4),
      "items",
      "at least 2 characters; at most 4 characters",
      { minLength: 2, maxLength: 4 }
    ],
    ["a least number of code points", Schema.isMinCodePoints(1), "items", "at least 1 character", { minLength: 1 }],
    ["a size of a set", Schema.isBetweenSize(2, 4), "items", "at least 2 items; at most 4 items", between(2, 4)],
    ["a least size of a set", Schema.isMinSize(2), "items", "at least 2 items", { minItems: 2 }],
    ["a greatest size of a map", Schema.isMaxSize(1), "entries", "at most 1 entry", { maxItems: 1 }],
    [
      "a number of properties, which are entries",
      Schema.isBetweenProperties(2, 4),
      "characters",
      "at least 2 entries; at most 4 entries",
      between(2, 4)
    ],
    ["a greatest number of properties", Schema.isMaxProperties(3), "items", "at most 3 entries", { maxItems: 3 }],
    [
      "a range of bigints with one end",
      Schema.isBetweenBigInt({ minimum: 1n, maximum: 5n, exclusiveMaximum: true }),
      "characters",
      "at least 1; less than 5",
      { minimum: 1, exclusiveMaximum: 5 }
    ],
    [
      "a range of bigints with the other end",
      Schema.isBetweenBigInt({ minimum: 1n, maximum: 5n, exclusiveMinimum: true }),
      "characters",
      "greater than 1; at most 5",
      { exclusiveMinimum: 1, maximum: 5 }
    ],
    ["a bound of a bigint", Schema.isLessThanOrEqualToBigInt(5n), "characters", "at most 5", { maximum: 5 }],
    ["distinct items", Schema.isUnique(), "items", "no item twice", { uniqueItems: true }],
    [
      "a date",
      Schema.isGreaterThanDate(new Date("2026-01-01T00:00:00Z")),
      "characters",
      "greater than 2026-01-01T00:00:00.000Z",
      {}
    ]
  ])("becomes words that are read back: %s", (_, filter, unit, words, constraints) => {
    const phrases = phrasesOf(checkOf(filter), unit) ?? []
    assert.strictEqual(phrases.join("; "), words)
    assert.deepStrictEqual(constraintsIn(`Of a user: at least 7. ${sentence(phrases)}`), constraints)
  })

  it("with Effect's default message has no phrase", () => {
    assert.isUndefined(phrasesOf(checkOf(Schema.isTrimmed()), "characters"))
    assert.isUndefined(phrasesOf({ id: "mine/isMinLengthOfMine", payload: { minimum: 1 } }, "characters"))
    assert.isUndefined(phrasesOf({ id: "isGreaterThanMine", payload: { minimum: 1 } }, "characters"))
    assert.isUndefined(phrasesOf({ id: "mineIsBetween", payload: { minimum: 1 } }, "characters"))
  })
})

describe("a sentence", () => {
  it("has each constraint once, with patterns last, and the tightest bounds are read", () => {
    const phrases = ["matches the regular expression /a/", "at least 1", "a word", "at least 3", "at least 1"]
    const text = sentence(phrases)
    assert.strictEqual(text, "Constraints: at least 1; a word; at least 3; matches the regular expression /a/.")
    assert.deepStrictEqual(constraintsIn(text), { minimum: 3, pattern: "a" })
  })

  it("gives the tightest of several bounds in any order, and the first of several patterns", () => {
    const read = (...phrases: ReadonlyArray<string>) => {
      const inOrder = constraintsIn(sentence(phrases))
      assert.deepStrictEqual(constraintsIn(sentence(phrases.toReversed())), inOrder)
      return inOrder
    }
    assert.deepStrictEqual(read("at least 3", "at least 1", "at most 5", "at most 9"), { minimum: 3, maximum: 5 })
    assert.deepStrictEqual(read("greater than 3", "greater than 1", "less than 5", "less than 9"), {
      exclusiveMinimum: 3,
      exclusiveMaximum: 5
    })
    assert.deepStrictEqual(read("at least 1 item", "at least 2 items", "at most 3 items"), between(2, 3))
    assert.deepStrictEqual(read("format: phone"), { format: "phone" })
    const first = 'starts with "a"'
    for (const later of ['ends with "b"', 'contains "b"', "matches the regular expression /b/"]) {
      assert.deepStrictEqual(constraintsIn(sentence([first, later])), { pattern: "^a" })
    }
  })

  it("gives only the bounds that are numbers in known words", () => {
    const unknown = ["at least two", "at least 1.2.3", "at least", "not at least 3", "about 3", "at least 3 apples"]
    assert.deepStrictEqual(constraintsIn(sentence(unknown.slice(0, -1))), {})
    assert.deepStrictEqual(
      constraintsIn(
        sentence([
          'it starts with "a"',
          'starts with "a" or "b"',
          'ends with "a" or so',
          "Format: phone",
          "no item twice or so"
        ])
      ),
      {}
    )
  })

  it("is absent if a description has no constraints", () => {
    assert.deepStrictEqual(constraintsIn("at least 3"), {})
    assert.deepStrictEqual(split("at least 3. "), { text: "at least 3. ", phrases: [] })
  })

  it("is the last one of a description, and may contain a point and a semicolon in its patterns", () => {
    const pattern = "matches the regular expression /a; b./"
    const other = "matches the regular expression /; c/"
    assert.deepStrictEqual(split(`Constraints: of old.  ${sentence(["at least 1", "v. 2", pattern, other])}`), {
      text: "Constraints: of old.",
      phrases: ["at least 1", "v. 2", pattern, other]
    })
    assert.deepStrictEqual(split(sentence([pattern])), { text: "", phrases: [pattern] })
  })
})

// Builders

const between = (minItems: number, maxItems: number) => ({ minItems, maxItems })

const checkOf = (filter: SchemaAST.Filter<never>): Check => {
  const { id = "", payload } = filter.annotations?.["representation"] ?? {}
  return {
    id,
    payload: typeof payload === "object" && payload !== null ? Object.fromEntries(Object.entries(payload)) : {}
  }
}
