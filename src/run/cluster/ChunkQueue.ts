/**
 * The queue that hands out the chunks of a job: pg-boss in the database of the job, or BullMQ on a Redis server. The
 * submission chooses which; its settings keep the choice, but not the address, which may have a password.
 */
import { randomUUID } from "node:crypto"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Dispatcher, type DispatcherFailed } from "../../pipeline/Dispatcher.ts"
import type * as Journal from "../../pipeline/Journal.ts"
import * as BullMq from "./BullMq.ts"
import * as PgBoss from "./PgBoss.ts"

/** The addresses that a process of the job knows. */
export interface Servers {
  /** `postgres://…` */
  readonly database: string
  /** `redis://…`, if the submission chose a queue on Redis. */
  readonly queue?: string | undefined
}

/** A job whose chunks wait in another queue than the one that this process would use. */
export class QueueDiffers extends Schema.TaggedError<QueueDiffers>()("QueueDiffers", {
  job: Schema.String,
  /** Where the chunks wait, and what to do. */
  detail: Schema.String
}) {
  override get message() {
    return `the chunks of "${this.job}" wait ${this.detail}`
  }
}

/** The queue of a submission. A job keeps its queue until it is done: the chunks that are open wait there. */
export const choose = (
  job: string,
  before: { readonly settings: Journal.Settings; readonly isOpen: boolean } | undefined,
  queue: string | undefined
): Effect.Effect<Pick<Journal.Settings, "queue">, QueueDiffers> => {
  const earlier = before?.settings.queue
  if (before?.isOpen === true && (earlier === undefined) !== (queue === undefined)) {
    return new QueueDiffers({ job, detail: earlier === undefined ? inDatabase : onRedis })
  }
  if (queue === undefined) return Effect.succeed({})
  return Effect.sync(() => ({ queue: earlier ?? { kind: "bullmq", name: randomUUID() } }))
}

const onRedis = "on a Redis server; add its address: --queue redis://host:6379"
const inDatabase = "in the database until the job is done; leave --queue out"

/** The dispatcher of a submitted job. */
export const layer = (
  job: { readonly name: string; readonly number: number; readonly settings: Journal.Settings },
  { database, queue }: Servers
): Layer.Layer<Dispatcher, DispatcherFailed | QueueDiffers> => {
  const { name, number, settings } = job
  if (settings.queue === undefined) return PgBoss.layer({ url: database, name: `job-${number}` })
  if (queue === undefined) return Layer.effect(Dispatcher, new QueueDiffers({ job: name, detail: onRedis }))
  return BullMq.layer({ url: queue, name: settings.queue.name })
}

/** Removes the queue of a job. Returns the keys of a queue on Redis, which stay: a command about a database knows no Redis. */
export const remove = (
  { number, settings }: { readonly number: number; readonly settings: Journal.Settings },
  { database }: Pick<Servers, "database">
): Effect.Effect<string | undefined, DispatcherFailed> =>
  Effect.as(
    PgBoss.remove({ url: database, name: `job-${number}` }),
    settings.queue && `${BullMq.prefix}:${settings.queue.name}:*`
  )
