import { linkSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs"
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Dataset } from "effect-claude"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Schema from "effect/Schema"
import * as Destinations from "../../src/pipeline/Destinations.ts"

describe("the files that a run writes", () => {
  it.effect("are different files, under all names, also if they do not exist yet", () =>
    inFolder(({ at, check }) =>
      Effect.gen(function* () {
        mkdirSync(at("folder"))
        symlinkSync(at("folder"), at("link"))
        writeFileSync(at("old.jsonl"), "")
        linkSync(at("old.jsonl"), at("hard.jsonl"))
        const input = at("people.csv")
        for (const [output, rejects] of [
          [at("new.jsonl"), `${at("folder")}/../new.jsonl`],
          [at("folder/new.jsonl"), at("link/new.jsonl")],
          [at("link/deep/new.jsonl"), at("folder/deep/new.jsonl")],
          [at("old.jsonl"), at("hard.jsonl")]
        ] as const) {
          assert.strictEqual(
            yield* check(input, { output, rejects }),
            `${rejects}: this is the output too; write the invalid rows to another file`
          )
        }
        assert.include(
          yield* check(input, { output: at("a.jsonl"), state: at("a.jsonl") }),
          "keep the state in another"
        )
        const failures = at("a.failures.jsonl")
        assert.include(
          yield* check(input, { failures, rejects: failures }),
          "which is next to the output; write the inval"
        )
        assert.strictEqual(yield* check(input, { output: at("a.jsonl"), rejects: at("b.jsonl"), state: at("c") }), "")
        assert.deepStrictEqual(readdirSync(at(".")).toSorted(), ["folder", "hard.jsonl", "link", "old.jsonl"])
      })
    )
  )

  it.effect("are no files of the input, and none that a pattern of it finds once it exists", () =>
    inFolder(({ at, check }) =>
      Effect.gen(function* () {
        for (const name of ["a.csv", "b.csv"]) writeFileSync(at(name), "id\n1\n")
        const [pattern, found] = [at("*.csv"), "the folder or the pattern of the input would include this file"]
        assert.include(yield* check(pattern, { output: at("b.csv") }), "this is the input; write the output to another")
        assert.include(yield* check(pattern, { rejects: at("d.csv") }), found)
        assert.include(yield* check(at("*"), { state: at("out.state.sqlite") }), found)
        assert.include(yield* check(at("*"), { state: at("state") }), found)
        assert.strictEqual(yield* check(pattern, { output: at("d.jsonl"), state: at("d.state.sqlite") }), "")
        assert.strictEqual(yield* check(at("a.csv"), { output: at("d.csv") }), "")
        assert.deepStrictEqual(readdirSync(at(".")).toSorted(), ["a.csv", "b.csv"])
      })
    )
  )

  it.effect("are not in a folder of texts that is the input, unless their names begin with a dot", () =>
    inFolder(({ at, check }) =>
      Effect.gen(function* () {
        mkdirSync(at("mails"))
        writeFileSync(at("mails/one.txt"), "Hello")
        assert.include(yield* check(at("mails"), { state: at("mails/a/x.sqlite") }), "keep the state in another file")
        assert.include(
          yield* check(`${at("mails")}/`, { output: at("mails/x.jsonl") }),
          "write the output to another file"
        )
        for (const state of ["mails/.state/x.sqlite", "mails/.x.sqlite", "mails.sqlite", "x.sqlite"]) {
          assert.strictEqual(yield* check(at("mails"), { state: at(state) }), "")
        }
      })
    )
  )
})

/** Checks files in a temporary folder; gives the message of the failure, or nothing. */
const inFolder = <A, E, R>(test: (files: Effect.Success<typeof makeFiles>) => Effect.Effect<A, E, R>) =>
  Effect.flatMap(makeFiles, test).pipe(Effect.scoped, Effect.provide(NodeServices.layer))

const makeFiles = Effect.gen(function* () {
  const folder = yield* FileSystem.FileSystem.use((fs) => fs.makeTempDirectoryScoped())
  return {
    at: (name: string) => `${folder}/${name}`,
    check: (input: string, destinations: Destinations.Destinations) =>
      Effect.match(Destinations.check(Dataset.fromFile(Schema.Unknown, input), destinations), {
        onFailure: ({ message }) => message,
        onSuccess: () => ""
      })
  }
})
