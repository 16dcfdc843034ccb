import { assert, describe, it } from "@effect/vitest"
import { Dataset, Job, Step } from "effect-claude"
import { NodeCompression } from "effect-claude/node"
import { TestClaude } from "effect-claude/testing"
import { Effect, FileSystem, Result, Schema, Stream } from "effect"
import { greetings, inFolder, notYou } from "./jobs.ts"

describe("an output that is no plain NDJSON", () => {
  it.effect("is written when the run ends, and again when a later run ends", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const output = files.path("out.jsonl.gz")
        yield* files.run(greetings(["Ann", "Bob"]), { output, limit: 1 })
        assert.deepStrictEqual(yield* valuesOf(output), ["hi"])
        yield* files.run(greetings(["Ann", "Bob"]), { output })
        assert.deepStrictEqual(yield* valuesOf(output), ["hi", "hi"])
        assert.isFalse(yield* FileSystem.FileSystem.use((fs) => fs.exists(`${output}.tmp`)))
      })
    ).pipe(Effect.provide([TestClaude.layer("hi"), NodeCompression.layer]))
  )

  it.effect("is written again if it was removed, and sends nothing", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const output = files.path("out.parquet")
        const fs = yield* FileSystem.FileSystem
        yield* files.run(greetings(["Ann"]), { output })
        yield* fs.remove(output)
        yield* files.run(greetings(["Ann"]), { output })
        assert.isTrue(yield* fs.exists(output))
        assert.strictEqual((yield* TestClaude.calls).length, 1)
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("has the types of the schema in Parquet, also without a value, and those of a Parquet input", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const input = files.path("people.parquet")
        yield* Dataset.write(input, Stream.make('{"key":"Ann","name":"Ann","born":"2024-02-29T12:00:00.000Z"}'), {
          results: Schema.Struct({ born: Schema.Date })
        })
        const output = Schema.Struct({ age: Schema.NullOr(Schema.Int), seen: Schema.optionalKey(Schema.Date) })
        const source = Dataset.fromFile(Schema.Struct({ name: Schema.String }), input)
        const step = Step.make("look", () => Effect.succeed<typeof output.Type>({ age: null }))
        const job = Job.make({ ...greetings([]), source, step, output, keepInput: true })
        yield* files.run(job, { output: files.path("out.parquet") })
        assert.deepStrictEqual(yield* typesOf(files.path("out.parquet")), {
          key: "STRING",
          born: "TIMESTAMP",
          name: "STRING",
          age: "INT64",
          seen: "TIMESTAMP"
        })
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("has the columns of the input beside failed rows too, where the job keeps them", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const source = Dataset.fromIterable("people", Schema.Struct({ name: Schema.String, city: Schema.String }), [
          { name: "Ann", city: "Oslo" }
        ])
        const failures = (keepInput?: true) =>
          Effect.gen(function* () {
            const job = Job.make({ ...greetings([]), source, key: ({ name }) => name, ...(keepInput && { keepInput }) })
            yield* files.run(job, { output: files.path("out.csv") })
            return yield* FileSystem.FileSystem.use((fs) => fs.readFileString(files.path("out.failures.csv")))
          })
        assert.match(yield* failures(true), /^key,name,city,error,message,.*\r\nAnn,Ann,Oslo,InvalidRequest,/)
        assert.match(yield* failures(), /^key,error,message,.*\r\nAnn,InvalidRequest,/)
      })
    ).pipe(Effect.provide(TestClaude.layer(notYou)))
  )

  it.effect("has its columns also without a row, and such a file is replaced by the next run", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        for (const ending of ["csv", "parquet", "json"]) {
          const output = files.path(`out.${ending}`)
          const job = { ...greetings(["Ann"]), name: ending }
          assert.deepInclude(yield* files.run(job, { output }), { failed: 1 })
          if (ending === "csv") {
            const text = yield* FileSystem.FileSystem.use((fs) => fs.readFileString(output))
            assert.strictEqual(text, "key,value\r\n")
          }
          assert.deepInclude(yield* files.run(job, { output }), { done: 1 })
          assert.deepStrictEqual(yield* valuesOf(output), ["hi"])
        }
      })
    ).pipe(Effect.provide(TestClaude.layer([notYou, "hi", notYou, "hi", notYou, "hi"])))
  )

  it.effect("is refused before anything is sent if it has content that the state does not know", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const output = files.path("out.parquet")
        yield* FileSystem.FileSystem.use((fs) => fs.writeFileString(output, "precious"))
        const error = yield* Effect.flip(files.run(greetings(["Ann"]), { output }))
        assert.match(error.message, /out\.parquet: has lines that this state does not know; move it away/)
        assert.strictEqual(yield* FileSystem.FileSystem.use((fs) => fs.readFileString(output)), "precious")
        assert.strictEqual((yield* TestClaude.calls).length, 0)
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("is refused before anything is sent if its folder or its ending does not do", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        yield* fs.writeFileString(files.path("file"), "")
        yield* fs.makeDirectory(files.path("folder.parquet"))
        const refusal = (output: string) => Effect.flip(files.run(greetings(["Ann"]), { output: files.path(output) }))
        assert.match((yield* refusal("file/out.parquet")).message, /there is a file where a folder should be/)
        assert.match((yield* refusal("folder.parquet")).message, /this is a folder/)
        assert.match((yield* refusal("out.xlsx")).message, /"\.xlsx" is not supported/)
        assert.match((yield* refusal("out.jsonl.gz")).message, /gzip needs NodeCompression\.layer/)
        assert.strictEqual((yield* TestClaude.calls).length, 0)
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("has a file of failures of the same kind", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const output = files.path("out.jsonl.gz")
        const { failuresFile } = yield* files.run(greetings(["Ann"]), { output, maxFailures: 1 })
        assert.strictEqual(failuresFile, files.path("out.failures.jsonl.gz"))
        const [row] = yield* Stream.runCollect(Dataset.fromFile(Failure, String(failuresFile)).rows)
        assert.deepStrictEqual(row && Result.isSuccess(row) && row.success.value, {
          key: "Ann",
          error: "InvalidRequest"
        })
      })
    ).pipe(Effect.provide([TestClaude.layer(notYou), NodeCompression.layer]))
  )
})

const Failure = Schema.Struct({ key: Schema.String, error: Schema.String })

const valuesOf = (path: string) =>
  Effect.map(Stream.runCollect(Dataset.fromFile(Schema.String, path).rows), (rows) =>
    rows.map((row) => (Result.isSuccess(row) ? row.success.value : row.failure.message))
  )

/** The types of the columns of a Parquet file. */
const typesOf = (path: string) =>
  Effect.promise(async () => {
    const { asyncBufferFromFile, parquetMetadataAsync } = await import("hyparquet")
    const { schema } = await parquetMetadataAsync(await asyncBufferFromFile(path))
    return Object.fromEntries(schema.slice(1).map(({ logical_type, name, type }) => [name, logical_type?.type ?? type]))
  })
