/**
 * The replies that a process has received and its database could not store. They stay in memory, and the next session of the
 * process stores them before it takes rows. So a database that is away for a while costs no call twice, unless the process
 * ends meanwhile, or another process has the rows by then.
 */
import * as Effect from "effect/Effect"
import type { Answer, ReplyStore, ReplyStoreFailed } from "../claude/ReplyStore.ts"

/** The replies of all sessions of a process on one job. */
export interface Unstored {
  readonly size: () => number
  /** A store that remembers the replies that it cannot store. */
  readonly keep: (replies: ReplyStore) => ReplyStore
  /** Stores the remembered replies, and fails with those that remain. */
  readonly store: (replies: ReplyStore) => Effect.Effect<void, ReplyStoreFailed>
}

/** Remembers no reply at first. */
export const make = (): Unstored => {
  const waiting = new Set<Answer>()
  const storeOne = Effect.fnUntraced(function* ({ find, save }: ReplyStore, answer: Answer) {
    // The commit may have been made although it seemed to fail.
    const found = yield* find(answer.call)
    if (found?.requestId === undefined || found.requestId !== answer.reply.requestId) yield* save([answer])
    waiting.delete(answer)
  })
  return {
    size: () => waiting.size,
    keep: (replies) => ({
      ...replies,
      save: (answers) =>
        replies.save(answers).pipe(
          Effect.tapError(() => Effect.sync(() => answers.forEach((answer) => waiting.add(answer)))),
          Effect.uninterruptible
        )
    }),
    store: (replies) =>
      Effect.forEach(
        waiting,
        (answer) =>
          // A database that has lost rows, such as in a failover, has no place for their replies.
          Effect.catchDefect(storeOne(replies, answer), () => Effect.sync(() => void waiting.delete(answer))),
        { discard: true }
      )
  }
}
