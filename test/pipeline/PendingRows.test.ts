import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Dataset, Job, type Journal } from "effect-claude"
import { TestClaude } from "effect-claude/testing"
import { Effect, FileSystem, Schema, Stream } from "effect"
import { calls, greetings, inFolder, names, people, Person } from "./jobs.ts"

describe("PendingRows", () => {
  it.effect("runs pending rows in the order of the input, wherever they are", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const odd = people(names(700).filter((_, index) => index % 2 === 1))
        yield* files.run(Job.make({ ...greetings([]), source: odd }))
        const before = (yield* calls).length
        assert.deepInclude(yield* files.run(greetings(names(700)), { concurrency: 1 }), { done: 700, pending: 0 })
        const asked = (yield* TestClaude.prompts).slice(before).map((prompt) => /person \d+/.exec(prompt)?.[0])
        assert.deepStrictEqual(
          asked,
          names(700).filter((_, index) => index % 2 === 0)
        )
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("decodes no other row when it reads the input again", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const decoded: Array<string> = []
        const Noted = Schema.Struct({
          name: Schema.String.check(Schema.makeFilter((name) => decoded.push(name) > 0))
        })
        const source = Dataset.fromIterable(
          "people",
          Noted,
          names(700).map((name) => ({ name }))
        )
        const job = Job.make({ ...greetings([]), source })
        yield* files.run(job, { limit: 650 })
        decoded.length = 0
        yield* files.run(job)
        assert.deepStrictEqual(decoded, [...names(700), ...names(700).slice(650)])
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("does not run a row whose key belonged to another row when the rows were claimed", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        let reads = 0
        const source = Dataset.fromIterable("people", Person, () =>
          ++reads === 1 ? [{ name: "Ann" }, { name: "Bob" }] : [{ name: "Bob" }, { name: "Ann" }]
        )
        const summary = yield* files.run(Job.make({ ...greetings([]), source }))
        assert.deepInclude(summary, { total: 2, done: 0, pending: 2, stopped: "input" })
        assert.lengthOf(yield* calls, 0)
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("does not read the input again when no row is pending", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        let reads = 0
        const source = { ...people(names(3)), pages: Stream.suspend(() => (reads++, people(names(3)).pages)) }
        const job = Job.make({ ...greetings([]), source })
        yield* files.run(job)
        reads = 0
        assert.deepInclude(yield* files.run(job), { done: 3 })
        assert.strictEqual(reads, 1)
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect(
    "runs what a file still has after it changed between the two reads, and claims it anew in the next run",
    () =>
      inFolder((files) =>
        Effect.gen(function* () {
          const path = files.path("people.jsonl")
          const write = (names: ReadonlyArray<string>) =>
            FileSystem.FileSystem.use((fs) =>
              fs.writeFileString(path, names.map((name) => `${JSON.stringify({ name })}\n`).join(""))
            ).pipe(Effect.orDie, Effect.provide(NodeServices.layer))
          const changing = (journal: Journal.Journal["Service"]) => ({
            ...journal,
            pending: (which: Journal.Which) =>
              Stream.unwrap(Effect.as(write(["Ann", "Cid", "Dan", "Eve"]), journal.pending(which)))
          })
          const job = Job.make({ ...greetings([]), source: Dataset.fromFile(Person, path) })
          yield* write(["Ann", "Bob", "Dan"])
          const first = yield* files.runHere(job, {}, changing)
          assert.deepInclude(first, { total: 3, done: 2, pending: 1, stopped: "input" })
          assert.deepInclude(yield* files.runHere(job), { total: 4, done: 4, pending: 0, stopped: undefined })
          assert.deepStrictEqual(
            (yield* files.lines).map((line) => /"key":"(\w+)"/.exec(line)?.[1]),
            ["Ann", "Cid", "Dan", "Eve"]
          )
          assert.lengthOf(yield* calls, 4)
        }).pipe(Effect.provide(files.state))
      ).pipe(Effect.provide(TestClaude.layer("hi")))
  )
})
