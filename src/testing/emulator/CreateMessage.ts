/**
 * `POST /v1/messages`, the life of a call: read, refused or not, faulted or not, answered at the model's pace, billed.
 *
 * A call is billed when its answer leaves the model: an answer in one piece when its latency is over, a stream from its
 * first event on, for the tokens it has sent so far. So a client that hangs up while it waits pays nothing, one that
 * hangs up in the middle of a stream pays for what was produced, and a refused or faulted call costs nothing.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Answer from "./Answer.ts"
import type { ApiError } from "./ApiError.ts"
import * as Exchange from "./Exchange.ts"
import * as Faults from "./Faults.ts"
import type { Ledger } from "./Ledger.ts"
import type { Options } from "./Options.ts"
import * as Validation from "./Validation.ts"
import * as Wire from "./Wire.ts"

/** Answers calls and writes them into the ledger. */
export const make = (options: Options, ledger: Ledger) => {
  const pace = {
    timeToFirstToken: Duration.toMillis(options.timeToFirstToken ?? 0),
    tokensPerSecond: options.tokensPerSecond ?? Infinity
  }
  const answerTo = Answer.make(options)
  const occurrences = new Map<string, number>()

  return Effect.fnUntraced(function* (request: Exchange.Request): Effect.fn.Return<Exchange.Response, ApiError> {
    const call = yield* Validation.call(request)
    const occurrence = (occurrences.get(call.requestHash) ?? 0) + 1
    occurrences.set(call.requestHash, occurrence)
    const fault = Faults.draw(options.faults ?? [], options.seed ?? 0, call.requestHash, occurrence)
    if (fault !== undefined) return yield* Effect.fail(fault)

    const answer = yield* answerTo(call)
    const id = `msg_emulated_${call.requestHash.slice(0, 24)}_${occurrence}`
    const start = yield* Clock.currentTimeMillis
    if (call.stream) {
      const bill = ledger.open(call.requestHash, call.model, call.inputTokens)
      const send = ({ at, outputTokens, text }: Wire.Part) =>
        Effect.map(sleepUntil(start + at), () => {
          bill(outputTokens)
          return text
        })
      return {
        status: 200,
        headers: { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" },
        body: Stream.mapEffect(Stream.fromIterable(Wire.streamed(id, call.model, answer, pace)), send)
      }
    }
    yield* sleepUntil(start + Duration.toMillis(options.latency ?? Wire.duration(answer, pace)))
    ledger.open(call.requestHash, call.model, call.inputTokens)(answer.usage.output_tokens)
    return Exchange.json(Wire.whole(id, call.model, answer))
  })
}

/** Sleeping until a time, not for a while, keeps a long stream from drifting. */
const sleepUntil = (time: number) =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => (now < time ? Effect.sleep(time - now) : Effect.void))
