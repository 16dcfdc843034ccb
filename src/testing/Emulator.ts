/**
 * The Claude API on this machine, without a key and without a bill: it speaks the real wire, refuses what the API
 * refuses, and answers with sentences of the prompt. For tests, for demos, and to rehearse a run; never for its answers,
 * and every one of them says so: ids begin with `msg_emulated_`, responses carry `x-emulated-by`.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { ServeError } from "effect/http/HttpServerError"
import * as Layer from "effect/Layer"
import * as App from "./emulator/App.ts"
import type { LedgerEntry } from "./emulator/Ledger.ts"
import type { Options } from "./emulator/Options.ts"

export { type App, make } from "./emulator/App.ts"
export type { Handler, Request, Response } from "./emulator/Exchange.ts"
export { make as fetch } from "./emulator/Fetch.ts"
export { Fault, Faults, FaultsFromString } from "./emulator/Faults.ts"
export type { LedgerEntry, Usage } from "./emulator/Ledger.ts"
export type { Options } from "./emulator/Options.ts"

/** An emulator that listens. */
export class Emulator extends Context.Service<
  Emulator,
  {
    /** Where it listens, such as `http://127.0.0.1:8787`: the `baseURL` of a client. */
    readonly url: string
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

/** Serves an emulator until the layer is released. */
export const layerServer = (options: ServerOptions = {}): Layer.Layer<Emulator, ServeError> =>
  Layer.effect(
    Emulator,
    Effect.gen(function* () {
      const app = yield* App.make(options)
      // Loaded here, so that importing this module needs no platform.
      const { serve } = yield* Effect.promise(() => import("./emulator/Server.ts"))
      const url = yield* serve(app.handle, { host: options.host ?? "127.0.0.1", port: options.port ?? 0 })
      return { url, ledger: app.ledger }
    })
  )
