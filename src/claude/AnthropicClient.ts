/**
 * Holds an SDK client. The type is structural, so that `Anthropic`, `AnthropicBedrock`, `AnthropicVertex`,
 * `AnthropicFoundry` and `AnthropicAws` all fit. An operation that a backend lacks fails with the reason `Unsupported`.
 *
 * Effect owns retries, spans and time: clients made here have these switched off.
 */
import Anthropic, { type ClientOptions } from "@anthropic-ai/sdk"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Misconfigured from "./ClientMisconfigured.ts"
import * as PlainCall from "./PlainCall.ts"
import { type Dispatching, type Fetch, globalFetch, patientDispatcher } from "./Transport.ts"

/** The part of an SDK client that this library uses. */
export interface Client {
  readonly messages: Pick<Anthropic["messages"], "create"> &
    Partial<Pick<Anthropic["messages"], "batches" | "countTokens">>
  readonly models?: Pick<Anthropic["models"], "list"> | undefined
  readonly beta?:
    | {
        readonly messages?:
          | (Pick<Anthropic["beta"]["messages"], "create"> &
              Partial<Pick<Anthropic["beta"]["messages"], "batches" | "countTokens">>)
          | undefined
      }
    | undefined
}

/** The SDK client of this program. */
export class AnthropicClient extends Context.Service<AnthropicClient, Client>()("effect-claude/AnthropicClient") {}

/** The key or the address cannot work; `message` says how to correct it. */
export type ClientMisconfigured = Misconfigured.ClientMisconfigured

/** The SDK's options without those that Effect owns. The key is `Redacted` until the client is built. */
export interface Options extends Omit<
  ClientOptions,
  "apiKey" | "fetch" | "maxRetries" | "timeout" | "openTelemetry" | "authToken" | "credentials" | "config" | "profile"
> {
  readonly apiKey: Redacted.Redacted<string>
}

/**
 * A client of the Claude API. It reads no environment variables: `baseURL` defaults to the public address, `logLevel`
 * to `warn`. Fails where the key or the address cannot work, before anything is sent.
 */
export const layer = (options: Options): Layer.Layer<AnthropicClient, ClientMisconfigured> =>
  Layer.effect(AnthropicClient, make(options, { apiKey: "the API key", baseURL: "the base URL" }))

const make = Effect.fnUntraced(function* ({ apiKey, ...options }: Options, names: Misconfigured.Names) {
  const key = Redacted.value(apiKey)
  const baseURL = options.baseURL ?? "https://api.anthropic.com"
  const problem = Misconfigured.find(key, baseURL, names)
  if (problem !== undefined) return yield* problem
  const client = new Anthropic({
    logLevel: "warn",
    ...options,
    baseURL: baseURL.trim(),
    apiKey: key.trim(),
    fetch: fetchOfCall,
    maxRetries: 0,
    timeout: noTimeout,
    openTelemetry: false
  })
  ours.add(client)
  if (Object.keys(options).every((name) => constant.has(name)) && (options.logLevel ?? "warn") === "warn") {
    PlainCall.enable(client)
  }
  return AnthropicClient.of(client)
})

/**
 * `layer` with `ANTHROPIC_API_KEY` and, where set, `ANTHROPIC_BASE_URL` from the program's configuration. A missing key
 * fails with a message that names it.
 */
export const layerConfig = (
  options: Omit<Options, "apiKey"> = {}
): Layer.Layer<AnthropicClient, ClientMisconfigured | Config.ConfigError> =>
  Layer.effect(
    AnthropicClient,
    Effect.gen(function* () {
      const apiKey = yield* Config.option(Config.String(names.apiKey))
      if (Option.isNone(apiKey)) return yield* Misconfigured.missingKey(names.apiKey)
      const baseURL = Option.getOrElse(yield* Config.option(Config.String(names.baseURL)), () => "")
      const settings = { ...(baseURL.trim() !== "" && { baseURL }), ...options }
      return yield* make({ ...settings, apiKey: Redacted.make(apiKey.value) }, names)
    })
  )

const names = { apiKey: "ANTHROPIC_API_KEY", baseURL: "ANTHROPIC_BASE_URL" }

/**
 * A client that the program builds, such as `new AnthropicBedrock()`. It keeps its own fetch and ignores `Transport`.
 * Its `fetchOptions.dispatcher` waits any time for an answer, because `Claude.Timeouts` limits the call. Limits inside
 * a custom `fetch` stay: an answer that takes longer fails with `TimedOut` and is not retried.
 */
export const layerFrom = (client: Client): Layer.Layer<AnthropicClient> => Layer.succeed(AnthropicClient, client)

/** The largest delay of a timer. An explicit time-out also switches off the SDK's guard against long calls. */
const noTimeout = 2 ** 31 - 1

/** The clients made here. Their fetch is the transport of each call. */
const ours = new WeakSet<Client>()

/** The options whose effect is the same for every call. `middleware`, for example, is not one. */
const constant: ReadonlySet<string> = new Set(["baseURL", "defaultHeaders", "logLevel"])

const fetchKey: unique symbol = Symbol.for("effect-claude/fetch")

interface CarriesFetch {
  readonly [fetchKey]?: Fetch
}

type FetchOptions = NonNullable<Anthropic.RequestOptions["fetchOptions"]>

const fetchOfCall: Fetch = (input, init: (RequestInit & CarriesFetch) | undefined) =>
  (init?.[fetchKey] ?? globalFetch)(input, init)

/**
 * The SDK's options for one call: no retries, no time-outs, the transport, and the signal that ends the call. A client
 * made here gets transport and signal as one fetch, because watching the signal is a quarter of the SDK's work on a
 * call.
 */
export const callOptions = (client: Client, transport: Fetch, signal: AbortSignal): Anthropic.RequestOptions => {
  const options = { maxRetries: 0, timeout: noTimeout }
  if (!ours.has(client)) {
    const own = Predicate.hasProperty(client, "fetchOptions") ? client.fetchOptions : undefined
    const dispatcher = Predicate.hasProperty(own, "dispatcher") ? own.dispatcher : undefined
    const fetchOptions: FetchOptions & Dispatching = { dispatcher: patientDispatcher(dispatcher) }
    return { ...options, signal, fetchOptions }
  }
  const fetch: Fetch = (input, init) => transport(input, { ...init, signal })
  const fetchOptions: FetchOptions & CarriesFetch = { [fetchKey]: fetch }
  return { ...options, fetchOptions }
}
