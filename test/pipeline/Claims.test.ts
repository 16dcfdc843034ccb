import { assert, describe, it } from "@effect/vitest"
import { Dataset, Event, Job, type Journal } from "effect-claude"
import { TestClaude } from "effect-claude/testing"
import { Effect } from "effect"
import { greetings, inFolder, names, people, Person } from "./jobs.ts"

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
})
