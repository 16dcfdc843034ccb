/**
 * The Claude API on this machine, without a key and without a bill. It uses the real wire format, refuses what the API
 * refuses, and answers with sentences of the prompt. Use it for tests, for demos and to rehearse a run. Its answers are
 * worthless, and all of them are marked: ids begin with `msg_emulated_`, responses carry the header `x-emulated-by`. It
 * calls tools with made-up arguments, and the program really runs them: give it tools without effects.
 *
 * In memory it follows the `Clock`: under `TestClock` an hour of latency passes at once. The SDK uses promises, and
 * virtual time does not wait for them: where a call is retried after a stall, move the clock in steps.
 */
import { Anthropic } from "@anthropic-ai/sdk"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { ServeError } from "effect/http/HttpServerError"
import * as Layer from "effect/Layer"
import * as AnthropicClient from "../claude/AnthropicClient.ts"
import * as Api from "../claude/Api.ts"
import type { Claude } from "../claude/Claude.ts"
import { type Fetch, Transport } from "../claude/Transport.ts"
import * as App from "./emulator/App.ts"
import * as InMemory from "./emulator/wire/Fetch.ts"
import type { LedgerEntry } from "./emulator/billing/Ledger.ts"
import type { Options } from "./emulator/Options.ts"

export type { Request } from "./emulator/wire/Exchange.ts"
export { Fault, Faults, FaultsFromString, inBatch, Kind, type Script } from "./emulator/faults/Faults.ts"
export type { LedgerEntry } from "./emulator/billing/Ledger.ts"
export type { Options } from "./emulator/Options.ts"
export type { Limits } from "./emulator/billing/RateLimits.ts"
export type { Reply, Rule } from "./emulator/answering/Replies.ts"

/** A running emulator: the address and `fetch` for its clients, and the calls it would have billed. */
export class Emulator extends Context.Service<
  Emulator,
  {
    /** The `baseURL` of a client, such as `http://127.0.0.1:8787`; in memory, a host that does not exist. */
    readonly url: string
    /** The `fetch` of a client: the global one for a server, the emulator itself in memory. */
    readonly fetch: Fetch
    /** Every billed call so far; `GET /__ledger` returns the same. */
    readonly ledger: Effect.Effect<ReadonlyArray<LedgerEntry>>
  }
>()("effect-claude/testing/Emulator") {}

/** Options of a server. */
export interface ServerOptions extends Options {
  /** By default, any free port. */
  readonly port?: number | undefined
  /** By default `127.0.0.1`, which other machines cannot reach. */
  readonly host?: string | undefined
}

/** Claude from an emulator in memory: it includes the SDK and opens no socket. */
export const layer = (options: Options = {}): Layer.Layer<Claude | AnthropicClient.AnthropicClient | Emulator> =>
  Api.layer.pipe(Layer.provideMerge(client), Layer.provideMerge(transport(options)))

/** An emulator in memory, as the `Transport` of this program; also the `fetch` of a client of your own. */
export const transport = (options: Options = {}): Layer.Layer<Emulator> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const app = yield* App.make(options)
      const fetch = yield* InMemory.make(app)
      const emulator = { url: "http://emulator.invalid", fetch, ledger: app.ledger }
      return Context.make(Emulator, emulator).pipe(Context.add(Transport, fetch))
    })
  )

/** The client holds its emulator directly, because callers may build the layer without the `Transport`. */
const client = Layer.unwrap(
  Emulator.useSync(({ fetch, url }) =>
    AnthropicClient.layerFrom(
      new Anthropic({ apiKey: "emulator", baseURL: url, fetch, maxRetries: 0, openTelemetry: false })
    )
  )
)

/** Serves an emulator until the layer is released. */
export const layerServer = (options: ServerOptions = {}): Layer.Layer<Emulator, ServeError> =>
  Layer.effect(
    Emulator,
    Effect.gen(function* () {
      const app = yield* App.make(options)
      // Loaded here, so that importing this module needs no platform.
      const { serve } = yield* Effect.promise(() => import("./emulator/wire/Server.ts"))
      const url = yield* serve(app.handle, { host: options.host ?? "127.0.0.1", port: options.port ?? 0 })
      return { url, fetch: (input, init) => globalThis.fetch(input, init), ledger: app.ledger }
    })
  )
