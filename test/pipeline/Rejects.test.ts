import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Dataset, Job } from "effect-claude"
import { TestClaude } from "effect-claude/testing"
import { Effect } from "effect"
import { greetings, inFolder, Person } from "./jobs.ts"

const linesOf = (path: string): ReadonlyArray<unknown> =>
  readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line): unknown => JSON.parse(line))

describe("the file of invalid rows", () => {
  it.effect("has all of them with their places, reasons and contents, also when a later run finds the same input", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const input = files.path("people.csv")
        const rejects = files.path("rejects.jsonl")
        const lines = Array.from({ length: 30 }, (_, index) => `person ${index},`)
        writeFileSync(input, ["name,age", "Ann,1", "Bob", ",2,3", "Ann,4", ...lines, ...lines].join("\n"))
        const job = Job.make({ ...greetings([]), source: Dataset.fromFile(Person, input) })
        for (const limit of [10, 100]) {
          const summary = yield* files.run(job, { rejects, limit })
          assert.deepInclude(summary, { total: 64, invalid: 33, problems: [], rejectsFile: rejects })
          const rejected = linesOf(rejects)
          assert.lengthOf(rejected, 33)
          const advice = "put quotes around a cell with a delimiter in it"
          assert.deepStrictEqual(rejected.slice(0, 3), [
            {
              place: `${input} line 3`,
              reason: "record 3 has 1 cell, and the header 2; add the cells that are missing",
              row: ["Bob"]
            },
            {
              place: `${input} line 4`,
              reason: `record 4 has 3 cells, and the header 2; ${advice}`,
              row: ["", "2", "3"]
            },
            {
              place: `${input} line 5`,
              reason: 'an earlier row has the key "Ann" too',
              row: { name: "Ann", age: "4" }
            }
          ])
        }
        const summary = yield* files.run(job, {})
        assert.deepInclude(summary, { done: 31, invalid: 33 })
        assert.lengthOf(summary.problems, 20)
        writeFileSync(input, "name,age\nAnn,1\n")
        assert.notProperty(yield* files.run(job, { rejects }), "rejectsFile")
        assert.isFalse(existsSync(rejects))
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("has a row that does not fit the schema, or has no key, as the input has it", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const source = Dataset.fromIterable("people", Person, [{ name: "Ann" }, { name: 7n }, { name: "\u0000" }])
        const rejects = files.path("rejects.csv")
        yield* files.run(Job.make({ ...greetings([]), source }), { rejects })
        assert.strictEqual(
          readFileSync(rejects, "utf8"),
          'place,reason,row\r\npeople row 2,"""name"" must be a string, got 7n","{""name"":""7""}"\r\n' +
            'people row 3,its key has the character U+0000; remove it,"{""name"":""\\u0000""}"\r\n'
        )
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("never replaces or removes a file of something else", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const source = Dataset.fromIterable("people", Person, [{ name: "Ann" }])
        const job = Job.make({ ...greetings([]), source })
        yield* files.run(job)
        const results = readFileSync(files.output, "utf8")
        writeFileSync(files.path("notes.txt"), "notes")
        const { message } = yield* Effect.flip(files.run(job, { rejects: files.path("notes.txt") }))
        assert.match(message, /: has something else than invalid rows, and would be replaced; name another file/)
        assert.strictEqual(readFileSync(files.output, "utf8"), results)
        assert.strictEqual(readFileSync(files.path("notes.txt"), "utf8"), "notes")
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("is neither the input nor the output", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const input = files.path("people.csv")
        writeFileSync(input, "name\nAnn\n")
        const job = Job.make({ ...greetings([]), source: Dataset.fromFile(Person, input) })
        const asInput = yield* Effect.flip(files.run(job, { rejects: input }))
        assert.match(asInput.message, /people\.csv: this is the input; write the invalid rows to another file/)
        const asOutput = yield* Effect.flip(files.run(job, { rejects: files.output }))
        assert.match(asOutput.message, /out\.jsonl: this is the output too; write the invalid rows to another file/)
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )
})
