import { assert, describe, it } from "@effect/vitest"
import { Dataset, Job, Step } from "effect-claude"
import { TestClaude } from "effect-claude/testing"
import { Effect, FileSystem, Result, Schema, Stream } from "effect"
import * as InputColumns from "../../src/pipeline/InputColumns.ts"
import { inFolder } from "./jobs.ts"

describe("the columns of the input", () => {
  it.effect("are between the key and the result, as the input has them", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const input = files.path("mails.csv")
        yield* write(input, 'id,text,"a b"\n007,"Hello,\nyou",\n')
        yield* files.run(moods(input))
        assert.deepStrictEqual(yield* files.lines, [
          '{"key":"7","id":"007","text":"Hello,\\nyou","a b":"","mood":"good"}'
        ])
      })
    ).pipe(Effect.provide(answers))
  )

  it.effect("are in outputs of every format, and such an output reads back with the schema of the results", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const input = files.path("mails.csv")
        yield* write(input, "id,text\n7,Hello\n")
        for (const ending of ["jsonl", "csv", "tsv", "json", "parquet"]) {
          const output = files.path(`out.${ending}`)
          yield* files.run(moods(input), { output })
          assert.deepStrictEqual(yield* read(Mood, output), [{ mood: "good" }])
          assert.deepStrictEqual(yield* read(Texts, output), [{ id: "7", text: "Hello" }])
        }
        assert.strictEqual((yield* TestClaude.calls).length, 1)
      })
    ).pipe(Effect.provide(answers))
  )

  it.effect("are next to a result that is a text, which reads back as one", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const input = files.path("mails.csv")
        yield* write(input, "id,text\n7,Hello\n")
        const step = Step.text("greet", ({ text }: typeof Mail.Type) => text)
        const { output: _, ...job } = moods(input)
        const output = files.path("out.csv")
        yield* files.run(Job.make({ ...job, output: Schema.String, step }), { output })
        assert.strictEqual(
          yield* FileSystem.FileSystem.use((fs) => fs.readFileString(output)),
          "key,id,text,value\r\n7,7,Hello,12\r\n"
        )
        assert.deepStrictEqual(yield* read(Schema.String, output), ["12"])
      })
    ).pipe(Effect.provide(TestClaude.layer("12")))
  )

  it.effect("are refused before anything is sent if the results have one of them too", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const input = files.path("mails.csv")
        yield* write(input, "id,text,mood\n7,Hello,bad\n")
        const error = yield* Effect.flip(files.run(moods(input)))
        assert.strictEqual(
          error.message,
          `the column "mood" is in the input ${input} and in the results for ${files.output}; ` +
            "rename one of them, or leave the input columns out"
        )
        yield* files.run({ ...moods(input), keepInput: { except: ["mood"] } })
        assert.deepStrictEqual(yield* files.lines, ['{"key":"7","id":"7","text":"Hello","mood":"good"}'])
      })
    ).pipe(Effect.provide(answers))
  )

  it("make a row invalid if it alone has such a column", () => {
    const pick = InputColumns.picker({ keepInput: true, output: Mood })
    assert.deepStrictEqual(pick("1", { id: 1 }), Result.succeed({ id: 1 }))
    const problem = 'its column "mood" is a field of the results too; rename one of them'
    assert.deepStrictEqual(pick("1", { mood: 1 }), Result.fail(problem))
  })

  it("may have the key of the row as the column key, and nothing else", () => {
    const pick = InputColumns.picker({ keepInput: true, output: Mood })
    assert.deepStrictEqual(pick("1", { key: 1, id: 2 }), Result.succeed({ id: 2 }))
    assert.isTrue(Result.isFailure(pick("1", { key: 2 })))
  })

  it("are left out unless the job keeps them", () => {
    assert.deepStrictEqual(InputColumns.picker({ output: Mood })("1", { mood: 1 }), Result.succeed({}))
  })
})

const Mail = Schema.Struct({ id: Schema.Int, text: Schema.String })
const Texts = Schema.Struct({ id: Schema.String, text: Schema.String })
const Mood = Schema.Struct({ mood: Schema.Literals(["good", "bad"]) })

const answers = TestClaude.layer(TestClaude.object(Mood, { mood: "good" }))

const moods = (input: string) =>
  Job.make({
    name: "moods",
    source: Dataset.fromFile(Mail, input),
    key: ({ id }) => String(id),
    step: Step.object("mood", Mood, ({ text }: typeof Mail.Type) => text),
    output: Mood,
    sink: "unused.jsonl",
    keepInput: true
  })

const write = (path: string, text: string) => FileSystem.FileSystem.use((fs) => fs.writeFileString(path, text))

const read = <A>(schema: Schema.Codec<A, unknown>, path: string) =>
  Effect.map(Stream.runCollect(Dataset.fromFile(schema, path).rows), (rows) =>
    rows.map((row) => (Result.isSuccess(row) ? row.success.value : row.failure.message))
  )
