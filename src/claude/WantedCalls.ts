/**
 * Calls of a job on many machines that wait for their batches. The process that makes a call does not send it: it stores
 * the call, and one process for all sends the calls and stores the replies. The `ReplyStore` of a worker has them.
 */
import type * as Effect from "effect/Effect"
import type { ClaudeError } from "./ClaudeError.ts"
import type * as Demand from "./Demand.ts"
import type { Reply } from "./Reply.ts"
import type { Request } from "./Request.ts"

/**
 * The calls that this process waits for. `Key` identifies a call of a job, and `E` is the failure of the store.
 */
export interface WantedCalls<Key, E> {
  /**
   * Stores a call, and waits until it is answered or has failed. A call that is stored already is joined. If the caller
   * leaves, the call stays: it may be in a batch.
   */
  readonly ask: (call: Key, request: Request) => Effect.Effect<Reply, ClaudeError | E>
  /** For `Demand.blocked`: batches are sent once no process can continue without an answer. */
  readonly onQuiet: Demand.OnQuiet
}
