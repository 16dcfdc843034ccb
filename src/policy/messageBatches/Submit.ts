/**
 * Creates a batch at most once. A refusal or a limit leaves nothing behind, so the request is sent again, or its calls
 * fail. After any other failure the batch may exist: then it is looked for first.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { ClaudeError } from "../../claude/ClaudeError.ts"
import type { Request } from "../../claude/Request.ts"
import { neverArrived } from "../../claude/Unreachable.ts"
import type { ApiBatch, BatchesApi } from "./BatchesApi.ts"
import { isOver, type Repetition, waitAfter } from "./Repeat.ts"

/** A batch, and whether it was found again after its creation seemed to fail. */
export interface Created {
  readonly batch: ApiBatch
  readonly how: "sent" | "adopted"
}

/** Creates a batch. `findOrphan` looks for one that an attempt has created. */
export const create = Effect.fnUntraced(function* (
  api: BatchesApi,
  requests: ReadonlyArray<readonly [id: string, request: Request]>,
  findOrphan: Effect.Effect<ApiBatch | undefined>,
  options: Repetition
): Effect.fn.Return<Created, ClaudeError> {
  let failures = 0
  let since = 0
  while (true) {
    const result = yield* Effect.result(api.create(requests))
    if (Result.isSuccess(result)) return { batch: result.success, how: "sent" }
    const error = result.failure
    const now = yield* Clock.currentTimeMillis
    if (failures++ === 0) since = now
    const isLast = isOver(error, since, now) || isGivenUp(error, failures)
    if (isLast && wasRefused(error)) return yield* error
    yield* waitAfter(error, failures, { ...options, longest: Duration.max(options.longest, settling) })
    if (wasRefused(error)) continue
    const batch = yield* findOrphan
    if (batch !== undefined) return { batch, how: "adopted" }
    if (isLast) return yield* error
  }
})

/** The API may list a batch only a moment after it was created. */
const settling = Duration.seconds(10)

/** After this many attempts, a host that cannot be reached is given up, as by `Retry`. */
const isGivenUp = (error: ClaudeError, failures: number) => neverArrived(error) && failures > 4

/** Failures after which the batch may exist. */
const ambiguous = new Set(["ServerFailed", "TimedOut", "ConnectionFailed", "MalformedResponse"])

/** Whether no batch was created for certain. */
const wasRefused = (error: ClaudeError) => !ambiguous.has(error.reason._tag) || neverArrived(error)
