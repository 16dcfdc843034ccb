/**
 * `/v1/messages/batches`. No timer runs: before any request, the emulator answers and bills the items that are due by
 * then, each as of its due time. The seed decides their order.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import * as Sha256 from "../../../claude/Sha256.ts"
import * as ApiError from "../wire/ApiError.ts"
import * as Answer from "../answering/Answer.ts"
import * as Batch from "./Batch.ts"
import * as BatchRequest from "./BatchRequest.ts"
import type { Shared } from "../answering/CreateMessage.ts"
import * as Disturb from "../faults/Disturb.ts"
import * as Exchange from "../wire/Exchange.ts"
import * as Faults from "../faults/Faults.ts"
import type { Options } from "../Options.ts"
import * as Page from "../wire/Page.ts"
import { refuse, refuseIf } from "../wire/Refusal.ts"
import type * as Signature from "../request/Signature.ts"
import * as Validation from "../request/Validation.ts"
import * as Wire from "../answering/Message.ts"

interface Entry {
  readonly batch: Batch.Batch
  /** The head of the request that created the batch; it holds for every request in it. */
  readonly head: Pick<Exchange.Request, "path" | "headers">
}

/** The routes, and `settle`, which brings the batches up to date. */
export type MessageBatches = ReturnType<typeof make>

/** No batches yet. */
export const make = (options: Options, { answerTo, ledger, messageId, signatures }: Shared) => {
  // No batch has ended when it is created.
  const processing = Math.max(1, Duration.toMillis(options.batchProcessing ?? "1 second"))
  const entries = new Map<string, Entry>()
  const unfinished = new Set<Entry>()
  const lock = Semaphore.makeUnsafe(1)

  const draw = options.faults === undefined ? () => undefined : Faults.make(options.faults, options.seed ?? 0)

  const answer = Effect.fnUntraced(
    function* ({ batch, head }: Entry, { body }: BatchRequest.Item, now: number) {
      const kind = draw({ ...head, method: "POST", path: Faults.inBatch, body })?.kind
      if (kind === "expired") return Batch.settle(batch, "expired", {})
      if (kind === "missing") return Batch.settle(batch, "succeeded", undefined)
      if (typeof kind === "number") return yield* Effect.fail(Disturb.refusal(kind))
      const call = yield* readCall({ ...head, method: "POST", body }, signatures)
      const reply = yield* answerTo(call, undefined, batch.endsAt + 1)
      const usage = { ...reply.usage, service_tier: "batch" as const }
      if (Answer.isBilled(reply)) ledger.open(call.requestHash, call.model)(usage, now)
      const message = Wire.whole(messageId(call.requestHash), call.model, { ...reply, usage })
      Batch.settle(batch, "succeeded", { message })
    },
    (effect, { batch }, _, now) =>
      effect.pipe(
        Effect.catch((error) => Effect.sync(() => Batch.settle(batch, "errored", { error: envelope(error) }))),
        Effect.provideService(Clock.Clock, stopped(now)),
        Effect.uninterruptible
      )
  )

  const catchUp = Effect.fnUntraced(function* (entry: Entry, now: number) {
    const { batch } = entry
    let item: BatchRequest.Item | undefined
    while ((item = Batch.next(batch, now)) !== undefined) yield* answer(entry, item, Batch.nextAt(batch))
    if (!Batch.hasEnded(batch, now)) return
    const outcome = batch.canceledAt === undefined ? "expired" : "canceled"
    while (batch.pending.length > 0) Batch.settle(batch, outcome, {})
    unfinished.delete(entry)
  })

  /** Returns the time at which it started; the batches are as of then, however long it takes. */
  const settleAll = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    for (const entry of unfinished) yield* catchUp(entry, now)
    return now
  }).pipe(lock.withPermit)
  const settle = Effect.suspend(() => (unfinished.size === 0 ? Clock.currentTimeMillis : settleAll))

  const find = Effect.fnUntraced(function* (id: string) {
    const now = yield* settle
    const entry = entries.get(id)
    if (entry === undefined) return yield* Effect.fail(ApiError.make(404, `Message Batch ${id} not found.`))
    return { batch: entry.batch, now }
  })

  return {
    /** Answers and bills the items that are due. */
    settle,

    create: Effect.fnUntraced(function* (request: Exchange.Request) {
      const items = yield* BatchRequest.read(request)
      const hash = Sha256.hex(request.body).slice(0, 24)
      let occurrence = 1
      while (entries.has(`msgbatch_emulated_${hash}_${occurrence}`)) occurrence += 1
      const id = `msgbatch_emulated_${hash}_${occurrence}`
      const shuffled = yield* Random.withSeed(Random.shuffle(items), `${options.seed ?? 0} ${id}`)
      const now = yield* Clock.currentTimeMillis
      const batch = Batch.make(id, shuffled, processing, now)
      const { "content-length": _, ...headers } = request.headers
      const entry = { batch, head: { path: request.path, headers } }
      entries.set(id, entry)
      unfinished.add(entry)
      return Exchange.json(Batch.toJson(batch, now, originOf(request)))
    }),

    retrieve: Effect.fnUntraced(function* (id: string, request: Exchange.Request) {
      const { batch, now } = yield* find(id)
      const response = Exchange.json(Batch.toJson(batch, now, originOf(request)))
      if (Batch.hasEnded(batch, now)) return response
      const seconds = Math.min(10, Math.ceil((batch.endsAt - now) / 1000))
      return { ...response, headers: { ...response.headers, "retry-after": `${seconds}` } }
    }),

    /** Newest first. */
    list: Effect.fnUntraced(function* (query: Page.Query, request: Exchange.Request) {
      const now = yield* settle
      const all = [...entries.values()].map(({ batch }) => Batch.toJson(batch, now, originOf(request))).toReversed()
      return Exchange.json(Page.of(all, query))
    }),

    cancel: Effect.fnUntraced(function* (id: string, request: Exchange.Request) {
      const { batch, now } = yield* find(id)
      Batch.cancel(batch, now)
      return Exchange.json(Batch.toJson(batch, now, originOf(request)))
    }),

    delete: Effect.fnUntraced(function* (id: string) {
      const { batch, now } = yield* find(id)
      if (!Batch.hasEnded(batch, now)) {
        return yield* refuse("In progress batches cannot be deleted. Consider canceling the batch instead.")
      }
      entries.delete(id)
      return Exchange.json({ id, type: "message_batch_deleted" })
    }),

    results: Effect.fnUntraced(function* (id: string): Effect.fn.Return<Exchange.Response, ApiError.ApiError> {
      const { batch, now } = yield* find(id)
      if (!Batch.hasEnded(batch, now)) {
        return yield* Effect.fail(ApiError.make(404, `Message Batch ${id} has no available results.`))
      }
      const lines = Stream.grouped(Stream.fromIterable(batch.results), 100)
      return {
        status: 200,
        headers: { "content-type": "application/x-jsonl" },
        body: Stream.map(lines, (group) => group.join(""))
      }
    })
  }
}

/** A call in a batch is stricter: no stream, no fallbacks, no fast mode, and at least one token. */
const readCall = Effect.fnUntraced(function* (request: Exchange.Request, { has }: Signature.Issued) {
  const call = yield* Validation.call(request, has)
  const notInBatches = ["fallbacks", "fallback_credit_token"].find((field) => Object.hasOwn(call.request, field))
  yield* refuseIf(
    call.stream ? '"stream=True" is not supported in the Message Batches API' : undefined,
    notInBatches && `${notInBatches}: not supported in the Message Batches API`,
    call.request.speed === "fast" ? "speed: 'fast' is not supported in the Message Batches API" : undefined,
    call.maxTokens < 1 ? "max_tokens: must be greater than or equal to 1" : undefined
  )
  return call
})

const envelope = ({ message, type }: ApiError.ApiError) => ({
  type: "error",
  error: { details: { error_visibility: "user_facing" }, type, message },
  request_id: null
})

/** The origin of the results: the address of a server, otherwise the address of the API. */
const originOf = ({ headers }: Exchange.Request): string =>
  headers["host"] === undefined ? "https://api.anthropic.com" : `http://${headers["host"]}`

/** A clock stopped at the due time of an item, so that the prompt cache is as it was then. */
const stopped = (now: number): Clock.Clock => {
  const nanos = BigInt(now) * 1_000_000n
  return {
    currentTimeMillisUnsafe: () => now,
    currentTimeMillis: Effect.succeed(now),
    currentTimeNanosUnsafe: () => nanos,
    currentTimeNanos: Effect.succeed(nanos),
    monotonicTimeNanosUnsafe: () => nanos,
    monotonicTimeNanos: Effect.succeed(nanos),
    sleep: () => Effect.void
  }
}
