import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Dataset } from "effect-claude"
import { Effect, FileSystem, Path, Schema, Stream } from "effect"
import * as Fingerprint from "../../src/pipeline/Fingerprint.ts"
import * as KeyedRow from "../../src/pipeline/KeyedRow.ts"
import { names, people, Person } from "./jobs.ts"

type Named = typeof Person.Type

describe("the fingerprint of an input", () => {
  it.effect("is the same until a byte of the file changes", () =>
    withFile((write, read) =>
      Effect.gen(function* () {
        yield* write(lines(20_000))
        const before = yield* read(input)
        assert.match(String(before), /^[0-9a-f]{64} [0-9a-f]{64}$/)
        assert.strictEqual(yield* read(input), before)
        yield* write(lines(20_000).replace("person 12345", "Person 12345"))
        assert.notStrictEqual(yield* read(input), before)
        yield* write(`${lines(20_000)}\n`)
        assert.notStrictEqual(yield* read(input), before)
      })
    )
  )

  it.effect("changes with the code of the key and with what it calls", () =>
    withFile((write, read) =>
      Effect.gen(function* () {
        yield* write(lines(10))
        const keyed =
          (prefix: string) =>
          (source: Dataset.Dataset<Named>): KeyedRow.Input<Named> => ({ source, key: ({ name }) => `${prefix}${name}` })
        const a = yield* read(keyed("a"))
        assert.strictEqual(yield* read(keyed("a")), a)
        assert.notStrictEqual(yield* read(keyed("b")), a)
        assert.notStrictEqual(yield* read((source) => ({ source, key: (row) => `a${row.name}` })), a)
      })
    )
  )

  it.effect("changes with the schema and with the path", () =>
    withFile((write, read, path) =>
      Effect.gen(function* () {
        yield* write(lines(10))
        const before = yield* read(input)
        const Short = Schema.Struct({ name: Schema.String.check(Schema.isMaxLength(100)) })
        const changed = { source: Dataset.fromFile(Short, path), key: ({ name }: Named) => name }
        assert.notStrictEqual(yield* fingerprintOf(changed), before)
        const fs = yield* FileSystem.FileSystem
        yield* fs.rename(path, `${path}.jsonl`)
        assert.notStrictEqual(yield* fingerprintOf(input(Dataset.fromFile(Person, `${path}.jsonl`))), before)
      })
    )
  )

  it.effect("does not exist for rows from memory", () =>
    Effect.gen(function* () {
      assert.isUndefined(yield* fingerprintOf(input(people(names(3)))))
    }).pipe(Effect.provide(NodeServices.layer))
  )
})

const input = (source: Dataset.Dataset<Named>): KeyedRow.Input<Named> => ({ source, key: ({ name }) => name })

const lines = (count: number) =>
  names(count)
    .map((name) => `${JSON.stringify({ name })}\n`)
    .join("")

/** A file of rows that the test writes, and the fingerprint of an input that it makes of them. */
const withFile = <A, E, R>(
  test: (
    write: (text: string) => Effect.Effect<void>,
    read: (
      inputOf: (source: Dataset.Dataset<Named>) => KeyedRow.Input<Named>
    ) => Effect.Effect<string | undefined, Dataset.DatasetFailed, FileSystem.FileSystem>,
    path: string
  ) => Effect.Effect<A, E, R>
) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const path = (yield* Path.Path).join(yield* fs.makeTempDirectoryScoped(), "people.jsonl")
    return yield* test(
      (text) => Effect.orDie(fs.writeFileString(path, text)),
      (inputOf) => fingerprintOf(inputOf(Dataset.fromFile(Person, path))),
      path
    )
  }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))

const fingerprintOf = Effect.fnUntraced(function* (input: KeyedRow.Input<Named>) {
  const { add, end } = Fingerprint.make(input)
  yield* Stream.runForEach(KeyedRow.pages(input), add)
  return end()
})
