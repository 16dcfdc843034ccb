/**
 * `POST /v1/messages`: reads a call, refuses or answers it at the pace of the model, and bills it.
 *
 * A non-streaming call is billed when its latency is over. A stream is billed from its first event, for the tokens sent
 * so far. So a client that hangs up while it waits pays nothing, and one that hangs up during a stream pays for the
 * tokens sent. A refused call costs nothing.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Models from "../../../claude/Models.ts"
import * as Answer from "./Answer.ts"
import type { ApiError } from "../wire/ApiError.ts"
import * as Exchange from "../wire/Exchange.ts"
import type { Ledger } from "../billing/Ledger.ts"
import type { Options } from "../Options.ts"
import type * as RateLimits from "../billing/RateLimits.ts"
import type { SpendLimit } from "../billing/SpendLimit.ts"
import type * as Signature from "../request/Signature.ts"
import * as Validation from "../request/Validation.ts"
import * as Wire from "./Message.ts"

/** The parts of an emulator that calls and batches share. */
export interface Shared {
  readonly answerTo: ReturnType<typeof Answer.make>
  readonly messageId: (requestHash: string) => string
  readonly signatures: Signature.Issued
  readonly ledger: Ledger
  readonly rateLimits: RateLimits.RateLimits
  readonly spendLimit: SpendLimit
}

/** Answers calls and writes them into the ledger. */
export const make = (options: Options, { answerTo, ledger, messageId, rateLimits, signatures, spendLimit }: Shared) => {
  const pace = {
    timeToFirstToken: Duration.toMillis(options.timeToFirstToken ?? 0),
    tokensPerSecond: options.tokensPerSecond ?? Infinity
  }

  return Effect.fnUntraced(function* (request: Exchange.Request): Effect.fn.Return<Exchange.Response, ApiError> {
    const call = yield* Validation.call(request, signatures.has)
    const start = yield* Clock.currentTimeMillis
    const group = Models.limitGroup(call.model)
    const answer = yield* answerTo(call, ({ cache_creation_input_tokens, input_tokens }) => {
      const input = input_tokens + cache_creation_input_tokens
      const refusal = spendLimit.check(start) ?? rateLimits.admit(group, input, start)
      return refusal === undefined ? Effect.void : Effect.fail(refusal)
    })
    const { usage } = answer
    const id = messageId(call.requestHash)
    const charge = ledger.open(call.requestHash, call.model)
    let produced = 0
    const bill = (outputTokens: number, now: number) => {
      if (Answer.isBilled(answer)) charge({ ...usage, output_tokens: outputTokens }, now)
      rateLimits.takeOutput(group, outputTokens - produced, now)
      produced = outputTokens
    }
    if (call.stream) {
      const events = Wire.streamed(id, call.model, answer, pace)
      // A fault may break off between two events that are due at the same time.
      const parts = options.faults === undefined ? Wire.merged(events) : events
      const send = ({ at, outputTokens, text }: Wire.Part) =>
        Effect.map(sleepUntil(start + at), (now) => {
          bill(outputTokens, now)
          return text
        })
      return {
        status: 200,
        headers: {
          "content-type": "text/event-stream; charset=utf-8",
          "cache-control": "no-cache",
          ...rateLimits.headers(group, start)
        },
        body: Stream.mapEffect(Stream.fromIterable(parts), send)
      }
    }
    const now = yield* sleepUntil(start + Duration.toMillis(options.latency ?? Wire.duration(answer, pace)))
    bill(usage.output_tokens, now)
    const response = Exchange.json(Wire.whole(id, call.model, answer))
    return { ...response, headers: { ...response.headers, ...rateLimits.headers(group, now) } }
  })
}

/** Sleeps until a time, so that a long stream does not drift. Returns the time at which it wakes up. */
const sleepUntil = Effect.fnUntraced(function* (time: number) {
  const now = yield* Clock.currentTimeMillis
  if (now >= time) return now
  yield* Effect.sleep(time - now)
  return yield* Clock.currentTimeMillis
})
