/**
 * Sends the open chunks of a job to its queue: the ones that it was never sent, and all of them if it may have lost some.
 * The process that watches a job and its idle workers do so.
 */
import * as Effect from "effect/Effect"
import { Dispatcher } from "./Dispatcher.ts"
import type { Shared } from "./Journal.ts"

type Sending = Shared["sending"]

/** Sends some chunks that the queue may not have; false if it has all. */
export const sendSome = ({ submit }: Dispatcher["Service"], { markSent, unsent }: Sending) =>
  Effect.flatMap(unsent, (chunks) =>
    chunks.length === 0 ? Effect.succeed(false) : Effect.as(Effect.andThen(submit(chunks), markSent(chunks)), true)
  )

/** Sends all chunks that the queue may not have. */
export const send = (sending: Sending) =>
  Effect.flatMap(Dispatcher, (dispatcher) =>
    Effect.repeat(sendSome(dispatcher, sending), { while: (hasSent) => hasSent })
  )

/** Sends all open chunks if the queue may have lost some. Another process may still work on them, so it waits before. */
export const repair = (sending: Sending) =>
  Effect.flatMap(Dispatcher, ({ lease, repair }) =>
    repair(
      Effect.gen(function* () {
        if (yield* sending.hasSent) {
          yield* Effect.sleep(lease)
          yield* sending.forgetSent
        }
        yield* send(sending)
      })
    )
  )
