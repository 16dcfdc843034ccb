/**
 * What the results of a job depend on: its shape, and whether an emulator answers it.
 */
import * as Schema from "effect/Schema"

/** As a row of `effect_claude_jobs` stores it. `emulated` is null before the first answer. */
export const Kind = Schema.Struct({
  shape: Schema.fromJsonString(Schema.Json),
  emulated: Schema.NullOr(Schema.BooleanFromBit)
})
export type Kind = typeof Kind.Type

export const encode = Schema.encodeEffect(Kind)
