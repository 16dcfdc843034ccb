/**
 * The usages of the recorded exchanges, each with its request.
 */
import * as Predicate from "effect/Predicate"
import type { Request } from "../../src/claude/Request.ts"
import type { ApiUsage } from "../../src/claude/Usage.ts"
import * as Corpus from "./Corpus.ts"

export interface Recorded {
  readonly name: string
  readonly request: Request
  /** The model that answered; the model asked, where tokens were only counted. */
  readonly model: string
  readonly usage: ApiUsage
}

/** Answers, counts of tokens and results of batches. Requests that failed have no usage. */
export const load = (folder: string): ReadonlyArray<Recorded> => {
  const exchanges = Corpus.load(folder).filter(({ status }) => status === 200)
  const batched = new Map(exchanges.flatMap(batchedOf))
  return exchanges.flatMap((exchange) => recordedOf(exchange, batched))
}

const recordedOf = (exchange: Corpus.Exchange, batched: ReadonlyMap<string, Request>): ReadonlyArray<Recorded> => {
  const { body, name } = exchange
  // The API accepted the recorded request, so it has the API's shape.
  const request = exchange.request as Request
  switch (Corpus.kindOf(exchange)) {
    case "messages": {
      const { model, usage } = JSON.parse(body)
      return [{ name, request, model, usage }]
    }
    case "messages, stream":
      return [{ name, request, ...streamed(body) }]
    case "count_tokens":
      return [{ name, request, model: request.model, usage: JSON.parse(body) }]
    case "batches, results":
      return body
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line))
        .flatMap(({ custom_id, result }) => {
          const request = batched.get(`${fileOf(exchange)} ${custom_id}`)
          return request === undefined ? [] : [{ name: `${name} ${custom_id}`, request, ...result.message }]
        })
    default:
      return []
  }
}

const fileOf = ({ name }: Corpus.Exchange): string => name.split(" ")[0] ?? ""

const batchedOf = (exchange: Corpus.Exchange): ReadonlyArray<readonly [string, Request]> => {
  const { request } = exchange
  if (!Predicate.hasProperty(request, "requests") || !Array.isArray(request.requests)) return []
  return request.requests.map(({ custom_id, params }) => [`${fileOf(exchange)} ${custom_id}`, params])
}

/** The counts at the end of a stream replace those at its start; the other facts are only at the start. */
const streamed = (body: string): Pick<Recorded, "model" | "usage"> => {
  let model = ""
  let usage: ApiUsage = {}
  for (const [, data = ""] of body.matchAll(/^data: ?(.*)$/gm)) {
    const event = JSON.parse(data)
    if (event.type === "message_start") ({ model, usage } = event.message)
    if (event.type === "message_delta") {
      usage = { ...usage, ...Object.fromEntries(Object.entries(event.usage).filter(([, value]) => value !== null)) }
    }
  }
  return { model, usage }
}
