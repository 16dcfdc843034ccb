import { assert, describe, it } from "@effect/vitest"
import { Dataset, Event, Job, type Journal, Redact } from "effect-claude"
import { TestClaude } from "effect-claude/testing"
import { Effect, FileSystem, Schema } from "effect"
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

  it.effect("reports invalid rows without the secrets in them, and without those that the program names", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const key = `sk-ant-api03-${"x9Y8".repeat(20)}`
        const job = Job.make({ ...greetings([]), source: people([key, key, "Ann", "Ann"]) })
        const { problems } = yield* files
          .run(job)
          .pipe(Effect.provideService(Redact.Redactor, Redact.make({ patterns: [/Ann/] })))
        assert.lengthOf(problems, 2)
        assert.notMatch(problems.join(), /x9Y8|Ann/)
      })
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

  describe("of a file that has not changed", () => {
    it.effect("hold in the next run, which decodes the pending rows, one in 4,096, and those that are checked", () =>
      inFolder((files) =>
        Effect.gen(function* () {
          const decoded: Array<string> = []
          const { job, write } = fileJob(files, (name) => decoded.push(name) > 0)
          yield* write(names(5000))
          yield* files.run(job, { limit: 2 })
          decoded.length = 0
          const claimed: Array<number> = []
          const summary = yield* files.runHere(job, { limit: 3, concurrency: 1 }, (journal) => ({
            ...journal,
            claim: (rows) => (claimed.push(rows.length), journal.claim(rows))
          }))
          assert.deepInclude(summary, { total: 5000, done: 5, pending: 4995 })
          assert.deepStrictEqual(claimed, [])
          const checked = ["person 0", "person 1"]
          const pending = ["person 2", "person 3", "person 4"]
          // The one in 4,096 may be in a later page than the checked ones.
          const all = ["person 0", "person 4096", ...checked, ...pending]
          assert.deepStrictEqual(decoded.slice(0, 7).toSorted(), all.toSorted())
          assert.strictEqual((yield* calls).length, 5)
        }).pipe(Effect.provide(files.state))
      ).pipe(Effect.provide(TestClaude.layer("hi")))
    )

    it.effect("keep the messages on invalid rows", () =>
      inFolder((files) =>
        Effect.gen(function* () {
          const { job, write } = fileJob(files, (name) => name !== "Ann")
          yield* write(["Ann", "Bob", "Bob"])
          const { invalid, problems, total } = yield* files.run(job)
          assert.deepStrictEqual([total, invalid], [3, 2])
          assert.deepInclude(yield* files.run(job), { total, done: 1, invalid, problems })
        })
      ).pipe(Effect.provide(TestClaude.layer("hi")))
    )

    it.effect("are made again where an invalid row has become readable", () =>
      inFolder((files) =>
        Effect.gen(function* () {
          let refused = "Ann"
          const { job, write } = fileJob(files, (name) => name !== refused)
          yield* write(["Bob", "Ann"])
          assert.deepInclude(yield* files.run(job), { done: 1, invalid: 1 })
          refused = "nobody"
          assert.deepInclude(yield* files.run(job), { done: 2, invalid: 0, stopped: undefined })
        })
      ).pipe(Effect.provide(TestClaude.layer("hi")))
    )

    it.effect("are made again in the run after one that did not find its pending rows", () =>
      inFolder((files) =>
        Effect.gen(function* () {
          let prefix = ""
          const { job, write } = fileJob(files, () => true)
          const keyed = Job.make({ ...job, key: ({ name }) => (name === "Ann" ? name : `${prefix}${name}`) })
          yield* write(["Ann", "Bob"])
          yield* files.run(keyed, { limit: 1 })
          prefix = "Mr "
          assert.deepInclude(yield* files.run(keyed), { done: 1, pending: 1, stopped: "input" })
          assert.deepInclude(yield* files.run(keyed), { done: 2, pending: 0, stopped: undefined })
          assert.deepStrictEqual(yield* files.lines, ['{"key":"Ann","value":"hi"}', '{"key":"Mr Bob","value":"hi"}'])
        })
      ).pipe(Effect.provide(TestClaude.layer("hi")))
    )
  })

  it.effect("are made again for a file that has changed, and finished rows stay finished", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const { job, write } = fileJob(files, () => true)
        yield* write(["Ann", "Bob"])
        yield* files.run(job)
        yield* write(["Cid", "Bob"])
        assert.deepInclude(yield* files.run(job), { total: 2, done: 2, pending: 0, inputChanged: true })
        assert.deepInclude(yield* files.run(job), { inputChanged: false })
        yield* write(["Bob", "Cid"])
        assert.deepInclude(yield* files.run(job, { changed: "rerun" }), { inputChanged: false })
        yield* write(["Cid", "Bob"])
        yield* files.run(job)
        assert.deepStrictEqual(yield* files.lines, ['{"key":"Cid","value":"hi"}', '{"key":"Bob","value":"hi"}'])
        assert.lengthOf(yield* calls, 3)
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )
})

/** A job over a file of people, of whom it reads those that `accepts` is true of. */
const fileJob = (files: { readonly path: (name: string) => string }, accepts: (name: string) => boolean) => {
  const path = files.path("people.jsonl")
  const Accepted = Schema.Struct({ name: Schema.String.check(Schema.makeFilter(accepts)) })
  return {
    job: Job.make({ ...greetings([]), source: Dataset.fromFile(Accepted, path) }),
    write: (names: ReadonlyArray<string>) =>
      FileSystem.FileSystem.use((fs) =>
        fs.writeFileString(path, names.map((name) => `${JSON.stringify({ name })}\n`).join(""))
      )
  }
}
