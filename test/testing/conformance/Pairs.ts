/**
 * Replays recorded exchanges to our client, and pairs each with the emulator's answer to the same request. The exchanges
 * of one file are one conversation: they share an emulator with its prompt cache and its batch.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as References from "effect/References"
import * as TestClock from "effect/testing/TestClock"
import * as Models from "../../../src/claude/Models.ts"
import type { Request } from "../../../src/claude/Request.ts"
import * as Emulator from "../../../src/testing/Emulator.ts"
import * as Corpus from "../../wire/Corpus.ts"
import { type Ask, routeOf, shapes } from "./Ask.ts"
import type { Recorded } from "./Behaviours.ts"
import type { Shape } from "./Shape.ts"

/** A recorded answer, and the emulator's answer to the same request. */
export interface Pair extends Recorded {
  /** The file, and the index in it. */
  readonly name: string
  readonly emulated: Shape
}

/** The limits make the emulator send rate limit headers. */
const limits = { requestsPerMinute: 1000, inputTokensPerMinute: 10_000_000, outputTokensPerMinute: 1_000_000 }

/** The shapes of an emulator's answers to requests in order. */
export const overEmulator = (asks: ReadonlyArray<Ask>) =>
  Emulator.Emulator.use(({ fetch, url }) => shapes(asks, () => ({ baseURL: url, fetch }))).pipe(
    Effect.provide(Emulator.transport({ limits }))
  )

/** A pair for each exchange of the corpus in a folder. */
export const load = (folder: string): Effect.Effect<ReadonlyArray<Pair>> =>
  Effect.gen(function* () {
    const exchanges = Corpus.load(folder)
    const server = yield* Effect.acquireRelease(
      Effect.promise(() => Corpus.replay(exchanges)),
      (server) => Effect.sync(() => server.close())
    )
    const files = Map.groupBy(exchanges.entries(), ([, { name }]) => name.split(" ")[0])
    const pairs = yield* Effect.forEach(
      files.values(),
      Effect.fnUntraced(function* (numbered) {
        const indices = numbered.map(([index]) => index)
        const asks = numbered.map(([, exchange]) => askOf(exchange))
        const recorded = yield* shapes(asks, (at) => ({
          baseURL: server.url(indices[at] ?? -1),
          fetch: globalThis.fetch
        }))
        const emulated = yield* overEmulator(numbered.map(([, exchange]) => currentAskOf(exchange)))
        return asks.map((ask, at): Pair => ({
          name: numbered[at]?.[1].name ?? "",
          ask,
          route: routeOf(ask),
          request: isMessages(ask) ? { ...ask.request } : {},
          shape: recorded[at] ?? {},
          emulated: emulated[at] ?? {}
        }))
      })
    )
    return pairs.flat()
  }).pipe(
    Effect.scoped,
    Effect.provide(TestClock.layer()),
    // The SDK logs warnings about models that will be retired.
    Effect.provideService(References.MinimumLogLevel, "Error")
  )

const isMessages = (ask: Ask): ask is Ask & { readonly request: Partial<Request> } =>
  routeOf(ask) === "POST /v1/messages" && Predicate.isObject(ask.request)

const askOf = (exchange: Corpus.Exchange): Ask => {
  const { body, method, path, request, status } = exchange
  const isResults = Corpus.kindOf(exchange) === "batches, results"
  return {
    method,
    path: isResults ? "/v1/messages/batches/msgbatch_1/results" : path,
    request,
    ...(status === 401 && { apiKey: "invalid" }),
    // The recording client had waited for the batch.
    ...(body.includes('"processing_status":"ended"') && { after: "1 hour" })
  }
}

/** Replaces models that have been retired since the recording, but keeps a model that never existed. */
const currentAskOf = (exchange: Corpus.Exchange): Ask => {
  const ask = askOf(exchange)
  return exchange.status === 404 ? ask : { ...ask, request: withCurrentModel(ask.request) }
}

/** A model that accepts a prefill, sampling parameters and a thinking budget, as the retired models did. */
const currentModel = (asked: string) => (asked.endsWith("-0") ? "claude-sonnet-4-5" : "claude-sonnet-4-5-20250929")

const withCurrentModel = (request: unknown): unknown => {
  if (!Predicate.isObject(request)) return request
  if (Predicate.hasProperty(request, "requests") && Array.isArray(request.requests)) {
    return { requests: request.requests.map((one) => ({ ...one, params: withCurrentModel(one.params) })) }
  }
  const model = Predicate.hasProperty(request, "model") ? String(request.model) : ""
  return Models.find(model) !== undefined ? request : { ...request, model: currentModel(model) }
}
