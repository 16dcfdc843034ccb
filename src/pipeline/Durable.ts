/**
 * Makes the calls of a row durable: every reply is stored before it is passed on, and the next run of the row replays it
 * instead of paying for it again. The run wraps the Claude of its rows in it. Calls outside of a row pass through.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Admission from "../claude/Admission.ts"
import { CallSite } from "../claude/CallSite.ts"
import type { Claude } from "../claude/Claude.ts"
import type { ClaudeError } from "../claude/ClaudeError.ts"
import * as Event from "../claude/Event.ts"
import * as Replay from "../claude/Replay.ts"
import { discard, type Reply, type ReplyFacts } from "../claude/Reply.ts"
import { type Answer, type CallKey, CurrentCall, ReplyStore, type Timing } from "../claude/ReplyStore.ts"
import { hash, type Request } from "../claude/Request.ts"
import * as StoredReply from "../claude/StoredReply.ts"
import type { StreamEvent } from "../claude/StreamEvent.ts"
import { HandlerStore } from "../claude/HandlerStore.ts"
import * as Count from "./durable/Count.ts"
import * as Handled from "./durable/Handled.ts"
import type * as Slots from "./durable/Slots.ts"
import * as RowTrace from "./RowTrace.ts"

export { none as noHandlers } from "./durable/Handled.ts"
export { make as slots, type Rejected } from "./durable/Slots.ts"

/** What a row provides to its calls. Its store does not fail: a failing store stops the run. */
export interface Row {
  readonly key: string
  readonly slots: Slots.Slots
  /** Begins a call that has no stored reply; `undefined` where it must not be sent. */
  readonly begin: (call: CallKey, request: Request) => Sending | undefined
  /** What a call does that must not be sent: it waits until the row is interrupted. */
  readonly abandoned: Effect.Effect<never>
  /** Returns after the reply is stored. */
  readonly save: (answer: Answer) => Effect.Effect<void>
  /** Marks a stored reply as rejected, and stores its request. */
  readonly reject: (call: CallKey, request: Request) => Effect.Effect<void>
  /** Receives each message that is replayed. */
  readonly replayed: (reply: Reply) => void
  readonly handlers: Handled.Handlers
}

/** A call that may be sent. */
export interface Sending {
  /** Receives the events of the call. */
  readonly listener: Event.Listener
  /** When the reply was asked for. */
  readonly timing: () => Timing | undefined
  /** Runs when the reply is stored, or when there is none. */
  readonly end: () => void
}

/** The row of the running fiber; `undefined` outside of a run. */
export const CurrentRow: Context.Reference<Row | undefined> = Context.Reference("effect-claude/Durable/CurrentRow", {
  defaultValue: (): Row | undefined => undefined
})

/** Runs an effect as the row: its calls are durable, and so are the results of its tools. */
export const inRow =
  (row: Row) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    effect.pipe(Effect.provideService(CurrentRow, row), Effect.provideService(HandlerStore, Handled.store(row)))

/** Whether this library made the reply, to store something else in its form: a count, or the result of a tool. */
export const isInternal = (reply: Pick<Reply, "message">): boolean => Count.isCount(reply) || Handled.isHandled(reply)

/**
 * Wraps Claude. It must be the outermost policy, so that it sees the requests as the program makes them. It may be
 * applied twice, at both ends of a stack: a call that the outer one handles passes through the inner one.
 */
export const wrap = (next: Claude["Service"]): Claude["Service"] => ({
  create: (request) =>
    Effect.withFiber((fiber) => {
      const call = callOf(fiber, request, "")
      return call === undefined ? next.create(request) : answer(call, next.create)
    }),
  stream: (request) =>
    Stream.unwrap(
      Effect.withFiber((fiber) => {
        const call = callOf(fiber, request, "")
        return call === undefined ? Effect.succeed(next.stream(request)) : stream(call, next.stream)
      })
    ),
  countTokens: (request) =>
    Effect.withFiber((fiber) => {
      const call = callOf(fiber, request, Count.prefix)
      if (call === undefined) return next.countTokens(request)
      const counted = (request: Request) => Effect.map(next.countTokens(request), Count.toReply)
      return Effect.map(answer(call, counted), Count.fromReply)
    }),
  capacity: next.capacity
})

/** A call of a row, before it has a number. */
interface Call {
  readonly row: Row
  readonly request: Request
  readonly path: string
  readonly hash: string
  /** Whether it asks for a number of tokens, which has no events. */
  readonly isCount: boolean
}

/** The call of a row; `undefined` outside of a row, and where an outer `wrap` handles the call. */
const callOf = (fiber: Fiber.Fiber<unknown, unknown>, request: Request, prefix: string): Call | undefined => {
  const row = fiber.getRef(CurrentRow)
  if (row === undefined || fiber.getRef(CurrentCall) !== undefined) return undefined
  const hash = Option.getOrUndefined(hashOf(request))
  if (hash === undefined) return undefined
  return {
    row,
    request,
    path: fiber.getRef(CallSite).path.join("/"),
    hash: fiber.getRef(Handled.Scope) + prefix + hash,
    isCount: prefix === Count.prefix
  }
}

/** A request that cannot be written as JSON is passed on, and fails when it is sent. */
const hashOf = Option.liftThrowable(hash)

/** The state of a call that has taken its number. */
type Taken =
  | { readonly _tag: "replayed"; readonly reply: Reply }
  | { readonly _tag: "blocked" }
  | (Open & { readonly _tag: "open" })

/** A call that is sent. */
interface Open extends Sending {
  readonly key: CallKey
  readonly slot: Slots.Slot
  /** The reply that has arrived, before the policies below pass it on. */
  readonly arrived: () => Reply | undefined
}

/** Takes a number. It must run without an interruption up to the end of the call, or the number may be lost. */
const take = (call: Call): Taken => {
  const { hash, path, request, row } = call
  const slot = row.slots.take(path, hash)
  const key = { row: row.key, path, hash, occurrence: slot.occurrence }
  const restored = slot.stored && StoredReply.decode(slot.stored)
  if (restored !== undefined) {
    const facts: ReplyFacts = { requestId: restored.requestId, origin: "journal", rateLimits: undefined }
    const reply = { ...rejectable(facts, call, key), message: restored.message }
    if (!Count.isCount(reply)) row.replayed(reply)
    return { _tag: "replayed", reply }
  }
  const sending = row.begin(key, request)
  if (sending !== undefined) return { _tag: "open", key, slot, ...following(sending) }
  slot.release()
  return { _tag: "blocked" }
}

/** Remembers the reply of the latest attempt: an interruption may come while its listeners run. */
const following = ({ end, listener, timing }: Sending) => {
  let arrived: Reply | undefined
  const follow: Event.Listener = (event) => {
    if (event._tag === "call-sent") arrived = undefined
    if (event._tag === "call-finished") arrived = event.reply
    return listener(event)
  }
  return { end, timing, listener: follow, arrived: () => arrived }
}

/** Marks the reply as rejected in the store too, where a verb discards it. */
const rejectable = <F extends ReplyFacts>(facts: F, { request, row }: Call, key: CallKey): F => ({
  ...facts,
  discard: () => Effect.andThen(discard(facts), row.reject(key, request))
})

const within =
  ({ key, listener }: Open) =>
  (outer: Context.Context<never>): Context.Context<never> =>
    outer.pipe(
      Context.add(CurrentCall, key),
      Context.add(Event.Listener, Event.both(Context.get(outer, Event.Listener), listener))
    )

/** Stores a reply. Where the row has a `ReplyStore`, the policy for batches has stored its own already. */
const save = ({ request, row }: Call, { key, timing }: Open, reply: Reply) =>
  Effect.flatMap(ReplyStore, (store) =>
    reply.origin === "batch" && store !== undefined
      ? Effect.void
      : row.save({ call: key, request, reply, timing: timing() })
  )

const report = (_tag: "call-begun" | "call-ended", { isCount, request: { model } }: Call) =>
  isCount ? Effect.void : Event.emit(() => ({ _tag, model }))

const end = (call: Call, open: Open) =>
  Effect.suspend(() => {
    open.end()
    return report("call-ended", call)
  })

const reportReplay = (reply: Reply) =>
  Count.isCount(reply)
    ? Effect.succeed(reply)
    : RowTrace.replaying(reply.message.model, Effect.as(Event.emitHit(reply), reply))

// A reply that has arrived is paid for, so an interruption does not keep it from being stored.
const answer = (call: Call, ask: (request: Request) => Effect.Effect<Reply, ClaudeError>) =>
  Effect.uninterruptibleMask((restore): Effect.Effect<Reply, ClaudeError> => {
    const taken = take(call)
    if (taken._tag === "replayed") return reportReplay(taken.reply)
    if (taken._tag === "blocked") return restore(call.row.abandoned)
    const { arrived, key, slot } = taken
    const sent = Effect.updateContext(
      Effect.suspend(() => ask(call.request)),
      within(taken)
    )
    const answered = Effect.matchCauseEffect(restore(sent), {
      onFailure: (cause) => {
        const lost = Cause.hasInterruptsOnly(cause) ? arrived() : undefined
        if (lost === undefined) slot.release()
        const stored = lost === undefined ? Effect.void : save(call, taken, lost)
        return Effect.andThen(Effect.andThen(stored, end(call, taken)), Effect.failCause(cause))
      },
      onSuccess: (reply) =>
        Effect.as(Effect.andThen(save(call, taken, reply), end(call, taken)), rejectable(reply, call, key))
    })
    return Effect.andThen(report("call-begun", call), answered)
  })

type Events = Stream.Stream<StreamEvent, ClaudeError>

/** A stream that ends without a reply, or whose reader leaves before its reply, gives its number back. */
const stream = (call: Call, ask: (request: Request) => Events): Effect.Effect<Events, never, Scope.Scope> => {
  let isStored = false
  const keep = (open: Open, reply: Reply) =>
    Effect.suspend(() => {
      isStored = true
      return Effect.andThen(save(call, open, reply), end(call, open))
    })
  const release = (taken: Taken) =>
    Effect.suspend(() => {
      if (taken._tag !== "open" || isStored) return Effect.void
      const lost = taken.arrived()
      if (lost !== undefined) return keep(taken, lost)
      taken.slot.release()
      return end(call, taken)
    })
  return Effect.flatMap(
    Effect.acquireRelease(
      Effect.sync(() => take(call)),
      release
    ),
    (taken): Effect.Effect<Events> => {
      if (taken._tag === "replayed") return Effect.map(reportReplay(taken.reply), Replay.toStream)
      if (taken._tag === "blocked") return call.row.abandoned
      const sent = Admission.streamWithin(
        Stream.suspend(() => ask(call.request)),
        within(taken)
      )
      return Effect.as(
        report("call-begun", call),
        Replay.onReply(
          (facts) => rejectable(facts, call, taken.key),
          (reply) => keep(taken, reply)
        )(sent)
      )
    }
  )
}
