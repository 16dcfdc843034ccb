/**
 * Where a durable program keeps the results of its tools. The run of a job provides one for each row, so that a resumed
 * row reads a result instead of running the handler again. Outside of a job there is none.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"

/** A store of results. It does not fail: a failing store stops the run. */
export interface HandlerStore {
  /**
   * Returns the stored text of this work, or runs it and stores its text before it returns. `id` identifies the work
   * within the row, the same in every run.
   */
  readonly stored: <E, R>(id: string, work: Effect.Effect<string, E, R>) => Effect.Effect<string, E, R>
  /** Runs a handler without storing its result. A run that stops waits for its end. */
  readonly running: <A, E, R>(handler: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Waits for an approval within stored work. A run that stops does not wait for it, and asks again when it resumes. */
  readonly waiting: <A, E, R>(approval: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/** The store of the running fiber. */
export const HandlerStore: Context.Reference<HandlerStore | undefined> = Context.Reference(
  "effect-claude/HandlerStore",
  { defaultValue: (): HandlerStore | undefined => undefined }
)
