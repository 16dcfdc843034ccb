/**
 * The fetch that carries calls, read at each call: the global one by default; a cassette or an emulator in memory
 * replaces it for a part of the program or for all of it.
 *
 * Clients given to `AnthropicClient.layerFrom` keep the fetch they were built with.
 */
import * as Context from "effect/Context"

/** The shape of the global `fetch`. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

/** The fetch of the running fiber. */
export const Transport: Context.Reference<Fetch> = Context.Reference("effect-claude/Transport", {
  defaultValue: (): Fetch => (input, init) => globalThis.fetch(input, init)
})
