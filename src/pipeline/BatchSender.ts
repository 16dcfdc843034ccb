/**
 * Sends the Message Batches of a submitted job for all workers. Each worker tries to become the sender, and only one is at
 * a time. It runs the calls that workers wait for as a run of one process runs its rows. So it continues the batches of the
 * sender before it, and only the sender spends the budget of the job.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as CallSite from "../claude/CallSite.ts"
import { Claude } from "../claude/Claude.ts"
import * as Demand from "../claude/Demand.ts"
import * as Event from "../claude/Event.ts"
import { CurrentCall, ReplyStore } from "../claude/ReplyStore.ts"
import { SpendStore } from "../claude/SpendStore.ts"
import * as Timer from "../claude/Timer.ts"
import { type Fetch, Transport } from "../claude/Transport.ts"
import type { Chunks, Sender, Settings, WantedCall } from "./Journal.ts"
import { orBroken } from "./Run.ts"
import * as Spending from "./Spending.ts"

/** How often a worker tries to become the sender. */
const retry = "1 second"

/** How often the sender looks for calls. Each look shows that it still holds the lock. */
const interval = "500 millis"

/**
 * How long the sender believes that it holds the lock after a look began, in milliseconds. A new sender waits for this time
 * if the one before it has not ended in order.
 */
const lease = 5000

/** Calls of one look. */
const pageSize = 1000

/** The most calls that the sender has in memory. */
const maxOpen = 100_000

/** Sends batches whenever this process is the sender, until it is interrupted. `claude` makes the Claude of each term. */
export const run = Effect.fnUntraced(function* <E, R>(
  job: string,
  { elect, limits, settings }: Pick<Chunks["Service"], "elect" | "limits" | "settings">,
  claude: (submitted: Settings) => Layer.Layer<Claude, E, R>
) {
  const term = Effect.gen(function* () {
    const sender = yield* elect
    if (sender === undefined) return
    if (sender.hasDied) yield* Effect.sleep(lease)
    const { budget } = yield* limits
    const hasChanged = Effect.map(limits, (now) => now.budget !== budget)
    const work = send(job, sender, hasChanged).pipe(
      Effect.provide(Layer.fresh(claude({ ...settings, ...(budget !== undefined && { budget }) })))
    )
    yield* Effect.onExit(work, (exit) =>
      Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)
        ? Effect.ignore(sender.journal.end({ outcome: "signal", detail: undefined, invalid: 0 }))
        : Effect.void
    )
  })
  return yield* Effect.scoped(term).pipe(
    orBroken,
    Effect.catch(({ message }) => Effect.logWarning(`this worker has stopped sending the batches: ${message}`)),
    Effect.andThen(Effect.sleep(retry)),
    Effect.forever
  )
})

/**
 * Sends the calls of workers until the budget has changed: the next term continues with its batches. Fails with the journal,
 * as it does once the lock is lost.
 */
const send = Effect.fnUntraced(function* <E>(
  job: string,
  { isQuiet, journal, settle, take }: Sender,
  hasChanged: Effect.Effect<boolean, E>
) {
  const claude = yield* Claude
  const clock = yield* Clock.Clock
  const transport = yield* Transport
  const listener = yield* Event.Listener
  const broken = Deferred.makeUnsafe<never, unknown>()
  const orStop = <A, E>(effect: Effect.Effect<A, E>) =>
    Effect.tapCause(effect, (cause) => Deferred.failCause(broken, cause))
  const spending = Spending.make(yield* journal.spending, orStop)
  let open = 0
  let heldUntil = Timer.now(clock) + lease

  /** A process that was frozen sends nothing before it has looked whether it is still the sender. */
  const fenced: Fetch = (input, init) =>
    Timer.now(clock) < heldUntil ? transport(input, init) : Promise.reject(new Error("this process is no sender now"))

  const answer = Effect.fnUntraced(function* (wanted: WantedCall) {
    const { call, request } = wanted
    const reply = claude.create(request).pipe(Effect.provideService(CurrentCall, call), CallSite.row(job, call.row))
    const result = yield* Effect.result(reply)
    yield* settle(
      wanted,
      Result.map(result, () => undefined)
    )
  })
  /** The calls of workers, and the looks of the sender, are the items of one run. */
  const work = Effect.gen(function* () {
    const context = yield* Effect.context<never>()
    const begin = (wanted: WantedCall) => {
      open += 1
      return Demand.running(orStop(answer(wanted))).pipe(
        Effect.ensuring(Effect.sync(() => void (open -= 1))),
        Effect.provideContext(context),
        Effect.forkScoped
      )
    }
    const look = Effect.gen(function* () {
      const since = Timer.now(clock)
      const calls = yield* take(Math.min(pageSize, maxOpen - open))
      heldUntil = since + lease
      yield* Effect.forEach(calls, begin, { discard: true })
      if (calls.length === pageSize) return
      // While it waits here, the sender adds no calls either.
      const wait = Effect.sleep(interval)
      yield* (yield* isQuiet) ? Demand.blocked(() => {})(wait) : wait
    })
    const looks = Effect.repeat(look, { until: () => hasChanged })
    yield* Effect.raceFirst(Deferred.await(broken), Demand.running(looks))
  })
  return yield* Demand.provide(Effect.ensuring(work, spending.end)).pipe(
    Effect.provideService(ReplyStore, journal.replies),
    Effect.provideService(SpendStore, spending.store),
    Effect.provideService(Transport, fenced),
    // The worker that made a call reports it.
    Effect.provideService(Event.Listener, listener && onlyBatches(listener))
  )
}, Effect.scoped)

const onlyBatches =
  (listener: Event.Listener): Event.Listener =>
  (event) =>
    event._tag.startsWith("batch-") ? listener(event) : Effect.void
