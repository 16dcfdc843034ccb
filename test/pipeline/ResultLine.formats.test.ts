import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Dataset } from "effect-claude"
import { NodeCompression } from "effect-claude/node"
import { Effect, FileSystem, Result, Schema, Stream } from "effect"
import * as ResultLine from "../../src/pipeline/ResultLine.ts"

/** UTF-8, and so every format but JSON, has no half characters. */
const Text = Schema.String.check(Schema.makeFilter((text) => text.isWellFormed()))

/** JSON has no -0. */
const isPositiveZero = Schema.makeFilter((number: number) => !Object.is(number, -0))
const Whole = Schema.Int.check(isPositiveZero)
const Part = Schema.Finite.check(isPositiveZero)

const Answer = Schema.Struct({
  text: Text,
  topic: Schema.Literals(["a b", 'c,"d"']),
  urgent: Schema.Boolean,
  count: Whole,
  score: Part,
  large: Schema.BigInt,
  at: Schema.Date,
  bytes: Schema.Uint8Array,
  amount: Schema.NullOr(Part),
  note: Schema.optionalKey(Schema.NonEmptyString.check(Schema.makeFilter((text) => text.isWellFormed()))),
  tags: Schema.Array(Text),
  people: Schema.Array(Schema.Struct({ name: Text, age: Schema.optionalKey(Whole), is: Schema.NullOr(Schema.Boolean) }))
})

const formats = ["jsonl.gz", "json", "csv", "tsv.zst", "parquet"]

describe("results read back with their schema", () => {
  for (const format of formats) {
    it.effect.prop(
      `from .${format}`,
      [Schema.NonEmptyArray(Answer), Schema.NonEmptyArray(Text), Schema.NonEmptyArray(Schema.Array(Whole))],
      ([answers, texts, lists]) =>
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* writtenAndRead(Answer, answers, format), [...answers])
          assert.deepStrictEqual(yield* writtenAndRead(Text, texts, format), [...texts])
          assert.deepStrictEqual(yield* writtenAndRead(Schema.Array(Whole), lists, format), [...lists])
        }).pipe(Effect.scoped, Effect.provide([NodeServices.layer, NodeCompression.layer])),
      { arbitrary: { runs: 25 } }
    )
  }
})

const writtenAndRead = Effect.fnUntraced(function* <A>(
  schema: Schema.Codec<A, unknown>,
  values: ReadonlyArray<A>,
  ending: string
) {
  const folder = yield* FileSystem.FileSystem.use((fs) => fs.makeTempDirectoryScoped())
  const path = `${folder}/results.${ending}`
  const encode = ResultLine.encode(schema)
  const lines = Stream.mapEffect(Stream.fromIterable([...values.entries()]), ([key, value]) =>
    encode(String(key), value)
  )
  yield* Dataset.write(path, lines)
  const rows = yield* Stream.runCollect(Dataset.fromFile(schema, path).rows)
  return rows.map((row) => (Result.isSuccess(row) ? row.success.value : row.failure.message))
})
