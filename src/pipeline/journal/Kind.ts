/**
 * What the results of a job depend on: its shape, and whether an emulator answers it.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/** As a row of `effect_claude_jobs` stores it. `emulated` is null before the first answer. */
export const Kind = Schema.Struct({
  shape: Schema.fromJsonString(Schema.Json),
  emulated: Schema.NullOr(Schema.BooleanFromBit)
})
export type Kind = typeof Kind.Type

export const encode = Schema.encodeEffect(Kind)

/**
 * The fields of the results in a line of the output, besides the key; see `ResultLine.fields`. Undefined where the shape
 * does not tell.
 */
export const fieldsOf = (shape: Schema.Json): ReadonlySet<string> | undefined =>
  Option.getOrUndefined(
    Option.map(decodeOutput(shape), ({ output: { schema } }) => {
      const members = schema.anyOf ?? [schema]
      if (members.some(({ $ref }) => $ref !== undefined)) return undefined
      const hasFixedFields = members.every(({ properties }) => properties !== undefined)
      return new Set(hasFixedFields ? members.flatMap(({ properties = {} }) => Object.keys(properties)) : ["value"])
    })
  )

const Member = Schema.Struct({
  $ref: Schema.optionalKey(Schema.String),
  properties: Schema.optionalKey(Schema.Record(Schema.String, Schema.Json))
})

const decodeOutput = Schema.decodeUnknownOption(
  Schema.Struct({
    output: Schema.Struct({
      schema: Schema.Struct({ ...Member.fields, anyOf: Schema.optionalKey(Schema.Array(Member)) })
    })
  })
)
