/**
 * Errors on purpose. Whether a request meets one depends on the seed, on the request, and on how often this very
 * request was sent before; never on the order in which different requests arrive.
 */
import { sha256 } from "@noble/hashes/sha2.js"
import { utf8ToBytes } from "@noble/hashes/utils.js"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as ApiError from "./ApiError.ts"

const messages = {
  408: "Request timed out",
  409: "The request conflicts with another one",
  429: "This request would exceed your organization's rate limit",
  500: "Internal server error",
  503: "Service unavailable",
  504: "The request took too long",
  529: "Overloaded"
} as const

/** A share of the requests, between 0 and 1, that gets this status in place of an answer. */
export const Fault = Schema.Struct({
  status: Schema.Literals([408, 409, 429, 500, 503, 504, 529]),
  rate: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
})
export type Fault = typeof Fault.Type

/** A request meets one fault at most, so the rates add up to 1 at most. */
export const Faults = Schema.Array(Fault).check(
  Schema.makeFilter((faults) => {
    const total = faults.reduce((sum, fault) => sum + fault.rate, 0)
    return total <= 1 || `the rates add up to ${total}; lower them to 1 or less in all`
  })
)
export type Faults = typeof Faults.Type

/** Faults as the command line writes them: `429:0.02,529:0.01`. */
export const FaultsFromString = Schema.String.pipe(
  Schema.decodeTo(
    Faults,
    SchemaTransformation.transformEffect<Faults, string>({
      decode: (text) => Effect.forEach(text.split(","), parse),
      encode: (faults) => Effect.succeed(faults.map((fault) => `${fault.status}:${fault.rate}`).join(","))
    })
  )
)

const parse = (text: string): Effect.Effect<Fault, SchemaIssue.Issue> => {
  const [status, rate] = text.split(":").map((part) => (part.trim() === "" ? Number.NaN : Number(part)))
  return Effect.mapError(
    Effect.fromOption(decodeFault({ status, rate })),
    () =>
      new SchemaIssue.InvalidValue({
        message:
          `"${text}" is not a fault: write status:rate, such as 429:0.02, ` +
          `with a status of ${Object.keys(messages).join(", ")} and a rate between 0 and 1`
      })
  )
}

const decodeFault = Schema.decodeUnknownOption(Fault)

/** The error that the n-th arrival (from 1) of a request meets, if any. */
export const draw = (
  faults: Faults,
  seed: number,
  requestHash: string,
  occurrence: number
): ApiError.ApiError | undefined => {
  if (faults.length === 0) return undefined
  let rest = uniform(`${seed} ${requestHash} ${occurrence}`)
  for (const { status, rate } of faults) {
    if (rest < rate) return ApiError.make(status, messages[status])
    rest -= rate
  }
  return undefined
}

/** A number in [0, 1) that the text decides. */
const uniform = (text: string): number => new DataView(sha256(utf8ToBytes(text)).buffer).getUint32(0) / 2 ** 32
