/**
 * Reads the results of a batch that has ended, as a stream, and gives each to its call once. A file that ends too early,
 * is no list of results, or is not found is fetched again; what it gave until then is kept.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { BatchItemLost, ClaudeError } from "../../claude/ClaudeError.ts"
import * as Failure from "../../claude/Failure.ts"
import { isMessage, type Reply } from "../../claude/Reply.ts"
import type { ApiBatch, ApiResult, BatchesApi } from "./BatchesApi.ts"
import type { Call } from "./Call.ts"
import { isOver, type Repetition, waitAfter } from "./Repeat.ts"

/** How a call ended. */
export type Outcome = Result.Result<Reply, ClaudeError>

/** Consecutive fetches without a new result, before the rest counts as missing: about 20 minutes. */
const maxFruitless = 11

/** Results that are stored together. */
const groupSize = 256

/** Reads the results of `calls`, which have the `custom_id`s as keys. `give` stores a group and hands it on. */
export const collect = Effect.fnUntraced(function* (
  api: BatchesApi,
  batch: ApiBatch,
  calls: ReadonlyMap<string, Call>,
  give: (group: ReadonlyArray<readonly [Call, Outcome]>) => Effect.Effect<void>,
  options: Repetition
) {
  const open = new Map(calls)
  const take = (results: ReadonlyArray<ApiResult>) => {
    const group: Array<readonly [Call, Outcome]> = []
    for (const result of results) {
      const call = open.get(result.customId)
      if (call === undefined) continue
      open.delete(result.customId)
      group.push([call, outcomeOf(result, batch)])
    }
    return give(group)
  }
  let fruitless = 0
  let failures = 0
  let since = yield* Clock.currentTimeMillis
  while (open.size > 0 && batch.hasResults && fruitless < maxFruitless) {
    const before = open.size
    const failure = yield* read(api.results(batch.id), take)
    if (open.size === 0) return
    const error = failure ?? Failure.malformed(`the results of batch ${batch.id} lack ${open.size} of ${calls.size}`)
    const now = yield* Clock.currentTimeMillis
    if (open.size < before) {
      fruitless = 0
      failures = 0
      since = now
    }
    // An outage ends, so it is waited for. A file that cannot be read does not change, so its attempts are counted.
    if (isOutage(error)) {
      if (isOver(error, since, now)) yield* options.onTrouble(error)
    } else fruitless += 1
    yield* waitAfter(error, ++failures, options)
  }
  yield* give(Array.from(open.values(), (call) => [call, Result.fail(lost(batch.id, "missing"))] as const))
})

/** Reads a file in groups, and returns the failure at which it ends. */
const read = (
  results: Stream.Stream<ApiResult, ClaudeError>,
  take: (results: ReadonlyArray<ApiResult>) => Effect.Effect<void>
) =>
  Effect.suspend(() => {
    let failure: ClaudeError | undefined
    return results.pipe(
      Stream.catch((error) => {
        failure = error
        return Stream.empty
      }),
      Stream.grouped(groupSize),
      Stream.runForEach(take),
      Effect.map(() => failure)
    )
  })

const isOutage = ({ reason }: ClaudeError) => !unreadable.has(reason._tag)

/** Failures of the file itself. The SDK reports a batch without an address of its results as an invalid request. */
const unreadable: ReadonlySet<string> = new Set(["MalformedResponse", "NotFound", "InvalidRequest"])

/** The answer of a direct call, or its error. */
const outcomeOf = ({ error, message, type }: ApiResult, { id, requestId }: ApiBatch): Outcome => {
  switch (type) {
    case "succeeded":
      return isMessage(message)
        ? Result.succeed({ message, requestId, origin: "batch", rateLimits: undefined })
        : Result.fail(Failure.malformed("expected a message, got other JSON"))
    case "errored":
      return Result.fail(Failure.fromErrorBody(error, new Headers()))
    case "expired":
    case "canceled":
      return Result.fail(lost(id, type))
    default:
      return Result.fail(lost(id, "missing"))
  }
}

/** The error of a call that a batch did not answer. */
export const lost = (batch: string, how: BatchItemLost["how"]): ClaudeError =>
  new ClaudeError({ reason: new BatchItemLost({ batch, how, detail: details[how](batch) }) })

const details = {
  expired: (batch: string) => `batch ${batch} expired after 24 hours without an answer to this request`,
  missing: (batch: string) => `batch ${batch} has no result for this request`,
  canceled: (batch: string) => `batch ${batch} was canceled`,
  unknown: (batch: string) => `the API does not find batch ${batch}`
}
