/**
 * One HTTP exchange as plain data, so that the emulator runs the same behind a socket, inside a `fetch` and in a test.
 */
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"

/** What a client sent. `path` includes the query; the names of headers are in lower case. */
export interface Request {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
}

/** What it gets back: a body in one piece, or one that takes its time. */
export interface Response {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Stream.Stream<string>
}

/** Answers every request; refusals are responses too. Time comes from the fiber's `Clock`. */
export type Handler = (request: Request) => Effect.Effect<Response>

/** A JSON response. */
export const json = (value: unknown): Response => ({
  status: 200,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(value)
})
