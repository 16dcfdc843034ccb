import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as OutputFormat from "../../../../src/claude/OutputFormat.ts"
import { JsonSchema } from "../../../../src/testing/emulator/request/JsonSchema.ts"
import * as SchemaAnswer from "../../../../src/testing/emulator/answering/SchemaAnswer.ts"
import * as Sentences from "../../../../src/testing/emulator/answering/Sentences.ts"
import { Tree } from "../../../fixtures.ts"

const ticket = `Extract the ticket.

From: Ann Lee <ann@example.org>
Opened on 2026-03-04 at the Lisbon office.
The printer on floor 7 is broken and prints blank pages.
I have called support 3 times, and 1,250 pages are waiting.
The paper tray is not empty.
This is urgent, the priority is high!`

describe("SchemaAnswer.answer", () => {
  it("takes each value from a sentence that shares a word with the property's name or description", () => {
    const value = answer({
      type: "object",
      properties: {
        from: { type: "string" },
        problem: { type: "string", description: "What is wrong with the printer" },
        calls: { type: "integer", description: "How many times support was called" },
        waitingPages: { type: "number" },
        priority: { type: "string", enum: ["low", "medium", "high"] },
        urgent: { type: "boolean" },
        tray_empty: { type: "boolean" },
        opened: { type: "string", format: "date" },
        email: { type: "string", format: "email", description: "From whom" }
      },
      required: ["from", "problem", "calls", "waitingPages", "priority", "urgent", "tray_empty", "opened", "email"],
      additionalProperties: false
    })
    assert.deepStrictEqual(value, {
      from: "Ann Lee <ann@example.org>",
      problem: "The printer on floor 7 is broken and prints blank pages.",
      calls: 3,
      waitingPages: 1250,
      priority: "high",
      urgent: true,
      tray_empty: false,
      opened: "2026-03-04",
      email: "ann@example.org"
    })
  })

  it("fills arrays of strings with distinct phrases, and arrays of objects from one sentence each", () => {
    const value = answer({
      type: "object",
      properties: {
        keywords: { type: "array", items: { type: "string" }, description: "Words about the printer and the pages" },
        counts: {
          type: "array",
          description: "Pages and floors",
          items: {
            type: "object",
            properties: { pages: { type: "string" } },
            required: ["pages"],
            additionalProperties: false
          }
        }
      },
      required: ["keywords", "counts"]
    })
    const { counts, keywords } = Schema.decodeUnknownSync(Filled)(value)
    assert.lengthOf(keywords, 3)
    assert.strictEqual(new Set(keywords).size, 3)
    for (const keyword of keywords) assert.include(ticket, keyword)
    assert.isAbove(counts.length, 1)
    for (const { pages } of counts) assert.include(ticket, pages)
  })

  it("takes the values that the sentence of an item lacks from other sentences", () => {
    const properties = { pages: { type: "string" }, tray: { type: "string" } }
    const items = { type: "object", properties, required: ["pages", "tray"] }
    const value = answer({ type: "object", properties: { list: { type: "array", items } }, required: ["list"] })
    assert.deepStrictEqual(value, {
      list: [
        {
          pages: "The printer on floor 7 is broken and prints blank pages.",
          tray: "The paper tray is not empty."
        },
        {
          pages: "I have called support 3 times, and 1,250 pages are waiting.",
          tray: "The paper tray is not empty."
        }
      ]
    })
  })

  it("uses null or leaves a property out if it is optional and the prompt does not mention it", () => {
    const properties = {
      refund: { anyOf: [{ type: "number" }, { type: "null" }] },
      warranty: { type: ["string", "null"] },
      discount: { type: "string" }
    }
    assert.deepStrictEqual(answer({ type: "object", properties, required: ["refund", "warranty"] }), {
      refund: null,
      warranty: null
    })
  })

  it("takes the first option if the prompt names none of them", () => {
    assert.strictEqual(answer({ type: "string", enum: ["billing", "legal"] }), "billing")
  })

  it("stays within bounds", () => {
    assert.deepStrictEqual(bounded({ type: "integer", minimum: 10, maximum: 20 }), { pages: 10 })
    assert.deepStrictEqual(bounded({ type: "integer", exclusiveMinimum: 3, maximum: 10 }), { pages: 7 })
    assert.deepStrictEqual(bounded({ type: "number", minimum: 0.5, maximum: 1 }), { pages: 0.5 })
    assert.deepStrictEqual(bounded({ type: "integer", multipleOf: 100 }), { pages: 100 })
    assert.deepStrictEqual(bounded({ type: "string", maxLength: 11 }), { pages: "The printer" })
    assert.deepStrictEqual(bounded({ type: "array", items: { type: "boolean" }, minItems: 4 }), {
      pages: [true, true, true, true]
    })
  })

  it("terminates for a schema that contains itself", () => {
    const node = {
      type: "object",
      properties: {
        page: { type: "string" },
        next: { anyOf: [{ $ref: "#/$defs/node" }, { type: "null" }] },
        pages: { type: "array", items: { $ref: "#/$defs/node" } }
      },
      required: ["page", "next", "pages"]
    }
    interface Node {
      readonly page: string
      readonly next: Node | null
      readonly pages: ReadonlyArray<Node>
    }
    const Node: Schema.Codec<Node> = Schema.Struct({
      page: Schema.String,
      next: Schema.NullOr(Schema.suspend(() => Node)),
      pages: Schema.Array(Schema.suspend(() => Node))
    })
    assert.isTrue(Schema.is(Node)(answer({ $ref: "#/$defs/node", $defs: { node } })))
  })

  it.effect("satisfies the schemas that Effect derives, on any prompt", () =>
    Effect.forEach(schemas, (schema) =>
      Effect.forEach(["", "?", ticket, "x", "1 2 3", "null true false", "Name:"], (message) =>
        Effect.gen(function* () {
          const { definitions, schema: root } = Schema.toJsonSchemaDocument(schema)
          const value = answer({ ...root, $defs: definitions }, message)
          yield* Schema.decodeUnknownEffect(schema)(value)
        })
      )
    )
  )

  it.effect("puts JSON into a text whose description has its schema", () =>
    Effect.gen(function* () {
      const { decode, schema } = Result.getOrThrow(OutputFormat.make(Tree))
      const tree = yield* decode(JSON.stringify(answer(schema)))
      assert.isAbove(tree.branches[0]?.branches.length ?? 0, 0)
    })
  )
})

const Filled = Schema.Struct({
  keywords: Schema.Array(Schema.String),
  counts: Schema.Array(Schema.Struct({ pages: Schema.String }))
})

const schemas = [
  Schema.String,
  Schema.Int,
  Schema.Boolean,
  Schema.Struct({ name: Schema.NonEmptyString, age: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 150 })) }),
  Schema.Struct({ pages: Schema.Array(Schema.Int), tags: Schema.NonEmptyArray(Schema.String) }),
  Schema.Struct({ level: Schema.Literals([1, 2, 3]), kind: Schema.NullOr(Schema.Literals(["a", "b"])) }),
  Schema.Struct({
    note: Schema.optionalKey(Schema.String),
    rows: Schema.Array(Schema.Struct({ title: Schema.String, share: Schema.Finite }))
  }),
  Schema.Union([
    Schema.Struct({ type: Schema.tag("cat"), lives: Schema.Int }),
    Schema.Struct({ type: Schema.tag("dog"), tricks: Schema.Array(Schema.String) })
  ])
]

const bounded = (schema: object) => answer({ type: "object", properties: { pages: schema }, required: ["pages"] })

const decodeSchema = Schema.decodeUnknownSync(JsonSchema)

const answer = (schema: unknown, message = ticket) =>
  SchemaAnswer.answer(decodeSchema(schema), Sentences.read("", message))
