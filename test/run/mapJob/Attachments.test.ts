import { resolve } from "node:path"
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as PlatformError from "effect/PlatformError"
import * as Attachments from "../../../src/run/mapJob/Attachments.ts"
import { fileInfo } from "../../fileInfo.ts"

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

  it.effect("lets fewer rows wait at once the larger their files are", () =>
    Effect.gen(function* () {
      const ofSize = (size: number) =>
        Effect.provide(
          Attachments.rowsAtOnce(Attachments.make(["file"], "a.csv"), [
            { file: ["x", "https://example.com/a.png"] },
            { file: "none" }
          ]),
          FileSystem.layerNoop({ stat: (path) => (path === "none" ? missing : sized(size)) })
        )
      // In Base64, with as many rows again that are read ahead: 250 MB / (4/3 · 1 MB) for a mean of 1 MB.
      assert.strictEqual(yield* ofSize(2_000_000), 187)
      assert.strictEqual(yield* ofSize(20_000), 18_750)
      assert.strictEqual(yield* ofSize(2_000_000_000), 8)
    })
  )

  it.effect("takes a list of files, and none where the column may be empty", () =>
    Effect.gen(function* () {
      const attachments = Attachments.make(["photo?"], "examples/rows.json")
      const typesOf = (row: Readonly<Record<string, unknown>>) =>
        Effect.map(Attachments.content(attachments, row), (blocks) => blocks.map(({ type }) => type))
      assert.deepStrictEqual(yield* typesOf({ photo: ["17-image.png", "28-citations.txt"] }), ["image", "document"])
      const path = resolve("examples/17-image.png")
      assert.deepStrictEqual(yield* typesOf({ photo: `  ${path}\n` }), ["image"])
      assert.deepStrictEqual(yield* typesOf({ photo: null }), [])
      assert.isUndefined(yield* Attachments.check(attachments, { photo: " " }))
      assert.deepStrictEqual(yield* Attachments.check(Attachments.make(["photo"], "a.csv"), { photo: " " }), {
        path: ["photo"],
        issue: 'names no file; write its path, or --file "photo?" for rows without one'
      })
      assert.deepStrictEqual(yield* typesOf({}), [])
      assert.isUndefined(
        yield* Attachments.check(attachments, { photo: ["17-image.png", "https://example.com/a.png"] })
      )
      assert.deepStrictEqual(yield* Attachments.check(attachments, { photo: "https://example.com/get?id=3" }), {
        path: ["photo"],
        issue: "https://example.com/get?id=3: the ending shows no image and no PDF; download it, and write its path"
      })
      assert.deepStrictEqual(yield* Attachments.check(attachments, { photo: ["17-image.png", "17.png"] }), {
        path: ["photo"],
        issue: "examples/17.png: there is no such file; correct the path"
      })
    }).pipe(Effect.provide(NodeServices.layer))
  )
})

// Builders

const missing = Effect.fail(PlatformError.systemError({ _tag: "NotFound", module: "FileSystem", method: "stat" }))

const sized = (size: number) => Effect.succeed(fileInfo("File", size))
