/**
 * The recommended pile of policies, in the order in which they belong. Provide it once, at the edge of the program:
 * two provides of a stack that was built twice are two semaphores.
 */
import type * as Layer from "effect/Layer"
import type { Claude } from "../claude/Claude.ts"
import * as Concurrency from "./Concurrency.ts"
import * as Retry from "./Retry.ts"

/** What the stack can be told. */
export interface StackOptions {
  /** Calls in flight at once; 64 by default. */
  readonly concurrency?: number | Concurrency.Concurrency
  /** When to try again; `Retry.schedule` by default. */
  readonly retry?: Retry.RetrySchedule
}

/** From the wire outward: `Concurrency`, `Retry`. */
export const stack =
  ({ concurrency = 64, retry = Retry.schedule }: StackOptions = {}) =>
  <A, E, R>(self: Layer.Layer<A | Claude, E, R>): Layer.Layer<A | Claude, E, R> =>
    self.pipe(Concurrency.policy(concurrency), Retry.policy(retry))
