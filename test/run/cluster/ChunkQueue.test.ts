import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as ChunkQueue from "../../../src/run/cluster/ChunkQueue.ts"

const redis = "redis://someone:secret@127.0.0.1:6379"

describe("the queue of a submission", () => {
  it.effect("is the one in the database, or one on Redis with a name that no other job has", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* ChunkQueue.choose("mails", undefined, undefined), {})
      const [one, other] = [
        yield* ChunkQueue.choose("mails", undefined, redis),
        yield* ChunkQueue.choose("mails", undefined, redis)
      ]
      assert.strictEqual(one.queue?.kind, "bullmq")
      assert.notStrictEqual(one.queue?.name, other.queue?.name)
      assert.notInclude(JSON.stringify(one), "secret")
    })
  )

  it.effect("stays the same over submissions", () =>
    Effect.gen(function* () {
      const settings = yield* ChunkQueue.choose("mails", undefined, redis)
      for (const isOpen of [true, false]) {
        assert.deepStrictEqual(yield* ChunkQueue.choose("mails", { settings, isOpen }, redis), settings)
      }
    })
  )

  it.effect("does not change before the job is done", () =>
    Effect.gen(function* () {
      const settings = yield* ChunkQueue.choose("mails", undefined, redis)
      const away = yield* Effect.flip(ChunkQueue.choose("mails", { settings, isOpen: true }, undefined))
      assert.include(
        away.message,
        'the chunks of "mails" wait on a Redis server; add its address: --queue redis://host:6379'
      )
      const there = yield* Effect.flip(ChunkQueue.choose("mails", { settings: {}, isOpen: true }, redis))
      assert.include(there.message, "leave --queue out")
      assert.deepStrictEqual(yield* ChunkQueue.choose("mails", { settings, isOpen: false }, undefined), {})
    })
  )
})

describe("a process", () => {
  it.effect("does not work on a job whose chunks wait on Redis without the address, and shows the flag", () =>
    Effect.gen(function* () {
      const settings = yield* ChunkQueue.choose("mails", undefined, redis)
      const job = { name: "mails", number: 1, settings }
      const error = yield* Effect.flip(Layer.build(ChunkQueue.layer(job, { database: "postgres://127.0.0.1:1/none" })))
      assert.include(error.message, "add its address: --queue redis://host:6379")
    }).pipe(Effect.scoped)
  )
})
