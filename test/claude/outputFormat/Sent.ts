/** The schemas that are sent. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as OutputFormat from "../../../src/claude/OutputFormat.ts"

export type Codec = Schema.Codec<unknown, unknown>

/** The schema that is sent for a field. */
export const fieldOf = (schema: Codec): OutputFormat.JsonSchema | undefined =>
  Result.getOrThrow(OutputFormat.make(Schema.Struct({ field: schema }))).schema.properties?.["field"]

/** The description of a field. */
export const descriptionOf = (schema: Codec): string | undefined => fieldOf(schema)?.description

/** The reason why a field is refused. */
export const refusalOf = (schema: Codec): string =>
  Result.getOrThrow(Result.flip(OutputFormat.make(Schema.Struct({ field: schema })))).message

/** A type in a form of the user. What the form is does not matter here. */
export const inForm = <A>(type: Schema.Codec<A, unknown>, form: Codec = Schema.String): Codec =>
  form.pipe(
    Schema.decodeTo(Schema.toType(type), {
      decode: SchemaGetter.forbidden<A, unknown>(() => "not decoded here"),
      encode: SchemaGetter.forbidden<unknown, A>(() => "not encoded here")
    })
  )
