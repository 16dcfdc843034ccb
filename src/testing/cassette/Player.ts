/**
 * Answers requests from recorded exchanges: the n-th time a request is asked, with its n-th recording. What was not
 * recorded is answered with an error that no client asks again about, and that becomes a `CassetteMiss`.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Redact } from "../../claude/Redact.ts"
import * as Exchange from "../emulator/wire/Exchange.ts"
import { compare, keyOf, show } from "./Matching.ts"
import * as Recording from "./Recording.ts"

/** What to play, and how. `hide` takes secrets out of what a miss shows. */
export interface Options {
  readonly exchanges: ReadonlyArray<Recording.Exchange>
  readonly path: string
  readonly pace: "at-once" | "recorded"
  readonly hide: Redact
}

/** A server of recordings. Exchanges that were played are played no second time. */
export const make = ({ exchanges, hide, pace, path }: Options): Exchange.Handler => {
  const recorded = Map.groupBy(exchanges, ({ request }) => keyOf(request))
  const played = new Map<string, number>()

  const miss = (asked: Recording.Request, times: number) => {
    const what = hide(`${asked.method} ${asked.path}`)
    if (exchanges.length === 0) return refusal(`${path} has no exchanges, so it cannot answer ${what}`)
    if (times > 0) return refusal(`${path} has this ${what} ${count(times)}, but it was asked ${count(times + 1)}`)
    return refusal(`${path} has no such ${what}; ${nearest(exchanges, asked, hide)}`)
  }

  return Effect.fnUntraced(function* (sent) {
    const began = yield* Clock.currentTimeMillis
    const until = (at: number) =>
      pace === "at-once"
        ? Effect.void
        : Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.sleep(Math.max(0, began + at - now)))

    const asked = Recording.request(sent)
    const key = keyOf(asked)
    const times = played.get(key) ?? 0
    const exchange = recorded.get(key)?.[times]
    if (exchange === undefined) return miss(asked, times)
    played.set(key, times + 1)

    const { at, body, headers, status } = exchange.response
    yield* until(at)
    if ("json" in body) return { status, headers, body: JSON.stringify(body.json) }
    const arrive = (chunk: Recording.Chunk) => Effect.as(until(chunk.at), Recording.bytes(chunk))
    return { status, headers, body: Stream.mapEffect(Stream.fromIterable(body.chunks), arrive) }
  })
}

const count = (times: number) => (times === 1 ? "once" : `${times} times`)

/** A response with a status that the API never sends. A dropped connection would be retried. */
const refusal = (message: string): Exchange.Response => ({
  ...Exchange.json({ type: "error", error: { type: "cassette_miss", message } }),
  status: 421,
  headers: { "content-type": "application/json", "x-should-retry": "false" }
})

const nearest = (exchanges: ReadonlyArray<Recording.Exchange>, asked: Recording.Request, hide: Redact): string => {
  const compared = exchanges.map(({ request }, index) => ({ ...compare(request, asked), number: index + 1 }))
  const best = compared.reduce((best, other) => (other.likeness > best.likeness ? other : best))
  // Messages of errors are one line: `ClaudeError` folds white space.
  const listed = best.differences.slice(0, shown).map((difference) => show(difference, hide))
  const rest = best.differences.length > shown ? `; and ${best.differences.length - shown} more` : ""
  return `the nearest is exchange ${best.number}; recorded → asked: ${listed.join("; ")}${rest}`
}

/** How many differences are listed. */
const shown = 8
