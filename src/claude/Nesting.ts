/**
 * Values that are nested too deep to be decoded. Effect decodes by recursion, and an answer may repeat a bracket thousands of
 * times, so the stack of a decoder may overflow.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"

/** Fails where a decoder would overflow the stack, as it does for any other invalid value. */
export const limited = <A, E, R>(decode: Effect.Effect<A, E, R>): Effect.Effect<A, E | Schema.SchemaError, R> =>
  Effect.catchDefect(decode, (defect): Effect.Effect<never, Schema.SchemaError> =>
    isOverflow(defect) ? Effect.fail(tooDeep()) : Effect.die(defect)
  )

const tooDeep = () =>
  new Schema.SchemaError(new SchemaIssue.InvalidValue({ message: "Expected fewer levels of nesting" }))

/** V8, JavaScriptCore and SpiderMonkey, in this order. */
const isOverflow = (defect: unknown): boolean =>
  Predicate.isError(defect) && /call stack size|too much recursion/.test(defect.message)
