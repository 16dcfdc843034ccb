/**
 * The fetch that carries calls, read at each call. It is the global fetch by default; a cassette or an emulator in
 * memory replaces it for the whole program or a part of it.
 *
 * Clients given to `AnthropicClient.layerFrom` keep their own fetch.
 */
import * as Context from "effect/Context"
import * as Predicate from "effect/Predicate"

/** The shape of the global `fetch`. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

/** An option of Node's fetch: the connections to use. Runtimes without dispatchers ignore it. */
export interface Dispatching {
  readonly dispatcher?: unknown
}

/**
 * A dispatcher for Node's fetch that waits any time for an answer, since `Claude.Timeouts` limits the time of a call;
 * Node's fetch gives up after 300 s otherwise. It sends through `own`, or through the global dispatcher, which a program
 * may have set to use a proxy.
 */
export const patientDispatcher = (own?: unknown): object => (own === undefined ? patientGlobal : patient(() => own))

/** A call of one dispatcher: the options of the request, and the handler of its answer. */
type Dispatch = (options: object, handler: object) => boolean

const patient = (dispatcherFor: (handler: object) => unknown) => ({
  dispatch: (options: object, handler: object): boolean => {
    const dispatcher = dispatcherFor(handler)
    // Only fetch calls this, and its global dispatcher exists by then.
    if (!hasDispatch(dispatcher)) throw new TypeError("the dispatcher of fetch has no method dispatch")
    return dispatcher.dispatch({ ...options, headersTimeout: 0, bodyTimeout: 0 }, handler)
  },
  /** Fetch asks this of undici's `MockAgent`. */
  get isMockActive(): unknown {
    const dispatcher = dispatcherFor({ onRequestStart: undefined })
    return Predicate.hasProperty(dispatcher, "isMockActive") && dispatcher.isMockActive
  }
})

/**
 * Node keeps the global dispatcher under the first symbol; the package undici, from version 8, under the second one too,
 * with handlers of another shape. Node's fetch and the fetch of undici 8 each need their own.
 */
const patientGlobal = patient((handler) => {
  const second: unknown =
    "onRequestStart" in handler && Reflect.get(globalThis, Symbol.for("undici.globalDispatcher.2"))
  return second || Reflect.get(globalThis, Symbol.for("undici.globalDispatcher.1"))
})

const hasDispatch = (dispatcher: unknown): dispatcher is { readonly dispatch: Dispatch } =>
  Predicate.hasProperty(dispatcher, "dispatch") && Predicate.isFunction(dispatcher.dispatch)

/** The global fetch, without its limit on the time of an answer. */
export const globalFetch: Fetch = (input, init: (RequestInit & Dispatching) | undefined) => {
  const patientInit: RequestInit & Dispatching = { ...init, dispatcher: patientDispatcher(init?.dispatcher) }
  return globalThis.fetch(input, patientInit)
}

/** The fetch of the running fiber. */
export const Transport: Context.Reference<Fetch> = Context.Reference("effect-claude/Transport", {
  defaultValue: (): Fetch => globalFetch
})
