import { assert, describe, it } from "@effect/vitest"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Dataset from "../../../src/pipeline/Dataset.ts"
import * as Columns from "../../../src/run/mapJob/Columns.ts"
import { folder } from "../cli.ts"

describe("Columns", () => {
  it.effect("knows all columns of a file with a header, also without rows", () =>
    Effect.gen(function* () {
      for (const text of ["id,first name\n1,Ada\n", "id,first name\n"]) {
        const sample = yield* sampleOf("people.csv", text)
        for (const name of ["id", " first name ", "id?"]) assert.isUndefined(Columns.problemOf(name, sample), name)
        const problem = 'there is no column "name"; the nearest are "id", "first name"'
        assert.isTrue(Columns.has("first name", sample))
        assert.isFalse(Columns.has("name", sample))
        for (const name of ["name", "name?"]) assert.strictEqual(Columns.problemOf(name, sample), problem)
      }
    })
  )

  it.effect("looks at the first rows of other files: a column is known if one of them has it", () =>
    Effect.gen(function* () {
      const sample = yield* sampleOf("people.jsonl", '{"id":1,"author":{"name":"Ada"}}\n[]\n{"note":"x"}\n')
      for (const name of ["id", "author.name", "note", "other?"])
        assert.isUndefined(Columns.problemOf(name, sample), name)
      assert.isTrue(Columns.has("note", sample))
      assert.isFalse(Columns.has("author.name", sample))
      assert.strictEqual(
        Columns.problemOf("author.nme", sample),
        'there is no column "author.nme"; the nearest are "author.name", "author", "note", "id"'
      )
    })
  )

  it.effect("counts the rows in which a column is there and empty, unless some may lack it", () =>
    Effect.gen(function* () {
      const sample = yield* sampleOf("people.jsonl", '{"a":"","b":"x"}\n{"a":null,"b":" "}\n{"a":0}\n')
      assert.deepStrictEqual(
        ["a", "b", "c", "a?"].map((name) => Columns.emptyIn(name, sample)),
        [2, 1, 0, 0]
      )
    })
  )

  it.effect("knows nothing of an input without rows", () =>
    Effect.gen(function* () {
      assert.isUndefined(Columns.problemOf("id", yield* sampleOf("none.jsonl", "")))
    })
  )
})

// Builders

const sampleOf = (name: string, text: string) => {
  const file = join(folder(0).path, name)
  writeFileSync(file, text)
  return Effect.provide(Columns.sample(Dataset.fromFile(Columns.Row, file)), NodeServices.layer)
}
