/**
 * Answers requests from recorded exchanges. The n-th time a request is sent, it gets its n-th recording. A request
 * without a recording gets an error response that clients do not retry, and that becomes a `CassetteMiss`.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Redact } from "../../claude/Redact.ts"
import * as Exchange from "../emulator/wire/Exchange.ts"
import { compare, keyOf, show } from "./Matching.ts"
import * as Recording from "./Recording.ts"

/** What to play, and how. `hide` removes secrets from the message of a miss. */
export interface Options {
  readonly exchanges: ReadonlyArray<Recording.Exchange>
  /** Why a file that does not exist is not recorded, and what to do; undefined where it exists. */
  readonly missing: string | undefined
  readonly path: string
  readonly pace: "at-once" | "recorded"
  readonly hide: Redact
}

/** A handler that plays each exchange once. */
export const make = ({ exchanges, hide, missing, pace, path }: Options): Exchange.Handler => {
  const recorded = Map.groupBy(exchanges, ({ request }) => keyOf(request))
  const played = new Map<string, number>()

  const miss = (sent: Recording.Request, times: number) => {
    const what = hide(`${sent.method} ${sent.path}`)
    if (missing !== undefined) return refusal(`${path} cannot answer ${what}: ${missing}`)
    if (exchanges.length === 0) return refusal(`${path} has no exchanges, so it cannot answer ${what}`)
    const recordings = times === 1 ? "1 recording" : `${times} recordings`
    if (times > 0) return refusal(`${path} has ${recordings} of this ${what}, but it was sent ${times + 1} times`)
    return refusal(`${path} has no recording of this ${what}; ${closest(exchanges, sent, hide)}`)
  }

  return Effect.fnUntraced(function* (received) {
    const began = yield* Clock.currentTimeMillis
    const until = (at: number) =>
      pace === "at-once"
        ? Effect.void
        : Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.sleep(Math.max(0, began + at - now)))

    const sent = Recording.request(received)
    const key = keyOf(sent)
    const times = played.get(key) ?? 0
    const exchange = recorded.get(key)?.[times]
    if (exchange === undefined) return miss(sent, times)
    played.set(key, times + 1)

    const { at, body, headers, status } = exchange.response
    yield* until(at)
    if ("json" in body) return { status, headers, body: JSON.stringify(body.json) }
    const arrive = (chunk: Recording.Chunk) => Effect.as(until(chunk.at), Recording.bytes(chunk))
    return { status, headers, body: Stream.mapEffect(Stream.fromIterable(body.chunks), arrive) }
  })
}

/** A response with a status that the API never sends. A dropped connection would be retried. */
const refusal = (message: string): Exchange.Response => ({
  ...Exchange.json({ type: "error", error: { type: "cassette_miss", message } }),
  status: 421,
  headers: { "content-type": "application/json", "x-should-retry": "false" }
})

const closest = (exchanges: ReadonlyArray<Recording.Exchange>, sent: Recording.Request, hide: Redact): string => {
  const compared = exchanges.map(({ request }, index) => ({ ...compare(request, sent), number: index + 1 }))
  const best = compared.reduce((best, other) => (other.similarity > best.similarity ? other : best))
  // On one line, because `ClaudeError` replaces line breaks in messages.
  const listed = best.differences.slice(0, shown).map((difference) => show(difference, hide))
  const rest = best.differences.length > shown ? `; and ${best.differences.length - shown} more` : ""
  return `the closest is exchange ${best.number}; recorded → sent: ${listed.join("; ")}${rest}`
}

/** The number of differences that a message lists. */
const shown = 8
