/**
 * Holds an SDK client. The shape is structural, so that `Anthropic`, `AnthropicBedrock`, `AnthropicVertex`,
 * `AnthropicFoundry` and `AnthropicAws` all fit; what a backend lacks fails with the reason `Unsupported`.
 *
 * Retries, spans and time belong to Effect: clients made here have none of their own.
 */
import Anthropic, { type ClientOptions } from "@anthropic-ai/sdk"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { Fetch } from "./Transport.ts"

/** What we use of an SDK client. */
export interface Client {
  readonly messages: Pick<Anthropic["messages"], "create"> &
    Partial<Pick<Anthropic["messages"], "batches" | "countTokens">>
  readonly beta?:
    | {
        readonly messages?:
          | (Pick<Anthropic["beta"]["messages"], "create"> &
              Partial<Pick<Anthropic["beta"]["messages"], "countTokens">>)
          | undefined
      }
    | undefined
}

/** The SDK client of this program. */
export class AnthropicClient extends Context.Service<AnthropicClient, Client>()("effect-claude/AnthropicClient") {}

/** The SDK's options, less those that Effect owns, with the key `Redacted` until the client is built. */
export interface Options extends Omit<
  ClientOptions,
  "apiKey" | "fetch" | "maxRetries" | "timeout" | "openTelemetry" | "authToken" | "credentials" | "config" | "profile"
> {
  readonly apiKey: Redacted.Redacted<string>
}

/** A client of the Claude API. `baseURL` defaults to the public address, `logLevel` to `warn`, whatever the environment. */
export const layer = ({ apiKey, ...options }: Options): Layer.Layer<AnthropicClient> =>
  Layer.sync(AnthropicClient, () => {
    const client = new Anthropic({
      baseURL: "https://api.anthropic.com",
      logLevel: "warn",
      ...options,
      apiKey: Redacted.value(apiKey),
      fetch: fetchOfCall,
      maxRetries: 0,
      timeout: noTimeout,
      openTelemetry: false
    })
    ours.add(client)
    return client
  })

/** `layer` with `ANTHROPIC_API_KEY` and, where set, `ANTHROPIC_BASE_URL` from the program's configuration. */
export const layerConfig = (options: Omit<Options, "apiKey"> = {}): Layer.Layer<AnthropicClient, Config.ConfigError> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const apiKey = yield* Config.Redacted("ANTHROPIC_API_KEY")
      const baseURL = yield* Config.option(Config.String("ANTHROPIC_BASE_URL"))
      return layer({ ...(Option.isSome(baseURL) && { baseURL: baseURL.value }), ...options, apiKey })
    })
  )

/** A client of your own, such as `new AnthropicBedrock()`. It keeps its own fetch; `Transport` does not reach it. */
export const layerFrom = (client: Client): Layer.Layer<AnthropicClient> => Layer.succeed(AnthropicClient, client)

/** The largest delay of a timer: an explicit time-out switches off the SDK's guard against long calls, and its own. */
const noTimeout = 2 ** 31 - 1

/** The clients made here: their fetch is that of the call. */
const ours = new WeakSet<Client>()

const fetchKey: unique symbol = Symbol.for("effect-claude/fetch")

interface CarriesFetch {
  readonly [fetchKey]?: Fetch
}

const fetchOfCall: Fetch = (input, init: (RequestInit & CarriesFetch) | undefined) =>
  (init?.[fetchKey] ?? globalThis.fetch)(input, init)

/**
 * What a client is told of one call: to leave retries and time alone, the transport, and the signal that ends it. A
 * client made here gets both as one fetch, since to watch the signal of a call is a quarter of the SDK's work on it.
 */
export const callOptions = (client: Client, transport: Fetch, signal: AbortSignal): Anthropic.RequestOptions => {
  const options = { maxRetries: 0, timeout: noTimeout }
  if (!ours.has(client)) return { ...options, signal }
  const fetch: Fetch = (input, init) => transport(input, { ...init, signal })
  const fetchOptions: Anthropic.RequestOptions["fetchOptions"] & CarriesFetch = { [fetchKey]: fetch }
  return { ...options, fetchOptions }
}
