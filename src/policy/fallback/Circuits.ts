/**
 * A circuit for each model of each client: after 5 consecutive failures, calls fail with `CircuitOpen` at once, for 15
 * seconds, then 30, up to 4 minutes, or for `retry-after`. Then one call tries the model again, and its success closes
 * the circuit.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as CircuitBreaker from "effect/persistence/CircuitBreaker"
import { CircuitOpen, ClaudeError } from "../../claude/ClaudeError.ts"

/** The failure of one model: an error, or a refusal, which is an answer too. */
export class Failed<A> {
  readonly _tag = "Failed"
  readonly error: ClaudeError
  readonly answer: A | undefined
  constructor(error: ClaudeError, answer?: A) {
    this.error = error
    this.answer = answer
  }
}

/** The model of a client. `client` tells the clients apart. */
export interface Circuit {
  readonly client: number
  readonly model: string
}

/** Runs a call through the circuit of its model. */
export type Guard = <A, R>(circuit: Circuit, call: Effect.Effect<A, Failed<A>, R>) => Effect.Effect<A, Failed<A>, R>

/** Closed circuits. `counts` says which errors count as failures of the model. */
export const make = (counts: (error: ClaudeError) => boolean): Effect.Effect<Guard, never, Scope.Scope> =>
  Effect.gen(function* () {
    const breaker = yield* CircuitBreaker.make({
      tripPolicy: CircuitBreaker.consecutive(5),
      openDuration: Schedule.min([Schedule.exponential("15 seconds"), Schedule.spaced("4 minutes")])
    })
    const classify = <A>(exit: Exit.Exit<A, Failed<A>>): CircuitBreaker.Outcome => {
      if (Exit.isSuccess(exit)) return CircuitBreaker.success
      const failed = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
      if (failed === undefined) return CircuitBreaker.ignored
      if (failed.answer !== undefined) return CircuitBreaker.success
      const { reason } = failed.error
      return counts(failed.error) && !ofTheRequest.has(reason._tag)
        ? CircuitBreaker.failure({ retryAfter: reason.retryAfter })
        : CircuitBreaker.ignored
    }
    const rejected = (model: string, { reason }: CircuitBreaker.CircuitBreakerError) => {
      const detail = `the last calls to ${model} failed, so it is not asked`
      const wait = reason._tag === "CircuitOpen" && { retryAfter: reason.retryAfter }
      return new Failed<never>(new ClaudeError({ reason: new CircuitOpen({ detail, ...wait }) }))
    }
    return <A, R>({ client, model }: Circuit, call: Effect.Effect<A, Failed<A>, R>) =>
      Effect.mapError(
        breaker.execute(call, { key: JSON.stringify([client, model]), classify: classify<A> }),
        (error): Failed<A> => (error._tag === "Failed" ? error : rejected(model, error))
      )
  }).pipe(Effect.provide(CircuitBreaker.layerStoreMemory()))

/** Failures that another request may not have. */
const ofTheRequest: ReadonlySet<string> = new Set([
  "ContextWindowExceeded",
  "InvalidRequest",
  "RequestTooLarge",
  "Unsupported"
])
