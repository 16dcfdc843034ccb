/**
 * Results of tools, stored like the replies of a row: a resumed row reads a result instead of running its handler again.
 * A handler that a crash interrupts, or whose failure is raised, has no result and runs again.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { CallSite } from "../../claude/CallSite.ts"
import { emptyMessage } from "../../claude/EmptyMessage.ts"
import type { HandlerStore } from "../../claude/HandlerStore.ts"
import { type Message, type Reply, text as textOf } from "../../claude/Reply.ts"
import type { CallKey } from "../../claude/ReplyStore.ts"
import * as Sha256 from "../../claude/Sha256.ts"
import * as StoredReply from "../../claude/StoredReply.ts"
import type { Row } from "../Durable.ts"

/** The handlers of a row, for the rules of its run. */
export interface Handlers {
  /** Whether a handler without a stored result may run. */
  readonly mayRun: () => boolean
  /** Whether a handler whose result is never stored may run. */
  readonly mayRunAgain: () => boolean
  /** Counts a handler that runs, until the result is called. */
  readonly runs: () => () => void
  /** Counts a handler that waits for approval instead, until the result is called. */
  readonly waits: () => () => void
}

/** The handlers of a row that must not run. `refused` is called for each. */
export const none = (refused: () => void): Handlers => {
  const mayRun = () => {
    refused()
    return false
  }
  return { mayRun, mayRunAgain: mayRun, runs: () => () => {}, waits: () => () => {} }
}

/**
 * The prefix of the hash of each call that the running handler makes; empty outside of a handler. The prefix numbers these
 * calls apart: a stored handler does not run again, and the later calls of the program must still find their replies.
 */
export const Scope: Context.Reference<string> = Context.Reference("effect-claude/Durable/HandlerScope", {
  defaultValue: () => ""
})

/** The store of a row. */
export const store = (row: Row): HandlerStore => ({
  stored: <E, R>(id: string, work: Effect.Effect<string, E, R>) =>
    Effect.uninterruptibleMask((restore): Effect.Effect<string, E, R> =>
      Effect.withFiber((fiber) => {
        const path = fiber.getRef(CallSite).path.join("/")
        const hash = fiber.getRef(Scope) + prefix + id
        const slot = row.slots.take(path, hash)
        const known = slot.stored && StoredReply.decode(slot.stored)
        if (known !== undefined) return Effect.succeed(textOf(known.message))
        if (!row.handlers.mayRun()) {
          slot.release()
          return restore(row.abandoned)
        }
        const call: CallKey = { row: row.key, path, hash, occurrence: slot.occurrence }
        const end = row.handlers.runs()
        const scope = `in ${Sha256.hex(`${hash} ${slot.occurrence}`)} `
        return restore(Effect.provideService(work, Scope, scope)).pipe(
          Effect.tap((text) => row.save({ call, request: undefined, reply: toReply(text) })),
          Effect.onExit((exit) =>
            Effect.sync(() => {
              if (exit._tag === "Failure") slot.release()
              end()
            })
          )
        )
      })
    ),
  running: (handler) =>
    Effect.suspend(() => (row.handlers.mayRunAgain() ? counted(row.handlers.runs, handler) : row.abandoned)),
  // The run may have stopped meanwhile.
  waiting: (approval) =>
    counted(
      row.handlers.waits,
      Effect.tap(approval, () => Effect.suspend(() => (row.handlers.mayRun() ? Effect.void : row.abandoned)))
    )
})

const counted = <A, E, R>(begin: () => () => void, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.acquireUseRelease(
    Effect.sync(begin),
    () => effect,
    (end) => Effect.sync(end)
  )

/** The prefix of the hash of a result. */
const prefix = "tool "

/** A result in the form of a reply. Its origin keeps stores from adding a cost. */
const toReply = (text: string): Reply => ({
  message: { ...empty, content: [{ type: "text", text, citations: null }] },
  requestId: undefined,
  origin: "journal",
  rateLimits: undefined
})

/** Whether a reply holds the result of a tool. */
export const isHandled = ({ message }: Pick<Reply, "message">): boolean => message.id === empty.id

const empty: Message = { ...emptyMessage, id: "tool", model: "tool" }
