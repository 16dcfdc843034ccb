/**
 * Finds a batch whose id was lost: the process died, or the connection broke, after the batch was sent. The list of
 * batches shows no `custom_id`s, so a batch is a candidate if it is about as new as the intent, has as many requests and
 * is unknown to the store. When it has ended, its results show whose it is.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { ApiBatch, BatchesApi } from "./BatchesApi.ts"
import { repeat, type Repetition } from "./Repeat.ts"
import { untilEnded } from "./Poll.ts"

/** What is known of a batch that was about to be sent. */
export interface Lost {
  /** The id of its intent. */
  readonly id: string
  readonly createdAt: number
  /** The number of its requests. */
  readonly requests: number
}

/** How far the clocks of the API and of this machine may differ. */
const skew = Duration.toMillis("1 hour")

/** Whether the API lists its batches, and not this one, which is as old as `createdAt`. */
export const isAbsent = (api: BatchesApi, { createdAt, id }: Pick<ApiBatch, "id" | "createdAt">) =>
  since(api, createdAt).pipe(
    Stream.filter((batch) => batch.id === id),
    Stream.runHead,
    Effect.match({ onFailure: () => false, onSuccess: Option.isNone })
  )

const since = (api: BatchesApi, time: number) =>
  Stream.takeWhile(api.list, ({ createdAt }) => !(createdAt < time - skew))

/** The id of a request in a batch. It shows to which intent the batch belongs. */
export const customId = (intent: string, index: number): string => `${intent}-${index}`

/** Returns the batch of an intent, which has ended; undefined if the API has none. */
export const find = Effect.fnUntraced(function* (
  api: BatchesApi,
  intent: Lost,
  isKnown: (batch: string) => Effect.Effect<boolean>,
  options: Repetition
): Effect.fn.Return<ApiBatch | undefined> {
  const recent = since(api, intent.createdAt).pipe(
    Stream.filter(({ total }) => total === intent.requests),
    Stream.runCollect
  )
  const listed = yield* repeat(recent, options)
  const unknown = yield* Effect.filter(listed, ({ id }) => Effect.map(isKnown(id), (known) => !known))
  const inOrder = unknown.toSorted((a, b) => Number(b.state === "ended") - Number(a.state === "ended"))
  for (const { id } of inOrder) {
    const ended = yield* untilEnded(api, id, { ...options, batch: id })
    if (!ended.hasResults) continue
    const first = yield* repeat(Stream.runHead(api.results(id)), { ...options, batch: id })
    if (Option.isSome(first) && first.value.customId.startsWith(`${intent.id}-`)) return ended
  }
  return undefined
})
