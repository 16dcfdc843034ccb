/**
 * The emulator without a transport: its routes, who may use them, and what every response carries.
 */
import * as Effect from "effect/Effect"
import * as FindMyWay from "effect/http/FindMyWay"
import * as ApiError from "./ApiError.ts"
import * as CreateMessage from "./CreateMessage.ts"
import * as Exchange from "./Exchange.ts"
import * as Ledger from "./Ledger.ts"
import * as ModelList from "./ModelList.ts"
import type { Options } from "./Options.ts"
import * as Validation from "./Validation.ts"

/** A running emulator. */
export interface App {
  readonly handle: Exchange.Handler
  /** Every billed call so far. */
  readonly ledger: Effect.Effect<ReadonlyArray<Ledger.LedgerEntry>>
}

/** Starts an emulator with an empty ledger. */
export const make = (options: Options = {}): Effect.Effect<App> =>
  Effect.sync(() => {
    const ledger = Ledger.make()
    const router = routes(options, ledger)
    let requests = 0

    const route = Effect.fnUntraced(function* (request: Exchange.Request) {
      const { method, path } = request
      const found = router.find(method, path)
      if (found === undefined) {
        const known = methods.some((other) => router.find(other, path) !== undefined)
        return yield* Effect.fail(known ? ApiError.make(405, "Method Not Allowed") : ApiError.make(404, "Not Found"))
      }
      if (path.startsWith("/v1/")) yield* authenticate(request, options.apiKeys)
      return yield* found.handler(request, found)
    })

    const handle: Exchange.Handler = Effect.fnUntraced(function* (request) {
      requests += 1
      const requestId = `req_emulated_${`${requests}`.padStart(8, "0")}`
      const response = yield* Effect.catch(route(request), (error) =>
        Effect.succeed(ApiError.toResponse(error, requestId))
      )
      return { ...response, headers: { ...response.headers, ...marks, "request-id": requestId } }
    })

    return { handle, ledger: Effect.sync(ledger.entries) }
  })

/** So that nobody takes it for Claude. */
const marks = {
  "x-emulated-by": "effect-claude",
  "anthropic-organization-id": "00000000-0000-0000-0000-000000000000"
}

type Route = (
  request: Exchange.Request,
  found: Pick<FindMyWay.FindResult<unknown>, "params" | "searchParams">
) => Effect.Effect<Exchange.Response, ApiError.ApiError>

const methods = ["GET", "POST"]

const routes = (options: Options, ledger: Ledger.Ledger): FindMyWay.Router<Route> => {
  const router = FindMyWay.make<Route>()
  router.on("POST", "/v1/messages", CreateMessage.make(options, ledger))
  router.on("POST", "/v1/messages/count_tokens", (request) =>
    Effect.map(Validation.count(request), (input_tokens) => Exchange.json({ input_tokens }))
  )
  router.on("GET", "/v1/models", (_, { searchParams }) =>
    Effect.map(Validation.page(searchParams), (query) => Exchange.json(ModelList.page(query)))
  )
  router.on("GET", "/v1/models/:id", (_, { params }) =>
    Effect.map(Validation.findModel(params["id"] ?? ""), (model) => Exchange.json(ModelList.info(model)))
  )
  router.on("GET", "/__ledger", () => Effect.sync(ledger.toResponse))
  return router
}

const authenticate = ({ headers }: Exchange.Request, accepted: ReadonlyArray<string> | undefined) => {
  const apiKey = headers["x-api-key"]
  const bearer = /^Bearer\s+(\S+)$/i.exec(headers["authorization"] ?? "")?.[1]
  const key = apiKey ?? bearer ?? ""
  if (key === "") return Effect.fail(ApiError.make(401, "x-api-key header is required"))
  if (accepted === undefined ? key !== "invalid" : accepted.includes(key)) return Effect.void
  return Effect.fail(ApiError.make(401, apiKey === undefined ? "Invalid bearer token" : "invalid x-api-key"))
}
