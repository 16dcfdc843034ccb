/**
 * The life of one batch as arithmetic: its progress follows from its creation time and the current time. Its items are
 * due one after the other, evenly over the processing time. Times are in milliseconds since 1970.
 */
import type { Item } from "./BatchRequest.ts"

/** How a request ended. */
export type Outcome = "succeeded" | "errored" | "canceled" | "expired"

/** A batch. */
export interface Batch {
  readonly id: string
  readonly createdAt: number
  readonly expiresAt: number
  /** How long all of it takes. */
  readonly processing: number
  readonly total: number
  /** What is still to be done; the next one is the last. */
  readonly pending: Array<Item>
  /** What is done, in the order in which it was done: a line of the results each. */
  readonly results: Array<string>
  readonly counts: Record<Outcome, number>
  canceledAt: number | undefined
  endsAt: number
}

/** A batch that takes longer than a day expires. */
const lifetime = 24 * 60 * 60_000

/** A batch whose requests will be done in this order. */
export const make = (id: string, items: ReadonlyArray<Item>, processing: number, now: number): Batch => ({
  id,
  createdAt: now,
  expiresAt: now + lifetime,
  processing,
  total: items.length,
  pending: items.toReversed(),
  results: [],
  counts: { succeeded: 0, errored: 0, canceled: 0, expired: 0 },
  canceledAt: undefined,
  endsAt: now + Math.min(processing, lifetime)
})

/** When the next request is done. */
export const nextAt = ({ createdAt, processing, results, total }: Batch): number =>
  createdAt + Math.ceil((processing * (results.length + 1)) / total)

/** The next request, if it is done by now. */
export const next = (batch: Batch, now: number): Item | undefined =>
  nextAt(batch) <= Math.min(now, batch.canceledAt ?? Infinity, batch.expiresAt) ? batch.pending.at(-1) : undefined

/** Notes how the next request ended. Without a result, its line is missing. */
export const settle = (batch: Batch, outcome: Outcome, result: object | undefined): void => {
  const item = batch.pending.pop()
  const line = { custom_id: item?.customId, result: { type: outcome, ...result } }
  batch.results.push(result === undefined ? "" : `${JSON.stringify(line)}\n`)
  batch.counts[outcome] += 1
}

/** Whether every request has ended. What was not done by then was canceled or has expired. */
export const hasEnded = (batch: Batch, now: number): boolean => now >= batch.endsAt

/** Ends at the due time of the item in progress, which is canceled too. */
export const cancel = (batch: Batch, now: number): void => {
  if (hasEnded(batch, now) || batch.canceledAt !== undefined) return
  batch.canceledAt = now
  batch.endsAt = Math.min(batch.endsAt, nextAt(batch))
}

/** The batch in the API's shape. Until it has ended, all of its requests count as processing. */
export const toJson = (batch: Batch, now: number, origin: string) => {
  const { canceledAt, counts, createdAt, endsAt, expiresAt, id, total } = batch
  const ended = hasEnded(batch, now)
  const none = { succeeded: 0, errored: 0, canceled: 0, expired: 0 }
  return {
    id,
    type: "message_batch",
    processing_status: ended ? "ended" : canceledAt === undefined ? "in_progress" : "canceling",
    request_counts: { processing: ended ? 0 : total, ...(ended ? counts : none) },
    ended_at: ended ? dateTime(endsAt) : null,
    created_at: dateTime(createdAt),
    expires_at: dateTime(expiresAt),
    archived_at: null,
    cancel_initiated_at: canceledAt === undefined ? null : dateTime(canceledAt),
    results_url: ended ? `${origin}/v1/messages/batches/${id}/results` : null
  }
}

const dateTime = (time: number): string => new Date(time).toISOString().replace("Z", "000+00:00")
