/**
 * The emulator as a `fetch`: no socket, and the `Clock` of the fiber that made it, so that a test can drive an SDK client
 * through latencies and slow streams in virtual time.
 *
 * After each step the answering fiber lets the client run. A client handles an answer in promises, and virtual time does
 * not wait for promises; it waits for the fiber that it woke.
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import type { Fetch } from "../../../claude/Transport.ts"
import * as Exchange from "./Exchange.ts"

/** A `fetch` that the emulator answers, for any host. Aborting a request interrupts its answer. */
export const make = ({ handle }: { readonly handle: Exchange.Handler }): Effect.Effect<Fetch> =>
  Effect.map(Effect.context<never>(), (context) => (input, init) => {
    const request = new Request(input, init)
    const { signal } = request
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const fiber = read(request, init).pipe(
        Effect.flatMap(handle),
        settling((exit) => {
          if (Exit.isFailure(exit)) return reject(failure("fetch failed", exit.cause))
          const { body, ...head } = exit.value
          resolve(new Response(typeof body === "string" ? body : readable(body, context, signal), head))
        }),
        Effect.runForkWith(context)
      )
      signal.addEventListener("abort", () => {
        reject(signal.reason)
        fiber.interruptUnsafe()
      })
    })
  })

/** Hands the result to the client, and lets the client run. */
const settling = <A, E>(tell: (exit: Exit.Exit<A, E>) => void) =>
  Effect.onExit<A, E, never, never>((exit) =>
    Effect.andThen(
      Effect.sync(() => tell(exit)),
      settle
    )
  )

/** The errors of Node's `fetch` without a connection, and of its bodies after a lost one. */
const failure = (message: string, cause: Cause.Cause<Exchange.Dropped>): unknown => {
  const error = Cause.squash(cause)
  if (!(error instanceof Exchange.Dropped)) return error
  const [text, code] =
    error.how === "refused" ? ["connect ECONNREFUSED", "ECONNREFUSED"] : ["read ECONNRESET", "ECONNRESET"]
  return new TypeError(message, { cause: Object.assign(new Error(text), { code }) })
}

const read = (request: Request, init: RequestInit | undefined): Effect.Effect<Exchange.Request> => {
  const { pathname, search } = new URL(request.url)
  const head = { method: request.method, path: pathname + search, headers: Object.fromEntries(request.headers) }
  // A string is read at once: virtual time could move on before a promise resolves.
  const body = typeof init?.body === "string" ? Effect.succeed(init.body) : Effect.promise(() => request.text())
  return Effect.map(body, (text) => ({ ...head, body: text }))
}

/**
 * Pushes without waiting for the reader, and lets it run after each chunk: `Stream.toReadableStream` waits for it to
 * pull, and virtual time would pass meanwhile.
 */
const readable = (
  body: Stream.Stream<string | Uint8Array, Exchange.Dropped>,
  context: Context.Context<never>,
  signal: AbortSignal
): ReadableStream => {
  let fiber: Fiber.Fiber<void, Exchange.Dropped> | undefined
  const cancel = () => fiber?.interruptUnsafe()
  const start = (controller: ReadableStreamDefaultController) => {
    // In another fiber, so that the next part is requested before virtual time moves on.
    const push = (chunk: string | Uint8Array) =>
      Effect.andThen(
        Effect.sync(() => controller.enqueue(Exchange.bytes(chunk))),
        Effect.forkDetach(settle)
      )
    fiber = Stream.runForEach(body, push).pipe(
      settling((exit) =>
        Exit.isSuccess(exit) ? controller.close() : controller.error(signal.reason ?? failure("terminated", exit.cause))
      ),
      Effect.runForkWith(context)
    )
    signal.addEventListener("abort", cancel)
  }
  return new ReadableStream({ start, cancel }, { highWaterMark: Infinity })
}

/** Turns of the event loop: a client needs one to read an answer and send the next call; code above it needs more. */
const settle = Effect.repeat(Effect.yieldNow, { times: 4 })
