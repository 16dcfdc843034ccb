import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as OutputFormat from "../../../src/claude/OutputFormat.ts"
import * as FieldSchema from "../../../src/run/mapJob/FieldSchema.ts"
import * as Fields from "../../../src/run/mapJob/Fields.ts"

describe("FieldSchema", () => {
  it("sends the API what it can enforce, and says the rest in words", () => {
    const { schema } = formatOf(
      "urgency (how soon): low|high, score: 1..5, percent: 0..100, note: string?, when: date, kinds: a|b[]"
    )
    assert.deepStrictEqual(schema, {
      type: "object",
      properties: {
        urgency: { type: "string", enum: ["low", "high"], description: "how soon" },
        score: { type: "integer", enum: [1, 2, 3, 4, 5] },
        percent: { type: "integer", description: "Constraints: at least 0; at most 100." },
        note: { anyOf: [{ type: "string" }, { type: "null" }] },
        when: { type: "string", format: "date", description: "Constraints: a day that exists, as in 2026-11-28." },
        kinds: { type: "array", items: { type: "string", enum: ["a", "b"] } }
      },
      required: ["urgency", "score", "percent", "note", "when", "kinds"],
      additionalProperties: false
    })
  })

  it.effect("decodes answers, and refuses values that do not fit", () =>
    Effect.gen(function* () {
      const cases = [
        ["a: string", "x", 1],
        ["a: number", 1.5, "1"],
        ["a: integer", 3, 1.5],
        ["a: boolean", true, "true"],
        ["a: date", "2026-02-28", "2026-02-30"],
        ["a: date", "1999-12-31", "1999-12-31T00:00:00Z"],
        ["a: low|high", "low", "medium"],
        ["a: 1..5", 5, 6],
        ["a: 0..100", 100, 101],
        ["a: 0.0..1.0", 0.5, 1.5],
        ["a: string[]", ["x"], "x"],
        ["a: string?", null, 1],
        ["a: 1|2?", null, 3]
      ] as const
      for (const [fields, fits, other] of cases) {
        const { decode } = formatOf(fields)
        assert.deepStrictEqual(yield* decode(JSON.stringify({ a: fits })), { a: fits }, fields)
        yield* Effect.flip(decode(JSON.stringify({ a: other })))
        yield* Effect.flip(decode("{}"))
      }
    })
  )
})

// Builders

const formatOf = (fields: string) =>
  Result.getOrThrow(OutputFormat.make(FieldSchema.make(Result.getOrThrow(Fields.parse(fields)))))
