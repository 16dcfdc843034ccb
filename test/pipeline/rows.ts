/**
 * Rows with durable calls, without a run: a store in memory that outlives them, and the context of a row.
 */
import * as Effect from "effect/Effect"
import { Claude } from "../../src/claude/Claude.ts"
import type { Answer, CallKey } from "../../src/claude/ReplyStore.ts"
import * as StoredReply from "../../src/claude/StoredReply.ts"
import * as Durable from "../../src/pipeline/Durable.ts"
import * as Slots from "../../src/pipeline/durable/Slots.ts"

const idOf = ({ hash, occurrence, path, row }: CallKey) => JSON.stringify([row, path, hash, occurrence])

/** Replies in memory. Writing takes a few turns of the scheduler. */
export const makeStore = () => {
  const replies = new Map<string, Answer & { readonly isRejected: boolean }>()
  const slowly = Effect.andThen(Effect.yieldNow, Effect.yieldNow)
  return {
    replies,
    save: (answer: Answer) =>
      Effect.andThen(
        slowly,
        Effect.suspend(() => {
          if (replies.has(idOf(answer.call))) return Effect.die("a reply was stored twice")
          replies.set(idOf(answer.call), { ...answer, isRejected: false })
          return Effect.void
        })
      ),
    reject: (call: CallKey) =>
      Effect.sync(() => {
        const found = replies.get(idOf(call))
        if (found !== undefined) replies.set(idOf(call), { ...found, isRejected: true })
      }),
    repliesOf: (row: string): ReadonlyArray<Slots.Stored> =>
      Array.from(replies.values())
        .filter(({ call }) => call.row === row)
        .map(({ call, isRejected, reply }) => ({ ...call, isRejected, reply: StoredReply.encode(reply) }))
  }
}

export type Store = ReturnType<typeof makeStore>

/** Runs an effect as the work on a row, with a durable Claude. */
export const asRow =
  (store: Store, { hasFailed = false, isStopped = false, key = "row" } = {}) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | Claude> =>
    Claude.use((claude) => {
      const row: Durable.Row = {
        key,
        slots: Slots.make(store.repliesOf(key), hasFailed ? "skip" : "replay"),
        begin: () =>
          isStopped ? undefined : { listener: () => Effect.void, timing: () => undefined, end: () => undefined },
        abandoned: Effect.never,
        save: store.save,
        reject: store.reject,
        replayed: () => undefined,
        handlers: { mayRun: () => !isStopped, mayRunAgain: () => true, runs: () => () => {}, waits: () => () => {} }
      }
      return effect.pipe(Effect.provideService(Claude, Durable.wrap(claude)), Durable.inRow(row))
    })
