/**
 * Which requests meet a fault: by rate, by count, or by a script. The seed, the request and the number of its earlier
 * arrivals decide; the order in which different requests arrive does not. `Disturb` carries the faults out.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as Models from "../../../claude/Models.ts"
import * as Sha256 from "../../../claude/Sha256.ts"
import type * as Exchange from "../wire/Exchange.ts"
import * as Occurrences from "../wire/Occurrences.ts"

const kinds = [
  // The model does not answer, and nothing is billed.
  401, // statuses of the API, in its words; a 429 has a retry-after
  404,
  408,
  409,
  429,
  500,
  503,
  504,
  529,
  "refused", // no connection
  "reset", // the connection is reset before any header
  "html", // an HTML page with status 200
  // The answer is sent and billed: a stream event by event, a non-streaming answer as a whole.
  "late", // its first byte comes 30 seconds late
  "reset-in-body", // the connection is reset in the middle
  "stall", // no more bytes arrive, and the connection stays open
  "cut", // it ends too early, without an error
  "malformed-json", // an event, or the whole answer, is not valid JSON
  "drip", // one byte at a time, a millisecond each
  "split-characters", // chunks end within characters
  // Only streams meet these.
  "error-event", // an `error` event (overloaded) ends it
  "malformed-sse", // a line break within the data of an event
  "duplicate-events", // every event comes twice
  "unknown-events", // events of an unknown type arrive in between
  // The request is carried out and billed, and the connection is reset before any header: its batch or answer exists.
  "lost",
  // Only the results of a batch meet these.
  "half-the-lines", // every second line is missing, without an error
  "no-content-type", // the headers do not name the type of the file
  // Only requests in a batch meet these, and statuses: an error with a status is then the result of the request.
  "expired", // the batch ends before the request is answered
  "missing" // the file has no result of the request
] as const

/** A kind of fault: a status of the API, or a name. */
export const Kind = Schema.Literals(kinds)
export type Kind = typeof Kind.Type

/** A fault. */
export const Fault = Schema.Struct({
  kind: Kind,
  /** How many events of a stream arrive before it; by default 1 to 6, by seed. Other answers break in the middle. */
  after: Schema.optionalKey(Schema.Natural)
})
export type Fault = typeof Fault.Type

/** Only requests to this model meet the fault. Name it by an id with or without the date; by default every model. */
const target = { model: Schema.optionalKey(Schema.String) }

const ByRate = Schema.Struct({
  ...Fault.fields,
  ...target,
  /** The share of arrivals that meet the fault, between 0 and 1. */
  rate: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
})

const ByCount = Schema.Struct({
  ...Fault.fields,
  ...target,
  /** The first arrivals of every request meet the fault; the next count applies to the arrivals after them. */
  times: Schema.Int.check(Schema.isGreaterThan(0))
})

/**
 * Faults of `POST /v1/messages`, of the Message Batches API, and of the requests in a batch. An arrival meets at most one,
 * so the rates add up to at most 1. Counts come first.
 */
export const Faults = Schema.Array(Schema.Union([ByRate, ByCount])).check(
  Schema.makeFilter((faults) => {
    for (const { model } of [...faults, {}]) {
      const applicable = faults.filter((fault) => applies(fault, model))
      const total = applicable.reduce((sum, fault) => sum + ("rate" in fault ? fault.rate : 0), 0)
      if (total > 1) return `the rates add up to ${total}; lower them to 1 or less in all`
    }
    return true
  })
)
export type Faults = typeof Faults.Type

/**
 * Returns the fault of the n-th arrival (from 1) of a request, on any path. A request in a batch arrives when it is
 * answered, as a `POST` to `inBatch`.
 */
export type Script = (request: Exchange.Request, arrival: number) => Fault | undefined

/** The path of a request in a batch. The API has no such path. */
export const inBatch = "/v1/messages/batches/requests"

const applies = (fault: { readonly model?: string }, model: string | undefined): boolean =>
  fault.model === undefined || (model !== undefined && Models.isSame(fault.model, model))

/** Faults as the command line writes them: `429:0.02,cut:1x,claude-sonnet-5-5=529:1`. */
export const FaultsFromString = Schema.String.pipe(
  Schema.decodeTo(
    Faults,
    SchemaTransformation.transformEffect<Faults, string>({
      decode: (text) => Effect.forEach(text.split(","), parse),
      encode: (faults) =>
        Effect.succeed(
          faults
            .map(({ kind, model, ...often }) => {
              const target = model === undefined ? "" : `${model}=`
              return `${target}${kind}:${"rate" in often ? often.rate : `${often.times}x`}`
            })
            .join(",")
        )
    })
  )
)

const parse = (text: string): Effect.Effect<Faults[number], SchemaIssue.Issue> => {
  const [, model, fault = ""] = /^(?:([^=]*)=)?(.*)$/.exec(text.trim()) ?? []
  const [name, howOften = ""] = fault.split(":").map((part) => part.trim())
  const kind = kinds.find((known) => `${known}` === name)
  const [, times] = /^(\d+)x$/.exec(howOften) ?? []
  const when =
    times === undefined ? { rate: howOften === "" ? Number.NaN : Number(howOften) } : { times: Number(times) }
  return Effect.mapError(
    Effect.fromOption(decodeFault({ kind, ...when, ...(model !== undefined && { model: knownId(model.trim()) }) })),
    () =>
      new SchemaIssue.InvalidValue({
        message:
          `"${text}" is not a fault: write name:rate, such as 429:0.02, with a rate between 0 and 1, or name:times, ` +
          `such as cut:2x for the first 2 arrivals of every request; the names are ${kinds.join(", ")}. Put model= ` +
          `before it for one model, such as claude-sonnet-5-5=529:1; the models are ` +
          Models.all.map(({ id }) => id).join(", ")
      })
  )
}

/** A mistyped id would never match, so it is replaced by a value that does not decode. */
const knownId = (id: string) => Models.find(id)?.id ?? 0

const decodeFault = Schema.decodeUnknownOption(Schema.Union([ByRate, ByCount]))

/** Draws the fault of each arrival, if any, and counts the arrivals of each request. */
export const make = (faults: Faults | Script, seed: number) => {
  const occurrence = Occurrences.make()
  return (request: Exchange.Request): Required<Fault> | undefined => {
    const key = Sha256.hex(`${request.method} ${request.path}\n${request.body}`)
    const arrival = occurrence(key)
    const drawn = `${seed} ${key} ${arrival}`
    const fault = typeof faults === "function" ? faults(request, arrival) : draw(faults, request, arrival, drawn)
    return fault && { after: 1 + Math.floor(6 * uniform(`${drawn} after`)), ...fault }
  }
}

const draw = (all: Faults, { body, path }: Exchange.Request, arrival: number, drawn: string) => {
  if (!/^\/v1\/messages(\/batches.*)?(\?|$)/.test(path)) return undefined
  const hasTargets = all.some(({ model }) => model !== undefined)
  const asked = hasTargets ? Option.getOrUndefined(decodeModel(body))?.model : undefined
  const faults = hasTargets ? all.filter((fault) => applies(fault, asked)) : all
  let left = arrival
  for (const fault of faults) if ("times" in fault && (left -= fault.times) <= 0) return fault
  let rest = uniform(drawn)
  for (const fault of faults) if ("rate" in fault && (rest -= fault.rate) < 0) return fault
  return undefined
}

const decodeModel = Schema.decodeOption(Schema.fromJsonString(Schema.Struct({ model: Schema.String })))

/** A number in [0, 1), derived from the text. */
const uniform = (text: string): number => Number.parseInt(Sha256.hex(text).slice(0, 8), 16) / 2 ** 32
