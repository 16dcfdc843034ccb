/**
 * The emulator without a transport: its routes, the check of the key, and the headers of every response.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as FindMyWay from "effect/http/FindMyWay"
import * as Answer from "./answering/Answer.ts"
import * as ApiError from "./wire/ApiError.ts"
import * as CreateMessage from "./answering/CreateMessage.ts"
import * as Disturb from "./faults/Disturb.ts"
import * as Exchange from "./wire/Exchange.ts"
import * as Ledger from "./billing/Ledger.ts"
import * as MessageBatches from "./batches/MessageBatches.ts"
import * as MessageId from "./answering/MessageId.ts"
import * as ModelList from "./wire/ModelList.ts"
import type { Options } from "./Options.ts"
import * as Page from "./wire/Page.ts"
import * as RateLimits from "./billing/RateLimits.ts"
import * as SpendLimit from "./billing/SpendLimit.ts"
import * as Signature from "./request/Signature.ts"
import * as Validation from "./request/Validation.ts"

/** A running emulator. */
export interface App {
  readonly handle: Exchange.Handler
  /** Every billed call so far. */
  readonly ledger: Effect.Effect<ReadonlyArray<Ledger.LedgerEntry>>
}

/** Starts an emulator with an empty ledger. */
export const make = (options: Options = {}): Effect.Effect<App> =>
  Effect.sync(() => {
    const spendLimit = SpendLimit.make(options.spendLimit)
    const signatures = Signature.make()
    const shared = {
      answerTo: Answer.make(options, signatures),
      signatures,
      messageId: MessageId.make(),
      ledger: Ledger.make(spendLimit),
      rateLimits: RateLimits.make(options.limits),
      spendLimit
    }
    const batches = MessageBatches.make(options, shared)
    const router = routes(options, shared, batches)
    let requests = 0

    const route = Effect.fnUntraced(function* (request: Exchange.Request) {
      const { method, path } = request
      const found = router.find(method, path)
      if (found === undefined) {
        const known = methods.some((other) => router.find(other, path) !== undefined)
        return yield* Effect.fail(known ? ApiError.make(405, "Method Not Allowed") : ApiError.make(404, "Not Found"))
      }
      if (path.startsWith("/v1/")) yield* authenticate(request, options.apiKeys)
      // Finished items of batches count for the spend limit and are in the prompt cache.
      yield* batches.settle
      return yield* found.handler(request, found)
    })

    const answer = Disturb.around(options, route)

    const handle: Exchange.Handler = Effect.fnUntraced(function* (request) {
      requests += 1
      const requestId = `req_emulated_${`${requests}`.padStart(8, "0")}`
      const response = yield* Effect.catchIf(answer(request), isRefusal, (error) =>
        Effect.succeed(ApiError.toResponse(error, requestId))
      )
      return { ...response, headers: { ...response.headers, ...marks, "request-id": requestId } }
    })

    return { handle, ledger: Effect.map(batches.settle, shared.ledger.entries) }
  })

const isRefusal = (error: ApiError.ApiError | Exchange.Dropped): error is ApiError.ApiError =>
  !(error instanceof Exchange.Dropped)

/** Mark every response, so that it cannot pass for Claude's. */
const marks = {
  "x-emulated-by": "effect-claude",
  "anthropic-organization-id": "00000000-0000-0000-0000-000000000000"
}

type Route = (
  request: Exchange.Request,
  found: Pick<FindMyWay.FindResult<unknown>, "params" | "searchParams">
) => Effect.Effect<Exchange.Response, ApiError.ApiError>

const methods = ["GET", "POST", "DELETE"]

const routes = (
  options: Options,
  shared: CreateMessage.Shared,
  batches: MessageBatches.MessageBatches
): FindMyWay.Router<Route> => {
  const router = FindMyWay.make<Route>()
  router.on("POST", "/v1/messages", CreateMessage.make(options, shared))
  router.on("POST", "/v1/messages/count_tokens", (request) =>
    Effect.map(Validation.count(request, shared.signatures.has), (input_tokens) => Exchange.json({ input_tokens }))
  )
  const onBatches = (method: "GET" | "POST" | "DELETE", path: string, route: Route) =>
    router.on(method, `/v1/messages/batches${path}`, limited(shared, route))
  onBatches("POST", "", batches.create)
  onBatches("GET", "", (request, { searchParams }) =>
    Effect.flatMap(Page.query(searchParams), (query) => batches.list(query, request))
  )
  onBatches("GET", "/:id", (request, { params }) => batches.retrieve(params["id"] ?? "", request))
  onBatches("DELETE", "/:id", (_, { params }) => batches.delete(params["id"] ?? ""))
  onBatches("POST", "/:id/cancel", (request, { params }) => batches.cancel(params["id"] ?? "", request))
  onBatches("GET", "/:id/results", (_, { params }) => batches.results(params["id"] ?? ""))
  router.on("GET", "/v1/models", (_, { searchParams }) =>
    Effect.map(Page.query(searchParams), (query) => Exchange.json(ModelList.page(query)))
  )
  router.on("GET", "/v1/models/:id", (_, { params }) =>
    Effect.map(Validation.findModel(params["id"] ?? ""), (model) => Exchange.json(ModelList.info(model)))
  )
  router.on("GET", "/__ledger", () => Effect.sync(shared.ledger.toResponse))
  return router
}

/** Calls to batches have a separate limit. Over the spend limit, a client can read batches and cannot create one. */
const limited = ({ rateLimits, spendLimit }: CreateMessage.Shared, route: Route): Route =>
  Effect.fnUntraced(function* (request, found) {
    const now = yield* Clock.currentTimeMillis
    const isNew = request.method === "POST" && found.params["id"] === undefined
    const refusal = (isNew ? spendLimit.check(now) : undefined) ?? rateLimits.admit(RateLimits.batches, 0, now)
    if (refusal !== undefined) return yield* Effect.fail(refusal)
    const response = yield* route(request, found)
    return { ...response, headers: { ...response.headers, ...rateLimits.headers(RateLimits.batches, now) } }
  })

const authenticate = ({ headers }: Exchange.Request, accepted: ReadonlyArray<string> | undefined) => {
  const apiKey = headers["x-api-key"]
  const bearer = /^Bearer\s+(\S+)$/i.exec(headers["authorization"] ?? "")?.[1]
  const key = apiKey ?? bearer ?? ""
  if (key === "") return Effect.fail(ApiError.make(401, "x-api-key header is required"))
  if (accepted === undefined ? key !== "invalid" : accepted.includes(key)) return Effect.void
  return Effect.fail(ApiError.make(401, apiKey === undefined ? "Invalid bearer token" : "invalid x-api-key"))
}
