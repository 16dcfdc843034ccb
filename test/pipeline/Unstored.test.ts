import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type Answer, type ReplyStore, ReplyStoreFailed } from "../../src/claude/ReplyStore.ts"
import type { Restored } from "../../src/claude/StoredReply.ts"
import * as Unstored from "../../src/pipeline/Unstored.ts"
import { message } from "../fixtures.ts"

describe("replies that a database could not store", () => {
  it.effect("are stored once it works again, each once", () =>
    Effect.gen(function* () {
      const unstored = Unstored.make()
      const { database, replies } = store()
      const keeping = unstored.keep(replies)
      database.state = "fails"
      assert.instanceOf(yield* Effect.flip(keeping.save([answer("one"), answer("two")])), ReplyStoreFailed)
      assert.instanceOf(yield* Effect.flip(unstored.store(keeping)), ReplyStoreFailed)
      assert.strictEqual(unstored.size(), 2)
      database.state = "works"
      yield* unstored.store(keeping)
      yield* unstored.store(keeping)
      assert.deepStrictEqual([unstored.size(), database.saved], [0, ["one", "two"]])
    })
  )

  it.effect("are not stored again where the commit was made, although it seemed to fail", () =>
    Effect.gen(function* () {
      const unstored = Unstored.make()
      const { database, replies } = store()
      database.state = "answers with an error"
      yield* Effect.flip(unstored.keep(replies).save([answer("one")]))
      database.state = "works"
      yield* unstored.store(replies)
      assert.deepStrictEqual([unstored.size(), database.saved], [0, ["one"]])
    })
  )

  it.effect("are forgotten where the database has lost their rows", () =>
    Effect.gen(function* () {
      const unstored = Unstored.make()
      const { database, replies } = store()
      database.state = "fails"
      yield* Effect.flip(unstored.keep(replies).save([answer("one"), answer("two")]))
      database.state = "works"
      database.rows.delete("one")
      yield* unstored.store(replies)
      assert.deepStrictEqual([unstored.size(), database.saved], [0, ["two"]])
    })
  )
})

// Builders

const answer = (row: string): Answer => ({
  call: { row, path: "step", hash: "hash", occurrence: 0 },
  request: undefined,
  reply: { message: message(row), requestId: `request of ${row}`, origin: "api", rateLimits: undefined }
})

/** A store of two rows. */
const store = () => {
  const database = {
    state: "works",
    rows: new Set(["one", "two"]),
    saved: new Array<string>()
  }
  const stored = new Map<string, Restored>()
  const failed = new ReplyStoreFailed({ detail: "the database is away" })
  const replies: ReplyStore = {
    ...unused,
    find: ({ row }) => {
      if (database.state === "fails") return Effect.fail(failed)
      return database.rows.has(row) ? Effect.succeed(stored.get(row)) : Effect.die(`row ${row} was never claimed`)
    },
    save: (answers) => {
      if (database.state === "fails") return Effect.fail(failed)
      for (const { call, reply } of answers) {
        stored.set(call.row, reply)
        database.saved.push(call.row)
      }
      return database.state === "works" ? Effect.void : Effect.fail(failed)
    }
  }
  return { database, replies }
}

const unused = {
  intend: () => Effect.void,
  sent: () => Effect.void,
  ended: () => Effect.void,
  unfinished: Effect.succeed([]),
  knows: () => Effect.succeed(false)
}
