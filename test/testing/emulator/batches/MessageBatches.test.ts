import { Anthropic } from "@anthropic-ai/sdk"
import { assert, describe, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Request from "../../../../src/claude/Request.ts"
import * as App from "../../../../src/testing/emulator/App.ts"
import * as Exchange from "../../../../src/testing/emulator/wire/Exchange.ts"
import * as Emulator from "../../../../src/testing/Emulator.ts"

describe("the life of a batch", () => {
  it.effect("is in progress until its processing time is over, and has no results before", () =>
    Effect.gen(function* () {
      const app = yield* App.make({ batchProcessing: "20 hours" })
      yield* TestClock.setTime(Date.parse("2026-10-21T12:00:00.250Z"))
      const created = yield* create(app, rows(3))
      assert.match(created.id, /^msgbatch_emulated_/)
      const begun = {
        id: created.id,
        type: "message_batch",
        processing_status: "in_progress",
        request_counts: { processing: 3, succeeded: 0, errored: 0, canceled: 0, expired: 0 },
        ended_at: null,
        created_at: "2026-10-21T12:00:00.250000+00:00",
        expires_at: "2026-10-22T12:00:00.250000+00:00",
        archived_at: null,
        cancel_initiated_at: null,
        results_url: null
      }
      assert.deepStrictEqual(created, begun)
      yield* TestClock.adjust("19 hours")
      assert.deepStrictEqual(yield* retrieve(app, created.id), begun)
      const early = yield* send(app, "GET", `/${created.id}/results`)
      assert.strictEqual(early.status, 404)
      assert.include(early.body, `Message Batch ${created.id} has no available results.`)
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* retrieve(app, created.id), {
        ...begun,
        processing_status: "ended",
        request_counts: { processing: 0, succeeded: 3, errored: 0, canceled: 0, expired: 0 },
        ended_at: "2026-10-22T08:00:00.250000+00:00",
        results_url: `https://api.anthropic.com/v1/messages/batches/${created.id}/results`
      })
    })
  )

  it.effect("sends retry-after while it is in progress", () =>
    Effect.gen(function* () {
      const app = yield* App.make({ batchProcessing: "15 seconds" })
      const { id } = yield* create(app, rows(1))
      assert.strictEqual((yield* send(app, "GET", `/${id}`)).headers["retry-after"], "10")
      yield* TestClock.adjust("12 seconds")
      assert.strictEqual((yield* send(app, "GET", `/${id}`)).headers["retry-after"], "3")
      yield* TestClock.adjust("3 seconds")
      assert.isUndefined((yield* send(app, "GET", `/${id}`)).headers["retry-after"])
    })
  )

  it.effect("answers each request like a direct call, at the batch price", () =>
    Effect.gen(function* () {
      const app = yield* App.make()
      const [row] = rows(1)
      const direct = yield* Effect.flatMap(message(app, row?.params), decodeMessage)
      const [result] = yield* finish(app, rows(1))
      assert.strictEqual(result?.result.type, "succeeded")
      const { content, usage } = yield* decodeMessage(JSON.stringify(result?.result.message))
      assert.deepStrictEqual(content, direct.content)
      assert.deepStrictEqual(usage, { ...direct.usage, service_tier: "batch" })
      const tiers = (yield* app.ledger).map((entry) => [entry.requestHash, entry.usage.serviceTier])
      assert.deepStrictEqual(tiers, [
        [Request.hash(hello("row 0")), "standard"],
        [Request.hash(hello("row 0")), "batch"]
      ])
    })
  )

  it.effect("has a result for an invalid request, with the error of a direct call", () =>
    Effect.gen(function* () {
      const app = yield* App.make()
      const results = yield* finish(app, [
        { custom_id: "model", params: { ...hello("a"), model: "claude-nope" } },
        { custom_id: "field", params: { model: "claude-haiku-4-5", max_tokens: 10 } },
        { custom_id: "stream", params: { ...hello("a"), stream: true } },
        { custom_id: "nothing", params: { ...hello("a"), max_tokens: 0 } }
      ])
      const errors = results.map(({ custom_id, result }) => [custom_id, result.type, result.error])
      const error = (type: string, message: string) => ({
        type: "error",
        error: { details: { error_visibility: "user_facing" }, type, message },
        request_id: null
      })
      assert.deepStrictEqual(
        new Set(errors),
        new Set([
          ["model", "errored", error("not_found_error", "model: claude-nope")],
          ["field", "errored", error("invalid_request_error", "messages: Field required")],
          [
            "stream",
            "errored",
            error("invalid_request_error", '"stream=True" is not supported in the Message Batches API')
          ],
          ["nothing", "errored", error("invalid_request_error", "max_tokens: must be greater than or equal to 1")]
        ])
      )
      assert.deepStrictEqual(yield* app.ledger, [])
    })
  )

  it.effect("returns results in a shuffled order that depends on the seed", () =>
    Effect.gen(function* () {
      const order = Effect.fnUntraced(function* (seed: number) {
        const results = yield* finish(yield* App.make({ seed }), rows(50))
        return results.map(({ custom_id }) => custom_id)
      })
      const first = yield* order(1)
      assert.deepStrictEqual(yield* order(1), first)
      assert.notDeepEqual(yield* order(2), first)
      const sent = rows(50).map(({ custom_id }) => custom_id)
      assert.notDeepEqual(first, sent)
      assert.deepStrictEqual(first.toSorted(), sent.toSorted())
    })
  )

  it.effect("bills a request when it finishes, whenever the batch is read", () =>
    Effect.gen(function* () {
      const app = yield* App.make({ batchProcessing: "10 hours" })
      yield* create(app, rows(10))
      yield* TestClock.adjust("199 minutes")
      assert.lengthOf(yield* app.ledger, 3)
      yield* TestClock.adjust("5 hours")
      assert.lengthOf(yield* app.ledger, 8)
      yield* TestClock.adjust("30 days")
      assert.lengthOf(yield* app.ledger, 10)
    })
  )

  it.effect(
    "affects direct calls once it has finished, even if it was never read: its cost and its cache entries count",
    () =>
      Effect.gen(function* () {
        const asked = { ...hello("row 0"), system: rules }
        const app = yield* App.make({ batchProcessing: "2 minutes" })
        yield* create(app, [{ custom_id: "a", params: asked }])
        yield* TestClock.adjust("3 minutes")
        assert.notInclude(yield* message(app, asked), '"cache_read_input_tokens":0')
        const poor = yield* App.make({ spendLimit: 0.000_1, batchProcessing: "2 minutes" })
        yield* create(poor, [{ custom_id: "a", params: asked }])
        yield* TestClock.adjust("3 minutes")
        assert.include(yield* message(poor, asked), "You have reached your API usage limits.")
      })
  )

  it.effect("reads the prompt cache of the time at which a request finishes, even if it is read later", () =>
    Effect.gen(function* () {
      const readsOf = Effect.fnUntraced(function* (batchProcessing: "12 minutes" | "2 hours") {
        const app = yield* App.make({ batchProcessing })
        yield* message(app, { ...hello("first"), system: rules })
        yield* create(app, withRules(12))
        yield* TestClock.adjust("1 day")
        return (yield* app.ledger).filter(({ usage }) => usage.cacheRead > 0).length
      })
      // A minute apart, each keeps the entry for the next; ten minutes apart, even the first is too late.
      assert.deepStrictEqual([yield* readsOf("12 minutes"), yield* readsOf("2 hours")], [12, 0])
    })
  )

  it.effect("reads no entry of the prompt cache that the same batch writes, and the next batch reads it", () =>
    Effect.gen(function* () {
      const app = yield* App.make({ batchProcessing: "3 minutes" })
      const read = Effect.fnUntraced(function* () {
        yield* create(app, withRules(3))
        yield* TestClock.adjust("4 minutes")
        return (yield* app.ledger).slice(-3).map(({ usage }) => usage.cacheRead > 0)
      })
      assert.deepStrictEqual(
        [yield* read(), yield* read()],
        [
          [false, false, false],
          [true, true, true]
        ]
      )
    })
  )

  it.live("has its results when it has ended, even if answering takes longer than the processing time", () =>
    Effect.gen(function* () {
      const app = yield* App.make({ batchProcessing: "20 millis" })
      const { id } = yield* create(app, rows(2000))
      const batch = yield* Effect.repeat(retrieve(app, id), { until: (batch) => batch.processing_status === "ended" })
      assert.strictEqual(batch.request_counts.succeeded, 2000)
      assert.lengthOf(yield* results(app, id), 2000)
    })
  )

  it.effect("expires requests that are not finished after 24 hours", () =>
    Effect.gen(function* () {
      const app = yield* App.make({ batchProcessing: "40 hours" })
      const { id } = yield* create(app, rows(10))
      yield* TestClock.adjust("23 hours")
      assert.strictEqual((yield* retrieve(app, id)).processing_status, "in_progress")
      yield* TestClock.adjust("1 hour")
      const { ended_at, expires_at, request_counts } = yield* retrieve(app, id)
      assert.strictEqual(ended_at, expires_at)
      assert.deepStrictEqual(request_counts, { processing: 0, succeeded: 6, errored: 0, canceled: 0, expired: 4 })
      const lost = (yield* results(app, id)).filter(({ result }) => result.type === "expired")
      assert.deepStrictEqual(
        lost.map(({ result }) => result),
        Array.from({ length: 4 }, () => ({ type: "expired" }))
      )
      assert.lengthOf(yield* app.ledger, 6)
    })
  )

  it.effect("can be canceled, which skips its unfinished requests", () =>
    Effect.gen(function* () {
      const app = yield* App.make({ batchProcessing: "10 minutes" })
      const { id } = yield* create(app, rows(10))
      yield* TestClock.adjust("210 seconds")
      const canceling = yield* Effect.flatMap(send(app, "POST", `/${id}/cancel`), decodeBatch)
      assert.strictEqual(canceling.processing_status, "canceling")
      assert.strictEqual(canceling.cancel_initiated_at, "1970-01-01T00:03:30.000000+00:00")
      assert.strictEqual(canceling.request_counts.processing, 10)
      yield* TestClock.adjust("30 seconds")
      const { ended_at, processing_status, request_counts } = yield* retrieve(app, id)
      assert.deepStrictEqual([processing_status, ended_at], ["ended", "1970-01-01T00:04:00.000000+00:00"])
      assert.deepStrictEqual(request_counts, { processing: 0, succeeded: 3, errored: 0, canceled: 7, expired: 0 })
      assert.lengthOf(yield* app.ledger, 3)
      const again = yield* Effect.flatMap(send(app, "POST", `/${id}/cancel`), decodeBatch)
      assert.strictEqual(again.processing_status, "ended")
    })
  )

  it.effect("is not changed by a second cancel", () =>
    Effect.gen(function* () {
      const app = yield* App.make({ batchProcessing: "10 minutes" })
      const { id } = yield* create(app, rows(2))
      yield* TestClock.adjust("1 minute")
      const first = yield* Effect.flatMap(send(app, "POST", `/${id}/cancel`), decodeBatch)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* Effect.flatMap(send(app, "POST", `/${id}/cancel`), decodeBatch), first)
    })
  )

  it.effect("does not bill a refusal before any output", () =>
    Effect.gen(function* () {
      const app = yield* App.make()
      const refused = { custom_id: "a", params: hello("ANTHROPIC_MAGIC_STRING_TRIGGER_REFUSAL_1FAEFB61") }
      const [result] = yield* finish(app, [refused])
      assert.strictEqual(result?.result.type, "succeeded")
      assert.deepStrictEqual(yield* app.ledger, [])
    })
  )

  it.live("bills each request once, even with concurrent readers", () =>
    Effect.gen(function* () {
      const app = yield* App.make({ batchProcessing: "10 millis" })
      const { id } = yield* create(app, rows(5000))
      const look = Effect.repeat(retrieve(app, id), { until: (batch) => batch.processing_status === "ended" })
      yield* Effect.replicateEffect(look, 8, { concurrency: 8 })
      assert.lengthOf(yield* app.ledger, 5000)
      assert.lengthOf(yield* results(app, id), 5000)
    })
  )

  it.effect("has not ended when it is created, even if it takes no time", () =>
    Effect.gen(function* () {
      const app = yield* App.make({ batchProcessing: 0 })
      const { id, processing_status, request_counts } = yield* create(app, rows(3))
      assert.deepStrictEqual([processing_status, request_counts.processing], ["in_progress", 3])
      yield* TestClock.adjust("1 millis")
      const ended = yield* retrieve(app, id)
      assert.deepStrictEqual([ended.processing_status, ended.request_counts.succeeded], ["ended", 3])
    })
  )

  it.effect("can be deleted when it has ended, and is then unknown", () =>
    Effect.gen(function* () {
      const app = yield* App.make()
      const { id } = yield* create(app, rows(1))
      const refused = yield* send(app, "DELETE", `/${id}`)
      assert.strictEqual(refused.status, 400)
      assert.include(refused.body, "In progress batches cannot be deleted. Consider canceling the batch instead.")
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* send(app, "DELETE", `/${id}`)).body, `{"id":"${id}","type":"message_batch_deleted"}`)
      for (const [method, path] of [
        ["GET", ""],
        ["GET", "/results"],
        ["POST", "/cancel"],
        ["DELETE", ""]
      ] as const) {
        const gone = yield* send(app, method, `/${id}${path}`)
        assert.strictEqual(gone.status, 404)
        assert.include(gone.body, `Message Batch ${id} not found.`)
      }
      assert.lengthOf(yield* app.ledger, 1)
    })
  )

  it.effect("refuses new batches, and returns existing ones, after the spend limit is reached", () =>
    Effect.gen(function* () {
      const app = yield* App.make({ spendLimit: 0.000_001 })
      const { id } = yield* create(app, rows(1))
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* retrieve(app, id)).processing_status, "ended")
      const refused = yield* send(app, "POST", "", { requests: rows(1) })
      assert.strictEqual(refused.status, 429)
      assert.isUndefined(refused.headers["retry-after"])
      assert.include(refused.body, '"error_code":"enforced_spend_limit_reached"')
      assert.lengthOf(yield* results(app, id), 1)
    })
  )

  it.effect("accepts 100,000 requests", () =>
    Effect.gen(function* () {
      const app = yield* App.make()
      const { id, request_counts } = yield* create(app, rows(100_000))
      assert.strictEqual(request_counts.processing, 100_000)
      const many = yield* send(app, "POST", "", { requests: rows(100_001) })
      assert.strictEqual(many.status, 400)
      assert.include(many.body, "requests: List should have at most 100000 items after validation, not 100001")
      yield* TestClock.adjust("1 millis")
      assert.strictEqual((yield* retrieve(app, id)).processing_status, "in_progress")
      assert.lengthOf(yield* app.ledger, 100)
    })
  )
})

layer(Emulator.layerServer({ batchProcessing: 0 }))("with the SDK, on loopback", (it) => {
  it.effect("creates, retrieves, lists and deletes batches, and reads their results", () =>
    Effect.gen(function* () {
      const { url } = yield* Emulator.Emulator
      const { batches } = new Anthropic({ apiKey: "key", baseURL: url, maxRetries: 0 }).messages
      const messages = [{ role: "user" as const, content: "The cat sat on the mat." }]
      const requests = Array.from({ length: 20 }, (_, row) => ({
        custom_id: `row-${row}`,
        params: { model: row === 7 ? "claude-nope" : "claude-haiku-4-5", max_tokens: 10, messages }
      }))
      const { id } = yield* Effect.promise(() => batches.create({ requests }))
      yield* TestClock.adjust("1 millis")
      const batch = yield* Effect.promise(() => batches.retrieve(id))
      assert.deepStrictEqual(
        [batch.processing_status, batch.results_url],
        ["ended", `${url}/v1/messages/batches/${id}/results`]
      )
      assert.deepStrictEqual([batch.request_counts.succeeded, batch.request_counts.errored], [19, 1])
      const all = yield* Effect.promise(async () => {
        const results = new Map<string, Anthropic.Messages.MessageBatchResult>()
        for await (const { custom_id, result } of await batches.results(id)) results.set(custom_id, result)
        return results
      })
      assert.strictEqual(all.size, 20)
      const [good, bad] = [all.get("row-1"), all.get("row-7")]
      assert.strictEqual(good?.type === "succeeded" && good.message.usage.service_tier, "batch")
      assert.strictEqual(bad?.type === "errored" && bad.error.error.type, "not_found_error")
      yield* Effect.promise(() => batches.cancel(id))
      const deleted = yield* Effect.promise(() => batches.delete(id))
      assert.deepStrictEqual([deleted.id, deleted.type], [id, "message_batch_deleted"])
    })
  )

  it.effect("lists the newest batches first, page by page", () =>
    Effect.gen(function* () {
      const { url } = yield* Emulator.Emulator
      const { batches } = new Anthropic({ apiKey: "key", baseURL: url, maxRetries: 0 }).messages
      const messages = [{ role: "user" as const, content: "Hi" }]
      const params = { model: "claude-haiku-4-5", max_tokens: 10, messages }
      const created = yield* Effect.forEach(["a", "b", "c", "d", "e"], (custom_id) =>
        Effect.promise(() => batches.create({ requests: [{ custom_id, params }] }))
      )
      const newestFirst = created.map(({ id }) => id).toReversed()
      const listed = yield* Effect.promise(async () => {
        const ids: Array<string> = []
        for await (const { id } of batches.list({ limit: 2 })) ids.push(id)
        return ids
      })
      assert.deepStrictEqual(listed, newestFirst)
      const [, , third = ""] = newestFirst
      const before = yield* Effect.promise(() => batches.list({ before_id: third, limit: 1 }))
      assert.deepStrictEqual([before.data.map(({ id }) => id), before.has_more], [newestFirst.slice(1, 2), true])
    })
  )
})

describe("a fault", () => {
  it.effect("of a request in a batch is its result, and is not billed", () =>
    Effect.gen(function* () {
      const kinds = [529, "expired", "missing", undefined] as const
      const app = yield* App.make({
        faults: ({ body, path }) => {
          const kind = kinds[Number(/row (\d)/.exec(body)?.[1])]
          return path === Emulator.inBatch && kind !== undefined ? { kind } : undefined
        }
      })
      const { id } = yield* create(app, rows(4))
      yield* TestClock.adjust("1 second")
      const { request_counts: counts } = yield* retrieve(app, id)
      assert.deepStrictEqual(counts, { processing: 0, succeeded: 2, errored: 1, canceled: 0, expired: 1 })
      const found = yield* results(app, id)
      const types = found.toSorted((a, b) => a.custom_id.localeCompare(b.custom_id)).map(({ result }) => result.type)
      assert.deepStrictEqual(types, ["errored", "expired", "succeeded"])
      assert.lengthOf(yield* app.ledger, 1)
    })
  )

  it.effect("lost accepts a batch and resets the connection", () =>
    Effect.gen(function* () {
      const app = yield* App.make({ faults: ({ method }) => (method === "POST" ? { kind: "lost" } : undefined) })
      const error = yield* Effect.flip(create(app, rows(2)))
      assert.deepInclude(error, { _tag: "Dropped", how: "reset" })
      const { body } = yield* send(app, "GET", "")
      assert.include(body, '"request_counts":{"processing":2')
    })
  )

  it.effect("half-the-lines leaves out every second result", () =>
    Effect.gen(function* () {
      const app = yield* App.make({
        faults: ({ path }, arrival) =>
          path.endsWith("/results") && arrival === 1 ? { kind: "half-the-lines" } : undefined
      })
      const { id } = yield* create(app, rows(250))
      yield* TestClock.adjust("1 second")
      assert.lengthOf(yield* results(app, id), 125)
      assert.lengthOf(yield* results(app, id), 250)
    })
  )

  it.effect("no-content-type sends the results without their type", () =>
    Effect.gen(function* () {
      const app = yield* App.make({ faults: [{ kind: "no-content-type", rate: 1 }] })
      const { id } = yield* create(app, rows(1))
      yield* TestClock.adjust("1 second")
      assert.isUndefined((yield* send(app, "GET", `/${id}/results`)).headers["content-type"])
    })
  )
})

// Builders

const hello = (content: string): Request.Request => ({
  model: "claude-haiku-4-5",
  max_tokens: 100,
  messages: [{ role: "user", content }]
})

const rows = (count: number) =>
  Array.from({ length: count }, (_, row) => ({ custom_id: `id-${row}`, params: hello(`row ${row}`) }))

/** Long enough for the prompt cache. */
const rules = [{ type: "text", text: "word ".repeat(4096), cache_control: { type: "ephemeral" } }]

const withRules = (count: number) =>
  rows(count).map(({ custom_id, params }) => ({ custom_id, params: { ...params, system: rules } }))

const headers = { "x-api-key": "key", "anthropic-version": "2026-10-21" }

/** Sends a request to a path below that of the batches. */
const send = (app: App.App, method: string, path: string, body?: object) =>
  handle(app, { method, path: `/v1/messages/batches${path}`, headers, body: body ? JSON.stringify(body) : "" })

const handle = Effect.fnUntraced(function* (app: App.App, request: Exchange.Request) {
  const response = yield* app.handle(request)
  const { body } = response
  const text = typeof body === "string" ? body : yield* Stream.mkString(Stream.map(body, Exchange.text))
  return { ...response, body: text }
})

const message = (app: App.App, body: object | undefined) =>
  Effect.map(
    handle(app, { method: "POST", path: "/v1/messages", headers, body: JSON.stringify(body) }),
    ({ body }) => body
  )

const Batch = Schema.Struct({
  id: Schema.String,
  type: Schema.String,
  processing_status: Schema.String,
  request_counts: Schema.Record(Schema.String, Schema.Int),
  ended_at: Schema.NullOr(Schema.String),
  created_at: Schema.String,
  expires_at: Schema.String,
  archived_at: Schema.Null,
  cancel_initiated_at: Schema.NullOr(Schema.String),
  results_url: Schema.NullOr(Schema.String)
})

const decodeBatch = ({ body }: { readonly body: string }) => Schema.decodeEffect(Schema.fromJsonString(Batch))(body)

const create = (app: App.App, requests: ReadonlyArray<object>) =>
  Effect.flatMap(send(app, "POST", "", { requests }), decodeBatch)

const retrieve = (app: App.App, id: string) => Effect.flatMap(send(app, "GET", `/${id}`), decodeBatch)

const Result = Schema.Struct({
  custom_id: Schema.String,
  result: Schema.Struct({
    type: Schema.String,
    message: Schema.optionalKey(Schema.Unknown),
    error: Schema.optionalKey(Schema.Unknown)
  })
})

const results = Effect.fnUntraced(function* (app: App.App, id: string) {
  const response = yield* send(app, "GET", `/${id}/results`)
  assert.strictEqual(response.headers["content-type"], "application/x-jsonl")
  const lines = response.body.trimEnd().split("\n")
  return yield* Effect.forEach(lines, (line) => Schema.decodeEffect(Schema.fromJsonString(Result))(line))
})

const finish = Effect.fnUntraced(function* (app: App.App, requests: ReadonlyArray<object>) {
  const { id } = yield* create(app, requests)
  yield* TestClock.adjust("1 second")
  return yield* results(app, id)
})

const decodeMessage = Schema.decodeEffect(
  Schema.fromJsonString(Schema.Struct({ content: Schema.Unknown, usage: Schema.Record(Schema.String, Schema.Unknown) }))
)
