import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Attachments from "../../../src/run/mapJob/Attachments.ts"

describe("Attachments", () => {
  it("takes paths from the folder of a file, of a pattern or of texts, else from the working folder", () => {
    const folders = [
      "in/a.csv",
      "a.csv",
      "/in/a.csv.gz",
      "in/b*.csv",
      "in/**/a.csv",
      "mails",
      "-",
      "sqlite:in/f.db?select 1"
    ]
    assert.deepStrictEqual(
      folders.map((data) => Attachments.make(["file"], data).folder),
      ["in", ".", "/in", "in", "in", "mails", ".", "."]
    )
  })

  it.effect("takes a list of files, and none where the column may be empty", () =>
    Effect.gen(function* () {
      const attachments = Attachments.make(["photo?"], "examples/rows.json")
      const typesOf = (row: Readonly<Record<string, unknown>>) =>
        Effect.map(Attachments.content(attachments, row), (blocks) => blocks.map(({ type }) => type))
      assert.deepStrictEqual(yield* typesOf({ photo: ["17-image.png", "28-citations.txt"] }), ["image", "document"])
      assert.deepStrictEqual(yield* typesOf({ photo: null }), [])
      assert.deepStrictEqual(yield* typesOf({}), [])
      assert.isUndefined(yield* Attachments.check(attachments, { photo: ["17-image.png", "https://example.com"] }))
      assert.deepStrictEqual(yield* Attachments.check(attachments, { photo: ["17-image.png", "17.png"] }), {
        path: ["photo"],
        issue: "examples/17.png: there is no such file; correct the path"
      })
    }).pipe(Effect.provide(NodeServices.layer))
  )
})
