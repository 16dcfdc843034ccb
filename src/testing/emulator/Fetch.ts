/**
 * The emulator as a `fetch`: no socket, and time from the `Clock` of whoever asked for it, so that a test can drive an
 * SDK client through latencies and slow streams in virtual time.
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import type { Fetch } from "../../claude/Transport.ts"
import type { App } from "./App.ts"
import type * as Exchange from "./Exchange.ts"

/** A `fetch` whose every request the emulator answers, whatever the host. Aborting it interrupts the answer. */
export const make = ({ handle }: App): Effect.Effect<Fetch> =>
  Effect.map(Effect.context<never>(), (context) => (input, init) => {
    const request = new Request(input, init)
    const { signal } = request
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const fiber = Effect.runForkWith(context)(Effect.flatMap(read(request, init), handle))
      signal.addEventListener("abort", () => fiber.interruptUnsafe())
      fiber.addObserver((exit) => {
        if (Exit.isFailure(exit)) return reject(signal.reason ?? Cause.squash(exit.cause))
        const { body, ...head } = exit.value
        resolve(new Response(typeof body === "string" ? body : readable(body, context, signal), head))
      })
    })
  })

const read = (request: Request, init: RequestInit | undefined): Effect.Effect<Exchange.Request> => {
  const { pathname, search } = new URL(request.url)
  const head = { method: request.method, path: pathname + search, headers: Object.fromEntries(request.headers) }
  // A string is read at once: behind a promise, virtual time could pass the request by.
  const body = typeof init?.body === "string" ? Effect.succeed(init.body) : Effect.promise(() => request.text())
  return Effect.map(body, (text) => ({ ...head, body: text }))
}

/**
 * Pushes without waiting for the reader, and lets it run after each chunk: `Stream.toReadableStream` waits for it to
 * pull, and virtual time would pass meanwhile.
 */
const readable = (
  body: Stream.Stream<string>,
  context: Context.Context<never>,
  signal: AbortSignal
): ReadableStream => {
  let fiber: Fiber.Fiber<void> | undefined
  const cancel = () => fiber?.interruptUnsafe()
  const start = (controller: ReadableStreamDefaultController) => {
    const push = (chunk: Uint8Array) =>
      Effect.andThen(
        Effect.sync(() => controller.enqueue(chunk)),
        settle
      )
    fiber = Effect.runForkWith(context)(Stream.runForEach(Stream.encodeText(body), push))
    signal.addEventListener("abort", cancel)
    fiber.addObserver((exit) =>
      Exit.isSuccess(exit) ? controller.close() : controller.error(signal.reason ?? Cause.squash(exit.cause))
    )
  }
  return new ReadableStream({ start, cancel }, { highWaterMark: Infinity })
}

const settle = Effect.repeat(Effect.yieldNow, { times: 3 })
