import { assert, describe, it } from "@effect/vitest"
import * as StrictSchema from "../../../../src/testing/emulator/request/StrictSchema.ts"

describe("StrictSchema.check", () => {
  it("refuses every keyword that the API does not compile, with its messages", () => {
    const cases: ReadonlyArray<readonly [property: object, message: string]> = [
      [{ oneOf: [{ type: "string" }] }, "Schema type 'oneOf' is not supported"],
      [{ type: "string", not: { type: "number" } }, "Schema keyword 'not' is not supported"],
      [{ type: "integer", minimum: 0 }, "For 'integer' type, property 'minimum' is not supported"],
      [{ type: "number", minimum: 0, maximum: 1 }, "For 'number' type, properties maximum, minimum are not supported"],
      [{ type: "number", multipleOf: 2 }, "For 'number' type, property 'multipleOf' is not supported"],
      [{ type: "number", exclusiveMinimum: 0 }, "For 'number' type, property 'exclusiveMinimum' is not supported"],
      [{ type: "string", maxLength: 5 }, "For 'string' type, property 'maxLength' is not supported"],
      [{ type: "string", format: "phone" }, "For 'string' type, format 'phone' is not supported"],
      [
        { type: "string", pattern: "^(?=a)" },
        "For 'string' type, pattern '^(?=a)' is not supported: it uses lookaround"
      ],
      [array({ maxItems: 3 }), "For 'array' type, property 'maxItems' is not supported"],
      [array({ uniqueItems: true }), "For 'array' type, property 'uniqueItems' is not supported"],
      [array({ prefixItems: [] }), "For 'array' type, property 'prefixItems' is not supported"],
      [array({ contains: {} }), "For 'array' type, property 'contains' is not supported"],
      [array({ minItems: 6 }), "For 'array' type, 'minItems' values other than 0 or 1 are not supported (got: [6, ∞])"],
      [
        array({ items: [{ type: "string" }] }),
        "Invalid schema: Array types must be specified with a single object schema for 'items'."
      ],
      [{}, "Empty schema ({}) that accepts any JSON value is not supported."],
      [{ title: "Anything" }, "Empty schema ({}) that accepts any JSON value is not supported."],
      [{ type: "string", anyOf: [{ type: "string" }] }, "For 'anyOf', 'type' is not supported"],
      [{ type: "date" }, "Invalid schema: 'date' is not a type"],
      [{ enum: [{ a: 1 }] }, "Invalid schema: Enum values must be strings, numbers, booleans or null"],
      [{ $ref: "#/$defs/B" }, "Invalid schema: Reference to non-existent definition: #/$defs/B"],
      [{ type: "object" }, "For 'object' type, 'additionalProperties' must be explicitly set to false"],
      [
        { type: "object", additionalProperties: { type: "string" } },
        "For 'object' type, 'additionalProperties: object' is not supported. Please set 'additionalProperties' to false"
      ],
      ...[
        "patternProperties",
        "if",
        "propertyNames",
        "dependentRequired",
        "dependentSchemas",
        "unevaluatedProperties"
      ].map(
        (keyword) =>
          [object({}, { [keyword]: {} }), `For 'object' type, property '${keyword}' is not supported`] as const
      )
    ]
    for (const [property, message] of cases) {
      assert.strictEqual(check(object({ a: property })), `output_config.format.schema: ${message}`)
    }
  })

  it("refuses a schema that contains itself through its definitions", () => {
    const message = (way: string) =>
      `output_config.format.schema: Invalid schema: Circular reference detected in schema definitions: ${way}. ` +
      "Self-referencing or mutually-referencing definitions are not supported."
    const ref = (name: string) => ({ $ref: `#/$defs/${name}` })
    const one = object({ n: ref("N") }, { $defs: { N: object({ child: { anyOf: [ref("N"), { type: "null" }] } }) } })
    assert.strictEqual(check(one), message("N -> N"))
    const two = object({ a: ref("A") }, { $defs: { A: object({ b: ref("B") }), B: object({ a: ref("A") }) } })
    assert.strictEqual(check(two), message("A -> B -> A"))
    assert.strictEqual(check(object({ a: { $ref: "#" } })), message("# -> #"))
  })

  it("counts optional properties and unions over all schemas", () => {
    const optional = (count: number) => ({ ...object(fields(count, { type: "string" })), required: [] })
    const unions = (count: number) => object(fields(count, { type: ["string", "null"] }))
    assert.strictEqual(check(optional(12), optional(12)), undefined)
    assert.include(check(optional(12), optional(13)) ?? "", "too many optional parameters (25)")
    assert.strictEqual(check(unions(16)), undefined)
    assert.include(check(unions(10), unions(7)) ?? "", "too many parameters with union types (17 parameters")
    const anyOf = object(fields(17, { anyOf: [{ type: "string" }, { type: "null" }] }))
    assert.include(check(anyOf) ?? "", "(limit: 16 parameters with unions)")
  })

  it("accepts schemas that the API compiles", () => {
    const schema = object(
      {
        text: { type: "string", format: "date", description: "A day" },
        order: { type: "string", pattern: "^AB-\\d+$" },
        count: { type: "integer", title: "Count", default: 1 },
        kind: { enum: ["a", 1, true, null] },
        fixed: { const: "x" },
        list: array({ minItems: 1 }),
        either: { anyOf: [{ type: "string" }, { $ref: "#/$defs/Line" }], description: "One or the other" }
      },
      { $defs: { Line: object({ not: { type: "string" }, oneOf: { type: "boolean" } }) } }
    )
    assert.strictEqual(check(schema), undefined)
  })
})

const check = (...schemas: ReadonlyArray<unknown>) =>
  StrictSchema.check(schemas.map((schema) => ({ path: "output_config.format.schema", schema })))

const object = (properties: Readonly<Record<string, object>>, more: object = {}) => ({
  type: "object",
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
  ...more
})

const array = (more: object) => ({ type: "array", items: { type: "string" }, ...more })

const fields = (count: number, schema: object) =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`f${at}`, schema]))
