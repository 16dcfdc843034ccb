/**
 * Durable calls outside of a job, under keys that the application chooses: a request of a user, a message of a queue, an
 * execution of a workflow. What runs again under its key replays the replies that were paid for. `removeOlderThan` keeps
 * the tables small.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type { SqlClient } from "effect/sql/SqlClient"
import { Claude, wrap } from "../claude/Claude.ts"
import type * as Event from "../claude/Event.ts"
import { ReplyStore } from "../claude/ReplyStore.ts"
import * as CallTimes from "./CallTimes.ts"
import * as Durable from "./Durable.ts"
import { type JournalFailed, type JournalTooNew, type KeyedReplies, keyedReplies } from "./Journal.ts"

/** How the replies of a key are used. */
export interface Options {
  /**
   * What happens to replies that a verb could not use, such as an answer that does not fit its schema. `skip`, the
   * default, asks Claude again, so that a program that failed on one may succeed. `replay` repeats what happened.
   */
  readonly rejected?: Durable.Rejected
}

/** Durable calls of one application. */
export class DurableCalls extends Context.Service<
  DurableCalls,
  {
    /**
     * Makes the calls of an effect durable: each reply is stored under `key` before the effect gets it. The effect waits
     * while the database cannot be read. A reply that cannot be stored within a minute is passed on with a warning. Run
     * one effect at a time under a key; two at once may both pay for a call.
     */
    readonly keyed: (
      key: string,
      options?: Options
    ) => <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
    /** Removes the keys that stored no reply for this time, and returns their number. */
    readonly removeOlderThan: (age: Duration.Input) => Effect.Effect<number, JournalFailed>
  }
>()("effect-claude/DurableCalls") {}

/**
 * Keeps replies in the database of an application, in tables whose names begin with `effect_claude_`; creates these if
 * they are missing. Any number of processes may use one `name`. Jobs may be in the same database.
 */
export const layer = (options: {
  /** The application, apart from others in the same database. */
  readonly name: string
}): Layer.Layer<DurableCalls, JournalFailed | JournalTooNew, SqlClient> =>
  Layer.effect(
    DurableCalls,
    Effect.withTracerEnabled(
      Effect.map(keyedReplies(options.name), (replies) => DurableCalls.of(make(replies))),
      false
    )
  )

const make = (replies: KeyedReplies): DurableCalls["Service"] => ({
  keyed: (key, { rejected = "skip" } = {}) => {
    // The schedule has no end, so no error is left.
    const stored = Effect.orDie(Effect.retry(logged(replies.of(key)), untilItWorks))
    return (effect) =>
      Effect.flatMap(Effect.all([stored, Clock.Clock]), ([stored, clock]) =>
        Effect.updateContext(
          Durable.inRow(rowOf(replies, key, Durable.slots(stored, rejected), clock))(effect),
          durable
        )
      )
  },
  removeOlderThan: (age) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) =>
      replies.removeBefore(now - Duration.toMillis(Duration.fromInputUnsafe(age)))
    )
})

/**
 * Calls to the Claude of the caller are durable by themselves. A service that keeps the Claude it was built with, such as
 * `LanguageModel.layer()`, needs this policy below it: `Claude.layerConfig().pipe(Claude.stack(), DurableCalls.policy())`.
 */
export const policy = () => wrap((next) => Effect.succeed(Durable.wrap(next)))

/** Batches belong to no job, so they end with the process. */
const durable = <R>(context: Context.Context<R>): Context.Context<R> =>
  Option.match(Context.getOption(context, Claude), {
    onNone: () => context,
    onSome: (claude) => Context.add(context, Claude, Durable.wrap(claude))
  }).pipe(Context.add(ReplyStore, undefined))

const rowOf = (replies: KeyedReplies, key: string, slots: Durable.Row["slots"], clock: Clock.Clock): Durable.Row => ({
  key,
  slots,
  begin: ({ path }) => {
    const times = CallTimes.make(clock, path)
    return { listener: (event) => Effect.sync(() => follow(times, event)), timing: times.timing, end: () => {} }
  },
  abandoned: Effect.never,
  save: (answer) =>
    Effect.suspend(() => replies.save({ ...answer, storedAt: clock.currentTimeMillisUnsafe() })).pipe(
      logged,
      Effect.retry(forAMinute),
      Effect.ignore
    ),
  reject: (call, request) => Effect.ignore(logged(replies.reject(call, request))),
  replayed: () => {},
  handlers: { mayRun: () => true, mayRunAgain: () => true, runs: () => () => {}, waits: () => () => {} }
})

const follow = (times: CallTimes.CallTimes, event: Event.Event) => {
  if (event._tag === "call-sent") times.sent(event)
  else if (event._tag === "call-first-token") times.firstToken(event)
  else if (event._tag === "call-finished") times.finished(event)
  else if (event._tag === "call-failed" || event._tag === "call-interrupted") times.lost(event)
}

/** The database may be restarting: a defect here would end a workflow for good, so the caller waits. */
const untilItWorks = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("10 seconds")])

/** A reply is in memory meanwhile, and a shutdown waits for it. */
const forAMinute = Schedule.while(untilItWorks, ({ elapsed }) => elapsed < 60_000)

const logged = <A>(effect: Effect.Effect<A, JournalFailed>): Effect.Effect<A, JournalFailed> =>
  Effect.tapError(effect, (error) =>
    Effect.logWarning(
      `the replies of a key cannot be read or stored, so the same call may be paid again: ${error.detail}`
    )
  )
