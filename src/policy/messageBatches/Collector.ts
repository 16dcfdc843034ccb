/**
 * Answers calls by batches: puts each into the queue, or lets it join the call that is in a batch already, and waits.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Result from "effect/Result"
import type { Client } from "../../claude/AnthropicClient.ts"
import { CallSite } from "../../claude/CallSite.ts"
import type { ClaudeError } from "../../claude/ClaudeError.ts"
import * as Demand from "../../claude/Demand.ts"
import { Hold } from "../../claude/Hold.ts"
import * as Observe from "../../claude/Observe.ts"
import type { Reply } from "../../claude/Reply.ts"
import { type CallKey, CurrentCall, type ReplyStore, ReplyStore as Replies } from "../../claude/ReplyStore.ts"
import * as Request from "../../claude/Request.ts"
import * as Call from "./Call.ts"
import * as Elsewhere from "./Elsewhere.ts"
import * as Lanes from "./Lanes.ts"
import * as Lifecycle from "./Lifecycle.ts"
import type { Bounds } from "./Repeat.ts"
import * as Queue from "./Queue.ts"
import * as Quiet from "./Quiet.ts"
import * as Refusal from "./Refusal.ts"
import type { Outcome } from "./Results.ts"
import * as Unfinished from "./Unfinished.ts"
import * as WarmUp from "./WarmUp.ts"

/** A call goes into at most this many batches. After that it fails, and `Retry` decides. */
const maxSubmissions = 3

/** Returns the function that answers a request. Batches are followed until the scope closes. */
export const make = Effect.fnUntraced(function* (
  client: Client,
  running: Map<string, Lifecycle.Running>,
  limits: Queue.Limits & Bounds
) {
  const fibers = yield* FiberSet.make<void>()
  const laneOf = Lanes.make(client)

  /** Runs in the context of a call of the lane, for its clock, transport and listener. */
  const fork = ({ context }: Lanes.Lane, effect: Effect.Effect<void>) => {
    const { job } = Context.get(context, CallSite)
    const site: CallSite = { job, row: undefined, path: [], labels: {} }
    FiberSet.addUnsafe(fibers, Effect.runForkWith(Context.add(context, CallSite, site))(effect))
  }
  const batch = (lane: Lanes.Lane, calls: ReadonlyArray<Call.Call>) => {
    for (const call of calls) {
      call.state = "sent"
      call.submissions += 1
      for (const hold of call.holds) hold.isHeld = false
      call.holds.clear()
    }
    return Lifecycle.send(lane, calls, around)
  }
  const sendAgain = (calls: Iterable<Call.Call>) => {
    const lanes = new Set<Lanes.Lane>()
    for (const call of calls) {
      if (call.request === undefined) continue
      queue.add(call, Queue.bytesOf(call.request))
      lanes.add(call.lane)
    }
    for (const lane of lanes) queue.sendLane(lane)
  }
  const warmUp = WarmUp.make(batch, sendAgain, fork)
  const queue = Queue.make(limits, warmUp.send, fork)
  let latest: Lanes.Lane | undefined
  const quiet = Quiet.make(queue.sendAll, (effect) => latest && fork(latest, effect))

  const enqueue = (call: Call.Call, bytes: number) => {
    call.state = "queued"
    queue.add(call, bytes)
  }
  const remove = (call: Call.Call) => void call.place?.ledger.open.delete(call.place.id)
  /** A fiber that has found the call, and has not joined it yet, puts it into the queue again. */
  const giveUp = (call: Call.Call) => {
    remove(call)
    call.state = "new"
  }

  const settle = (call: Call.Call, outcome: Outcome) => {
    const { place, request, waiters } = call
    const isRepeatable = Result.isFailure(outcome) && outcome.failure.isRetryable && call.submissions < maxSubmissions
    if (isRepeatable && waiters > 0 && request !== undefined) return enqueue(call, Queue.bytesOf(request))
    call.state = Result.isSuccess(outcome) ? "answered" : "failed"
    remove(call)
    if (call.state === "answered" && waiters === 0) place?.ledger.early.add(place.id)
    Deferred.doneUnsafe(call.sent, Effect.void)
    Deferred.doneUnsafe(call.answer, Effect.fromResult(outcome))
  }
  const resend = (call: Call.Call) => {
    if (call.waiters > 0 && call.request !== undefined) enqueue(call, Queue.bytesOf(call.request))
    else giveUp(call)
  }
  const around: Lifecycle.Surroundings = { ...limits, running, settle, resend, delivering: quiet.during }
  const ledgerOf = Unfinished.make(
    (lane, store, intent, calls) => fork(lane, Lifecycle.resume(lane, store, intent, calls, around)),
    fork
  )

  /** Counts the fiber among those that wait. Without any, a call that is not sent yet is given up. */
  const waiting = <A>(call: Call.Call, bytes: number, answer: Effect.Effect<A, ClaudeError>) => {
    let hasJoined = false
    const joined = Effect.withFiber((fiber) => {
      hasJoined = true
      call.waiters += 1
      if (call.state === "new") {
        call.place?.ledger.open.set(call.place.id, call)
        enqueue(call, bytes)
      }
      const hold = fiber.getRef(Hold)
      if (hold !== undefined && call.state === "queued") {
        hold.isHeld = true
        call.holds.add(hold)
      }
      return answer
    })
    const leave = (isAnswered: boolean) => {
      call.waiters -= 1
      if (isAnswered || call.waiters > 0) return
      if (call.state === "queued") {
        queue.remove(call)
        warmUp.remove(call)
        giveUp(call)
      } else if (call.state === "answered") call.place?.ledger.early.add(call.place.id)
    }
    return Effect.onExitPrimitive(joined, (exit) => {
      if (hasJoined) leave(exit._tag === "Success")
      return undefined
    }).pipe(Demand.blocked(quiet.onQuiet))
  }

  const answerTo = (call: Call.Call) => Effect.suspend(() => Deferred.await(call.answer))

  /** The attempt begins when the batch is sent. */
  const inMemory = (lane: Lanes.Lane, request: Request.Request, bytes: number) =>
    Effect.suspend(() => {
      const call = Call.make({ lane, request, place: undefined, state: "new" })
      const attempt = Observe.create(request, answerTo(call))
      return waiting(call, bytes, Effect.andThen(Deferred.await(call.sent), attempt))
    })

  const stored = Effect.fnUntraced(function* (
    lane: Lanes.Lane,
    store: ReplyStore,
    key: CallKey,
    request: Request.Request,
    bytes: number
  ) {
    const since = yield* Clock.monotonicTimeNanos
    const ledger = yield* ledgerOf(lane, store)
    const place = Call.placeOf(ledger, key, Request.hash(request))
    const open = ledger.open.get(place.id)
    if (open === undefined && ledger.early.delete(place.id)) {
      const early = yield* Effect.orDie(store.find(key))
      const reply: Reply | undefined = early && { ...early, origin: "batch", rateLimits: undefined }
      if (reply !== undefined) return yield* Observe.create(request, Effect.succeed(reply))
    }
    const call = open ?? Call.make({ lane, request, place, state: "new" })
    call.request = request
    if (call.state === "sent") call.lane = lane
    return yield* Call.reported(request, yield* Effect.result(waiting(call, bytes, answerTo(call))), since)
  })

  return (request: Request.Request): Effect.Effect<Reply, ClaudeError> =>
    Effect.withFiber((fiber) => {
      const bytes = Queue.bytesOf(request)
      const refusal = Refusal.find(request, bytes, limits.bytes)
      if (refusal !== undefined) return Effect.fail(refusal)
      const key = fiber.getRef(CurrentCall)
      const store = key && fiber.getRef(Replies)
      if (key !== undefined && store?.wanted !== undefined) return Elsewhere.ask(store.wanted, key, request)
      const lane = laneOf(fiber.context, request, store)
      if (lane === undefined) return Effect.fail(Refusal.noBatches())
      latest = lane
      return key === undefined || store === undefined
        ? inMemory(lane, request, bytes)
        : stored(lane, store, key, request, bytes)
    })
})
