/**
 * The Claude API on this machine, without a key and without a bill: it speaks the real wire, refuses what the API
 * refuses, and answers with sentences of the prompt. For tests, for demos, and to rehearse a run; never for its answers,
 * and every one of them says so: ids begin with `msg_emulated_`, responses carry `x-emulated-by`.
 *
 * In memory, time is that of the `Clock`: under `TestClock` an hour of latency passes at once, and to the millisecond.
 * The SDK has promises inside, which virtual time does not wait for: where a call is asked again after a stall, move the
 * clock in steps.
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
export { Fault, Faults, FaultsFromString, Kind, type Script } from "./emulator/faults/Faults.ts"
export type { LedgerEntry } from "./emulator/billing/Ledger.ts"
export type { Options } from "./emulator/Options.ts"
export type { Limits } from "./emulator/billing/RateLimits.ts"
export type { Reply, Rule } from "./emulator/answering/Replies.ts"

/** A running emulator: what a client of it needs, and what it would have been paid for. */
export class Emulator extends Context.Service<
  Emulator,
  {
    /** The `baseURL` of a client: where it listens, such as `http://127.0.0.1:8787`; in memory a host that is none. */
    readonly url: string
    /** The `fetch` of a client: the global one where it listens, the emulator itself in memory. */
    readonly fetch: Fetch
    /** Every billed call so far; `GET /__ledger` says the same. */
    readonly ledger: Effect.Effect<ReadonlyArray<LedgerEntry>>
  }
>()("effect-claude/testing/Emulator") {}

/** Options of a server. */
export interface ServerOptions extends Options {
  /** By default any free port. */
  readonly port?: number | undefined
  /** By default `127.0.0.1`, which nobody else can reach. */
  readonly host?: string | undefined
}

/** Claude from an emulator in memory: with the SDK and everything above it, and without a socket. */
export const layer = (options: Options = {}): Layer.Layer<Claude | AnthropicClient.AnthropicClient | Emulator> =>
  Api.layer.pipe(Layer.provideMerge(client), Layer.provideMerge(transport(options)))

/** An emulator in memory, as the `Transport` of this program, and below a client of your own as its `fetch`. */
export const transport = (options: Options = {}): Layer.Layer<Emulator> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const app = yield* App.make(options)
      const fetch = yield* InMemory.make(app)
      const emulator = { url: "http://emulator.invalid", fetch, ledger: app.ledger }
      return Context.make(Emulator, emulator).pipe(Context.add(Transport, fetch))
    })
  )

/** Bound to its emulator: a layer may be built where the `Transport` of the callers is not in sight. */
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
