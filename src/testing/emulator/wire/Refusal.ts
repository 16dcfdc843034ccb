/**
 * How a request is refused: in the API's words, with the path of the first thing that is wrong.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import * as ApiError from "./ApiError.ts"

/** The refusal of a request that does not make sense. */
export const refuse = (message: string): Effect.Effect<never, ApiError.ApiError> =>
  Effect.fail(ApiError.make(400, message))

/** Refuses with the first message; passes where every check gave `undefined`. */
export const refuseIf = (...messages: ReadonlyArray<string | undefined>): Effect.Effect<void, ApiError.ApiError> => {
  const message = messages.find((one) => one !== undefined)
  return message === undefined ? Effect.void : refuse(message)
}

/** The words for a missing field. */
export const required = { messageMissingKey: "Field required" }

/** The words for a field of the wrong kind. */
export const shouldBe = (what: string) => ({ message: `Input should be ${what}` })

/** A string. */
export const text = Schema.String.annotate(shouldBe("a valid string"))

/** Decodes a body, or the part of one that is found at a path; refused with the first problem and where it is. */
export const decode = <S extends Schema.ConstraintDecoder<unknown>>(schema: S) => {
  const decodePart = SchemaParser.decodeUnknownEffect(schema)
  return (json: unknown, ...at: ReadonlyArray<string | number>): Effect.Effect<S["Type"], ApiError.ApiError> =>
    Effect.catch(decodePart(json), (issue) => {
      const [first] = format(issue).issues
      const path = [...at, ...(first?.path ?? [])].map(String).join(".")
      return refuse(path === "" ? `${first?.message}` : `${path}: ${first?.message}`)
    })
}

const format = SchemaIssue.makeFormatterStandardSchemaV1()
