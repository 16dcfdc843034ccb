import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { ApiBatch, BatchesApi } from "../../../src/policy/messageBatches/BatchesApi.ts"
import * as Orphans from "../../../src/policy/messageBatches/Orphans.ts"

describe("the orphan of an intent", () => {
  it.effect("is the batch whose results have its ids", () =>
    Effect.gen(function* () {
      const [other, ours] = [candidate("other", "intent2-0"), candidate("ours", "intent-1")]
      assert.strictEqual((yield* find([other, ours]))?.id, "ours")
      assert.isUndefined(yield* find([other]))
    })
  )

  it.effect("is none of the batches that are known, older, archived, or of another size", () =>
    Effect.gen(function* () {
      const found = yield* find([
        candidate("known", "intent-1"),
        candidate("archived", "intent-1", { hasResults: false }),
        candidate("larger", "intent-1", { total: 3 }),
        candidate("older", "intent-1", { createdAt: intent.createdAt - Duration.toMillis("1 day") })
      ])
      assert.isUndefined(found)
    })
  )
})

// Builders

const intent = { id: "intent", createdAt: 2_000_000_000_000, requests: 2 }

interface Candidate {
  readonly batch: ApiBatch
  /** The `custom_id` of its first result. */
  readonly customId: string
}

const candidate = (id: string, customId: string, fields: Partial<ApiBatch> = {}): Candidate => ({
  customId,
  batch: {
    id,
    state: "ended",
    counts: { succeeded: 2, errored: 0, canceled: 0, expired: 0 },
    total: intent.requests,
    createdAt: intent.createdAt,
    hasResults: true,
    retryAfter: undefined,
    requestId: undefined,
    ...fields
  }
})

/** Looks among these batches, of which the store knows the one with the id "known". */
const find = (candidates: ReadonlyArray<Candidate>) => {
  const unused = () => Effect.die("no request")
  const byId = new Map(candidates.map((candidate) => [candidate.batch.id, candidate]))
  const api: BatchesApi = {
    create: unused,
    cancel: unused,
    list: Stream.fromIterable(candidates.map(({ batch }) => batch)),
    retrieve: (id) => Effect.map(Effect.fromNullishOr(byId.get(id)), ({ batch }) => batch).pipe(Effect.orDie),
    results: (id) =>
      Stream.fromIterable([byId.get(id)?.customId ?? ""]).pipe(
        Stream.map((customId) => ({ customId, type: "succeeded" }))
      )
  }
  return Orphans.find(api, intent, (id) => Effect.succeed(id === "known"), {
    batch: undefined,
    shortest: Duration.seconds(5),
    longest: Duration.minutes(5),
    onTrouble: () => Effect.void
  })
}
