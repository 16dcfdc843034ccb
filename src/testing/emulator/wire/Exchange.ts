/**
 * One HTTP exchange as plain data, so that the emulator runs the same behind a socket, inside a `fetch` and in a test.
 */
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"

/** What a client sent. `path` includes the query; the names of headers are in lower case. */
export interface Request {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
}

/** A response: a body in one piece, or a stream that may break off. */
export interface Response {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Stream.Stream<string | Uint8Array, Dropped>
}

/** The connection is refused, or reset: before the headers, or in the middle of a body. */
export class Dropped extends Data.TaggedError("Dropped")<{ readonly how: "refused" | "reset" }> {}

/** Answers every request; refusals are responses too. Time comes from the fiber's `Clock`. */
export type Handler = (request: Request) => Effect.Effect<Response, Dropped>

/** A JSON response. */
export const json = (value: unknown): Response => ({
  status: 200,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(value)
})

/** A chunk of a body as text. */
export const text = (chunk: string | Uint8Array): string =>
  typeof chunk === "string" ? chunk : new TextDecoder().decode(chunk)

/** A chunk of a body as bytes. */
export const bytes = (chunk: string | Uint8Array): Uint8Array =>
  typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk
