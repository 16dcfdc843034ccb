import { assert, describe, it } from "@effect/vitest"
import { Dataset, Event, Job, type Journal } from "effect-claude"
import { TestClaude } from "effect-claude/testing"
import { Effect, Stream } from "effect"
import { calls, greetings, inFolder, names, people, Person } from "./jobs.ts"

describe("Claims", () => {
  it.effect(
    "claims the rows in pages of at most 256, and reports repeated keys across pages in the order of rows",
    () =>
      inFolder((files) =>
        Effect.gen(function* () {
          const pages: Array<number> = []
          const counting = (journal: Journal.Journal["Service"]) => ({
            ...journal,
            claim: (rows: ReadonlyArray<Journal.Row>) => {
              pages.push(rows.length)
              return journal.claim(rows)
            }
          })
          const source = people([...names(600), "person 1", "person 599", "person 599"])
          const summary = yield* files.runHere(Job.make({ ...greetings([]), source }), { limit: 1 }, counting)
          assert.deepStrictEqual(pages, [256, 256, 91])
          assert.deepInclude(summary, { total: 603, done: 1, pending: 599, invalid: 3 })
          assert.deepStrictEqual(
            summary.problems.map((problem) => /row \d+/.exec(problem)?.[0]),
            ["row 601", "row 602", "row 603"]
          )
        }).pipe(Effect.provide(files.state))
      ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("reports the rows that are done and the number of rows", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const source = Dataset.fromIterable("people", Person, [{ name: "Ann" }, { name: 7 }, { name: "Bob" }])
        const job = Job.make({ ...greetings([]), source })
        yield* files.run(job, { limit: 1 })
        const events: Array<string> = []
        yield* files.run(job, { limit: 1 }).pipe(
          Event.listen((event) =>
            Effect.sync(() => {
              if (event._tag === "rows-counted") events.push(`${event.done} of ${event.total}`)
            })
          )
        )
        assert.deepStrictEqual(events, ["1 of 2"])
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

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
})
