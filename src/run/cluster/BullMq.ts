/**
 * A queue of chunks on BullMQ, which keeps it on a Redis server. It needs the optional packages `bullmq` and `redis`, which
 * are loaded when the layer is built. A server that restarts may have lost chunks, so nothing is handed out until they were
 * sent again; see `repair`.
 */
import type { Job, Queue, Worker } from "bullmq"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Dispatcher from "../../pipeline/Dispatcher.ts"
import type { Chunk } from "../../pipeline/Journal.ts"
import * as Epoch from "./Epoch.ts"
import * as RedisServer from "./RedisServer.ts"

/** The prefix of all keys. */
export const prefix = "effect-claude"

/** Milliseconds until another process may have a chunk that was not renewed. Redis counts them with its clock. */
const lockDuration = 4000

/** Redis counts after the call has begun. The rest is time to send a call. */
const lease = 3500

/** Processes look this often for chunks of processes that have died, together, in milliseconds. */
const stalledInterval = 400

/** Where a queue is. */
export interface Options {
  /** `redis://…` */
  readonly url: string
  /** The name of the queue, without `:`. */
  readonly name: string
}

/** A chunk that this process has fetched. Each fetch has another token, which fences what follows. */
interface Entry {
  readonly job: Job
  readonly id: string
  readonly token: string
}

/** The dispatcher of a job. It has one connection to Redis. */
export const layer = (options: Options): Layer.Layer<Dispatcher.Dispatcher, Dispatcher.DispatcherFailed> =>
  Layer.effect(Dispatcher.Dispatcher, Effect.flatMap(start(options), Dispatcher.make))

const start = Effect.fnUntraced(function* ({ name, url }: Options) {
  const server = yield* RedisServer.connect(url)
  const { createNodeRedisClient, createRedisBackend, Queue, Worker } = yield* Effect.tryPromise({
    try: () => import("bullmq"),
    catch: () => server.failed("the package bullmq is missing: npm install bullmq")
  })
  const { queue, worker } = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const connection = createNodeRedisClient(server.client)
      // It passes on the errors of the connection, also after BullMQ has removed its own listeners.
      connection.on("error", () => undefined)
      const options = {
        connection,
        prefix,
        // It would print warnings. `RedisServer` checks the server.
        skipVersionCheck: true
      }
      const queue = new Queue(name, { ...options, streams: { events: { maxLen: 100 } } })
      const worker = new Worker(
        name,
        undefined,
        { ...options, autorun: false, lockDuration, stalledInterval, maxStalledCount: 1_000_000 },
        // A worker that polls needs no second connection to wait on.
        (name, options, extra) => createRedisBackend(name, options, { ...extra, withBlockingConnection: false })
      )
      // Each call reports its own failure. Without a listener, the event would end the process.
      queue.on("error", () => undefined)
      worker.on("error", () => undefined)
      return { queue, worker }
    }),
    ({ queue, worker }) =>
      Effect.ignore(server.call(async () => void (await Promise.allSettled([worker.close(true), queue.close()]))))
  )
  const findStalled = server.call(() => worker.getBackend().moveStalledJobsToWait())
  yield* Effect.forkScoped(Effect.forever(Effect.delay(Effect.ignore(findStalled), stalledInterval)))
  return queueOf(server, queue, worker)
})

const idOf = ({ first, generation }: Chunk): string => `${generation}-${first}`

/** The chunk of an id. The data of a job has nothing: a server that evicts keys may have lost it. */
const chunkOf = (id: string): Chunk => {
  const [generation = NaN, first = NaN] = id.split("-").map(Number)
  return { first, generation }
}

/** BullMQ's codes for a job that is gone, has no lock, is not active, or has the lock of another process. */
const lostCodes = new Set<unknown>([-1, -2, -3, -6])

const queueOf = (server: RedisServer.RedisServer, queue: Queue, worker: Worker): Dispatcher.Queue<Entry> => {
  const { call } = server
  let fetches = 0
  /** Ends an entry. If the chunk is lost, there is nothing to end. */
  const end = (settle: () => Promise<unknown>) =>
    Effect.asVoid(
      call(() =>
        settle().catch((error: unknown) =>
          Predicate.hasProperty(error, "code") && lostCodes.has(error.code) ? undefined : Promise.reject(error)
        )
      )
    )
  const epoch = Epoch.make(server, queue.toKey(""))
  return {
    lease,
    repair: epoch.repair,
    send: (chunks) =>
      Effect.asVoid(
        // Unlike `addBulk`, this loads BullMQ's scripts into a server that has lost them.
        call(
          () =>
            Promise.all(chunks.map((chunk) => queue.add("chunk", {}, { jobId: idOf(chunk), removeOnComplete: true }))),
          30_000
        )
      ),
    fetch: (count) =>
      Effect.gen(function* () {
        if (!(yield* epoch.isWhole)) return []
        const entries: Array<readonly [Chunk, Entry]> = []
        while (entries.length < count) {
          const token = `${worker.id}:${fetches++}`
          const job = yield* call(() => worker.getNextJob(token, { block: false }))
          if (job?.id === undefined) break
          entries.push([chunkOf(job.id), { job, id: job.id, token }])
        }
        return entries
      }),
    touch: (entries) =>
      Effect.map(
        call(() =>
          worker.extendJobLocks(
            entries.map(({ id }) => id),
            entries.map(({ token }) => token),
            lockDuration
          )
        ),
        (lost) => entries.filter(({ id }) => !lost.includes(id))
      ),
    complete: ({ job, token }) => end(() => job.moveToCompleted(null, token, false)),
    giveBack: ({ job, token }) => end(() => job.moveToWait(token))
  }
}
