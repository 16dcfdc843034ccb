/**
 * A queue of chunks on pg-boss, which keeps it in the PostgreSQL database of the job. It needs the optional package
 * `pg-boss`, which is loaded when the layer is built. Each job has its own queue, in the schema
 * `effect_claude_queue`, so a pg-boss of the application is not touched.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { Job, PgBoss } from "pg-boss"
import * as Dispatcher from "../../pipeline/Dispatcher.ts"
import type { Chunk } from "../../pipeline/Journal.ts"
import * as Postgres from "../Postgres.ts"

/** The tables of all queues. */
export const schema = "effect_claude_queue"

/** Seconds until pg-boss gives a chunk without a heartbeat to another process. This is its minimum. */
const heartbeatSeconds = 10

/** pg-boss stamps a heartbeat with the clock of the database, after the call has begun. The rest is time to send a call. */
const lease = 9000

/** A failover or a drain uses one retry; pg-boss keeps the number in a small integer. */
const retryLimit = 32_000

const queueOptions = {
  heartbeatSeconds,
  expireInSeconds: 86_399,
  retryLimit,
  retryDelay: 0,
  // By default, pg-boss deletes jobs that wait for more than 14 days.
  retentionSeconds: Duration.toSeconds("3650 days"),
  deleteAfterSeconds: Duration.toSeconds("1 day")
}

/**
 * Until the server has seen how many chunks there are, which may take it a minute, a fetch reads all chunks of the job:
 * 3,992 pages with 4,000 chunks, and 6 afterwards.
 */
const manyChunks = 1000

/** What pg-boss reports of a change; its types leave it out. */
const Settled = Schema.Struct({ settled: Schema.optional(Schema.NullOr(Schema.Array(Schema.String))) })

const decodeSettled = Schema.decodeUnknownEffect(Settled)

const decodeChunk = Schema.decodeUnknownEffect(Schema.Struct({ first: Schema.Int, generation: Schema.Int }))

/** pg-boss takes UUIDs only. A job has its queue for itself, so its chunks need no other id. */
const idOf = ({ first, generation }: Chunk): string => {
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, "0")
  return `${hex(generation, 8)}-0000-0000-0000-${hex(first, 12)}`
}

/** Where a queue is. */
export interface Options {
  /** `postgres://…` */
  readonly url: string
  /** The name of the queue: letters, digits, `-`, `_`, `.` and `/`. */
  readonly name: string
}

/** The dispatcher of a job. It has two connections to the database. */
export const layer = (options: Options): Layer.Layer<Dispatcher.Dispatcher, Dispatcher.DispatcherFailed> =>
  Layer.effect(Dispatcher.Dispatcher, Effect.flatMap(start(options), Dispatcher.make))

/** Options of `pg`, to which pg-boss passes them on; its types leave some of them out. Times are in milliseconds. */
const connections = {
  max: 2,
  // Where packets are dropped, a statement would wait for about 15 minutes.
  query_timeout: 20_000,
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000
}

/** A connection that is lost while the queue starts may leave it waiting. */
const longestStart = "30 seconds"

const noStart = `the queue did not start within ${longestStart}; check that the server runs`

/** A user that may not create schemas can use one that exists. */
const rights =
  "let its user create a schema (GRANT CREATE ON DATABASE), or create it as another user: " +
  `CREATE SCHEMA ${schema} AUTHORIZATION user_of_the_address`

/** `insufficient_privilege`, https://www.postgresql.org/docs/current/errcodes-appendix.html */
const isForbidden = Predicate.compose(Predicate.hasProperty("code"), ({ code }) => code === "42501")

/** A process looks this often for processes that have died, in seconds. */
const interval = 1

/** pg-boss on the database of an address, until the scope closes. */
const open = Effect.fnUntraced(function* (url: string) {
  const place = Postgres.withoutSecrets(url)
  const failed = (detail: string) => new Dispatcher.DispatcherFailed({ detail: `${place}: ${detail}` })
  const call = <A>(run: () => Promise<A>) =>
    Effect.tryPromise({ try: run, catch: (cause) => failed(cause instanceof Error ? cause.message : String(cause)) })
  const { PgBoss } = yield* Effect.tryPromise({
    try: () => import("pg-boss"),
    catch: () => failed("the package pg-boss is missing: npm install pg-boss")
  })
  const begin = async (createSchema: boolean) => {
    const boss = new PgBoss({
      connectionString: url,
      application_name: "effect-claude queue",
      schema,
      createSchema,
      ...connections,
      schedule: false,
      superviseIntervalSeconds: interval,
      monitorIntervalSeconds: interval
    })
    // A failed maintenance is tried again. Without a listener, the event would end the process.
    boss.on("error", () => undefined)
    return await boss.start()
  }
  const boss = yield* Effect.acquireRelease(
    call(() =>
      begin(true).catch((error: unknown) => {
        if (!isForbidden(error)) throw error
        return begin(false).catch(() => {
          throw new Error(`${error instanceof Error ? error.message : String(error)}; ${rights}`)
        })
      })
    ).pipe(Effect.timeoutOrElse({ duration: longestStart, orElse: () => Effect.fail(failed(noStart)) })),
    // It waits for its connections, of which one may be lost.
    (boss) =>
      Effect.ignore(
        Effect.timeoutOption(
          call(() => boss.stop({ graceful: false })),
          "5 seconds"
        )
      )
  )
  return { boss, call, failed }
})

/** Removes the queue of a job. */
export const remove = Effect.fnUntraced(function* ({ name, url }: Options) {
  const { boss, call } = yield* open(url)
  yield* call(() => boss.deleteQueue(name))
}, Effect.scoped)

const start = Effect.fnUntraced(function* ({ name, url }: Options) {
  const { boss, call, failed } = yield* open(url)
  yield* call(() => boss.createQueue(name, queueOptions))
  return queueOf(boss, name, call, failed)
})

const queueOf = (
  boss: PgBoss,
  name: string,
  call: <A>(run: () => Promise<A>) => Effect.Effect<A, Dispatcher.DispatcherFailed>,
  failed: (detail: string) => Dispatcher.DispatcherFailed
): Dispatcher.Queue<Job> => {
  const unreadable = ({ message }: Schema.SchemaError) => failed(`pg-boss gave an unknown answer: ${message}`)
  return {
    lease,
    send: (chunks) =>
      chunks.length === 0
        ? Effect.void
        : Effect.asVoid(
            call(async () => {
              await boss.insert(
                name,
                chunks.map((chunk) => ({ id: idOf(chunk), data: { ...chunk } }))
              )
              if (chunks.length >= manyChunks) await boss.getDb().executeSql(`ANALYZE ${schema}.job_common`)
            })
          ),
    fetch: (count) =>
      Effect.flatMap(
        call(() => boss.fetch<object>(name, { batchSize: count })),
        Effect.forEach((job) =>
          Effect.map(Effect.mapError(decodeChunk(job.data), unreadable), (chunk) => [chunk, job] as const)
        )
      ),
    // pg-boss checks the attempt only where it gets the job itself. With its id, any process would renew it.
    touch: (jobs) =>
      Effect.flatMap(
        call(() => boss.touch(name, [...jobs])),
        (answer) =>
          Effect.map(Effect.mapError(decodeSettled(answer), unreadable), ({ settled }) =>
            jobs.filter(({ id }) => settled?.includes(id) === true)
          )
      ),
    complete: (job) => Effect.asVoid(call(() => boss.complete(name, job))),
    giveBack: (job) => Effect.asVoid(call(() => boss.fail(name, job)))
  }
}
