import { assert, describe, it } from "@effect/vitest"
import type * as SchemaAST from "effect/SchemaAST"
import * as Schema from "effect/Schema"
import {
  type Check,
  type Constraints,
  constraintsIn,
  phrasesOf,
  sentence,
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
    ["a beginning", Schema.isStartingWith('a"+'), "characters", 'starts with "a\\"+"', { pattern: '^a"\\+' }],
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
  })
})

describe("a sentence", () => {
  it("has each constraint once, with patterns last, and the tightest bounds are read", () => {
    const phrases = ["matches the regular expression /a/", "at least 1", "a word", "at least 3", "at least 1"]
    const text = sentence(phrases)
    assert.strictEqual(text, "Constraints: at least 1; a word; at least 3; matches the regular expression /a/.")
    assert.deepStrictEqual(constraintsIn(text), { minimum: 3, pattern: "a" })
  })

  it("is absent if a description has no constraints", () => {
    assert.deepStrictEqual(constraintsIn("at least 3"), {})
  })
})

// Builders

const checkOf = (filter: SchemaAST.Filter<never>): Check => {
  const { id = "", payload } = filter.annotations?.["representation"] ?? {}
  return {
    id,
    payload: typeof payload === "object" && payload !== null ? Object.fromEntries(Object.entries(payload)) : {}
  }
}
