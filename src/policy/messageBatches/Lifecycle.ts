/**
 * The life of a batch: its intent is stored, it is sent, its id is stored, it ends, its results are stored and handed
 * on, and it is forgotten. A process that dies at any step leaves what the next one needs to continue there.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import type { ClaudeError } from "../../claude/ClaudeError.ts"
import * as Event from "../../claude/Event.ts"
import type { Answer, BatchIntent, ReplyStore } from "../../claude/ReplyStore.ts"
import type { ApiBatch } from "./BatchesApi.ts"
import type { Call } from "./Call.ts"
import type { Lane } from "./Lanes.ts"
import * as Orphans from "./Orphans.ts"
import type { Bounds, Repetition } from "./Repeat.ts"
import * as Poll from "./Poll.ts"
import * as Results from "./Results.ts"
import * as Submit from "./Submit.ts"

/** A batch that has not ended. */
export interface Running {
  readonly id: string
  readonly requests: number
  /** When it was sent, in milliseconds since 1970. */
  readonly since: number
  readonly cancel: Effect.Effect<void, ClaudeError>
}

/** What a batch needs from its surroundings. */
export interface Surroundings extends Bounds {
  readonly running: Map<string, Running>
  /** Hands an outcome to a call: to the fibers that wait for it, or back into the queue. */
  readonly settle: (call: Call, outcome: Results.Outcome) => void
  /** Puts a call back into the queue, if a fiber waits for it. */
  readonly resend: (call: Call) => void
  /** Runs while results are handed on. */
  readonly delivering: (effect: Effect.Effect<void>) => Effect.Effect<void>
}

/** The calls of a batch, by their `custom_id`s. */
type Calls = ReadonlyMap<string, Call>

/** Sends calls as one batch, and follows it to its end. */
export const send = Effect.fnUntraced(function* (lane: Lane, queued: ReadonlyArray<Call>, around: Surroundings) {
  const createdAt = yield* Clock.currentTimeMillis
  const id = yield* uniqueId(createdAt)
  const calls: Calls = new Map(queued.map((call, index) => [Orphans.customId(id, index), call]))
  yield* orAbandon(calls, create(lane, { id, createdAt, batchId: undefined, items: itemsOf(calls) }, calls, around))
})

const create = Effect.fnUntraced(function* (lane: Lane, intent: BatchIntent, calls: Calls, around: Surroundings) {
  const { api, store } = lane
  if (store !== undefined) yield* Effect.orDie(store.intend(intent))
  const requests = Array.from(calls).flatMap(([id, { request }]) => (request ? [[id, request] as const] : []))
  const options = repetition(undefined, lane, calls, around)
  const orphan = Orphans.find(api, { ...intent, requests: calls.size }, isKnown(lane, around), options)
  const created = yield* Effect.result(Submit.create(api, requests, orphan, options))
  if (Result.isSuccess(created)) {
    const { batch, how } = created.success
    if (store !== undefined) yield* Effect.orDie(store.sent(intent.id, batch.id))
    return yield* follow(lane, intent, calls, batch, how, around)
  }
  if (store !== undefined) yield* Effect.orDie(store.ended(intent.id))
  for (const call of calls.values()) around.settle(call, Result.fail(created.failure))
})

/** Continues with a batch that an earlier process left. Without an orphan, its calls have to be sent again. */
export const resume = Effect.fnUntraced(function* (
  lane: Lane,
  store: ReplyStore,
  intent: BatchIntent,
  calls: Calls,
  around: Surroundings
) {
  const { batchId: id, createdAt } = intent
  const options = repetition(id, lane, calls, around)
  const continued = Effect.gen(function* () {
    if (id !== undefined) {
      const sent = { id, createdAt, total: calls.size }
      return yield* follow(lane, intent, calls, sent, "resumed", around)
    }
    const lost = { id: intent.id, createdAt, requests: calls.size }
    const found = yield* Orphans.find(lane.api, lost, isKnown(lane, around), options)
    if (found !== undefined) {
      yield* Effect.orDie(store.sent(intent.id, found.id))
      return yield* follow(lane, intent, calls, found, "adopted", around)
    }
    yield* Effect.orDie(store.ended(intent.id))
    for (const call of calls.values()) around.resend(call)
  })
  yield* orAbandon(calls, continued)
})

/** Follows a batch to its end, and hands its results on. */
const follow = Effect.fnUntraced(function* (
  lane: Lane,
  intent: BatchIntent,
  calls: Calls,
  { createdAt: since, id, total: requests }: Pick<ApiBatch, "id" | "createdAt" | "total">,
  how: Event.BatchSent["how"],
  around: Surroundings
) {
  const { api, store } = lane
  const about = { batch: id, requests }
  const options = repetition(id, lane, calls, around)
  yield* Event.emit(() => ({ _tag: "batch-sent", ...about, how, since }))
  const context = yield* Effect.context<never>()
  const canceled = Latch.makeUnsafe(false)
  const cancel = Effect.provideContext(Effect.andThen(api.cancel(id), canceled.open), context)
  around.running.set(id, { id, requests, since, cancel })
  for (const { sent } of calls.values()) Deferred.doneUnsafe(sent, Effect.void)
  const gone = Latch.makeUnsafe(false)
  const onTrouble = (error: ClaudeError) =>
    Effect.flatMap(error.reason._tag === "NotFound" ? Orphans.isAbsent(api, { id, createdAt: since }) : no, (isGone) =>
      isGone ? gone.open : options.onTrouble(error)
    )
  const ended = yield* Effect.raceFirst(
    Poll.untilEnded(api, id, { ...options, onTrouble }, canceled),
    Effect.as(gone.await, undefined)
  )
  around.running.delete(id)
  if (ended === undefined) return yield* lose(lane, intent, calls, about, how, around)
  yield* Event.emit(() => ({ _tag: "batch-ended", ...about, ...ended.counts }))
  const give = (group: ReadonlyArray<readonly [Call, Results.Outcome]>) =>
    Effect.andThen(
      store === undefined ? Effect.void : save(store, group, how !== "sent"),
      Effect.sync(() => {
        for (const [call, outcome] of group) around.settle(call, outcome)
      })
    ).pipe(Effect.uninterruptible)
  // The last answer may end the program, which interrupts this fiber.
  const isSettled = () => [...calls.values()].every(({ state }) => state !== "sent")
  const forget = store === undefined ? Effect.void : Effect.orDie(store.ended(intent.id))
  yield* around
    .delivering(Results.collect(api, ended, calls, give, options))
    .pipe(Effect.onExit((exit) => (Exit.isSuccess(exit) || isSettled() ? forget : Effect.void)))
})

const no = Effect.succeed(false)

/**
 * Sends the calls of a batch again that the API does not know any more. If an earlier process sent it, this one may have
 * the key of another workspace: then its calls fail, and the next process looks for it as for an orphan.
 */
const lose = Effect.fnUntraced(function* (
  { store }: Lane,
  intent: BatchIntent,
  calls: Calls,
  about: Event.OfBatch,
  how: Event.BatchSent["how"],
  around: Surroundings
) {
  if (store !== undefined && how === "resumed") {
    yield* Effect.orDie(store.sent(intent.id))
    const error = Results.lost(about.batch, "unknown")
    for (const call of calls.values()) around.settle(call, Result.fail(error))
    return
  }
  if (store !== undefined) yield* Effect.orDie(store.ended(intent.id))
  yield* Event.emit(() => ({ _tag: "batch-lost", ...about }))
  for (const call of calls.values()) around.resend(call)
})

/** Stores the replies of a group. An earlier process may have stored some of a resumed batch. */
const save = Effect.fnUntraced(function* (
  store: ReplyStore,
  group: ReadonlyArray<readonly [Call, Results.Outcome]>,
  isResumed: boolean
) {
  const answers: Array<Answer> = []
  for (const [{ place, request }, outcome] of group) {
    if (place === undefined || Result.isFailure(outcome)) continue
    if (isResumed && (yield* store.find(place.key)) !== undefined) continue
    answers.push({ call: place.key, request, reply: outcome.success })
  }
  if (answers.length > 0) yield* store.save(answers)
}, Effect.orDie)

const itemsOf = (calls: Calls): BatchIntent["items"] =>
  Array.from(calls).flatMap(([customId, { place }]) =>
    place === undefined ? [] : [{ customId, call: place.key, requestHash: place.requestHash }]
  )

const isKnown =
  ({ store }: Lane, { running }: Surroundings) =>
  (id: string) =>
    running.has(id) || store === undefined ? Effect.succeed(running.has(id)) : Effect.orDie(store.knows(id))

/** Releases the waiting fibers with an error while the batch continues; where a store exists, another call joins it. */
const repetition = (
  batch: string | undefined,
  { store }: Lane,
  calls: Calls,
  { longest, shortest }: Bounds
): Repetition => ({
  batch,
  shortest,
  longest,
  onTrouble: (error) =>
    Effect.sync(() => {
      // Without a store, the next attempt would be another request, and this one may be answered.
      if (store === undefined && error.isRetryable) return
      const reason = error.reason._tag === "NotFound" && batch !== undefined ? Results.lost(batch, "unknown") : error
      for (const call of calls.values()) {
        if (call.state !== "sent") continue
        Deferred.doneUnsafe(call.sent, Effect.void)
        Deferred.doneUnsafe(call.answer, Effect.fail(reason))
        call.answer = Deferred.makeUnsafe()
      }
    })
})

/** If a batch dies of a defect, such as a failing store, its calls die of it. */
const orAbandon = <R>(calls: Calls, effect: Effect.Effect<void, never, R>) =>
  Effect.onError(effect, (cause) =>
    Effect.sync(() => {
      if (Cause.hasInterruptsOnly(cause)) return
      for (const call of calls.values()) {
        Deferred.doneUnsafe(call.sent, Effect.void)
        Deferred.doneUnsafe(call.answer, Effect.failCause(cause))
      }
    })
  )

/** Begins with the time, so that ids stay unique where the numbers repeat. */
const uniqueId = (now: number) =>
  Effect.map(Effect.all([Random.next, Random.next]), (numbers) =>
    [now, ...numbers.map((number) => Math.floor(number * 2 ** 32))].map((number) => number.toString(36)).join("")
  )
