import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { ClaudeError, InvalidRequest, MalformedResponse } from "../../../src/claude/ClaudeError.ts"
import type { ApiBatch, ApiResult, BatchesApi } from "../../../src/policy/messageBatches/BatchesApi.ts"
import * as Call from "../../../src/policy/messageBatches/Call.ts"
import * as Results from "../../../src/policy/messageBatches/Results.ts"
import { message, request } from "../../fixtures.ts"

describe("the results of a batch", () => {
  it.effect("are fetched again when the file has no address yet, or breaks off, and each is given once", () =>
    Effect.gen(function* () {
      const given = yield* collected([
        Stream.fail(noAddress),
        Stream.concat(Stream.make(result("a")), Stream.fail(brokenOff)),
        Stream.make(result("c"), result("unknown")),
        Stream.make(result("c"), result("b"), result("a"))
      ])
      assert.deepStrictEqual(given, ["a: yes", "c: yes", "b: yes"])
    })
  )

  it.effect("are missing when 11 fetches in a row brought none of them", () =>
    Effect.gen(function* () {
      const given = yield* collected(Array.from({ length: 20 }, () => Stream.make(result("b"))))
      assert.deepStrictEqual(given, ["b: yes", "a: missing", "c: missing"])
    })
  )

  it.effect("are missing at once when the API has archived them", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* collected([], false), ["a: missing", "b: missing", "c: missing"])
    })
  )
})

// Builders

const noAddress = new ClaudeError({ reason: new InvalidRequest({ detail: "no results_url" }) })
const brokenOff = new ClaudeError({ reason: new MalformedResponse({ detail: "no JSON" }) })

const result = (customId: string): ApiResult => ({ customId, type: "succeeded", message: message("yes") })

/** Collects the results of three calls from these files, and returns what was given, in order. */
const collected = Effect.fnUntraced(function* (
  files: ReadonlyArray<Stream.Stream<ApiResult, ClaudeError>>,
  hasResults = true
) {
  const unused = () => Effect.die("no request")
  let fetched = 0
  const api: BatchesApi = {
    create: unused,
    retrieve: unused,
    cancel: unused,
    list: Stream.die("no request"),
    results: () => Stream.suspend(() => files[fetched++] ?? Stream.die("no more files"))
  }
  const lane = { api, store: undefined, context: yield* Effect.context<never>() }
  const calls = new Map(
    ["a", "b", "c"].map((id) => [id, Call.make({ lane, request, place: undefined, state: "sent" })])
  )
  const nameOf = (call: Call.Call) => [...calls].find(([, other]) => other === call)?.[0]
  const given: Array<string> = []
  const give = (group: ReadonlyArray<readonly [Call.Call, Results.Outcome]>) =>
    Effect.sync(() => {
      for (const [call, outcome] of group) {
        const { reason } = Result.isSuccess(outcome) ? { reason: undefined } : outcome.failure
        given.push(`${nameOf(call)}: ${reason === undefined ? "yes" : reason._tag === "BatchItemLost" && reason.how}`)
      }
    })
  const fiber = yield* Effect.forkChild(
    Results.collect(api, { ...batch, hasResults }, calls, give, {
      batch: batch.id,
      shortest: Duration.seconds(5),
      longest: Duration.minutes(5),
      onTrouble: () => Effect.die("no outage")
    })
  )
  yield* TestClock.adjust("1 hour")
  yield* Fiber.join(fiber)
  return given
})

const batch: ApiBatch = {
  id: "msgbatch_1",
  state: "ended",
  counts: { succeeded: 3, errored: 0, canceled: 0, expired: 0 },
  total: 3,
  createdAt: 0,
  hasResults: true,
  retryAfter: undefined,
  requestId: "req_1"
}
