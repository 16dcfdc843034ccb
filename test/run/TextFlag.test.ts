import { assert, describe, it } from "@effect/vitest"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import * as TextFlag from "../../src/run/TextFlag.ts"
import { folder } from "./cli.ts"

describe("TextFlag", () => {
  it.effect("takes the text of the flag, and @@ for a text that begins with @", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* read("Say {{a}}\r\n."), "Say {{a}}\n.")
      assert.strictEqual(yield* read("@@ada says"), "@ada says")
    })
  )

  it.effect.each([
    { system: "Unix", bytes: Buffer.from("Sage es:\n  {{größe}}\n\n") },
    { system: "Windows, with a byte order mark", bytes: Buffer.from("\uFEFFSage es:\r\n  {{größe}}\r\n") },
    { system: "an old Mac", bytes: Buffer.from("Sage es:\r  {{größe}}") },
    { system: "PowerShell, in UTF-16", bytes: Buffer.from("\uFEFFSage es:\r\n  {{größe}}\r\n", "utf16le") },
    {
      system: "a tool of UTF-16 with the high byte first",
      bytes: Buffer.from("\uFEFFSage es:\n  {{größe}}", "utf16le").swap16()
    }
  ])("reads a file of $system", ({ bytes }) =>
    Effect.gen(function* () {
      const file = join(folder(0).path, "prompt.txt")
      writeFileSync(file, bytes)
      assert.strictEqual(yield* read(`@${file}`), "Sage es:\n  {{größe}}")
    })
  )

  it.effect("reads stdin", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* read("@-", ["a {{b", "}}\r\n"]), "a {{b}}")
    })
  )

  it.effect("names the flag and the file if it cannot be read", () =>
    Effect.gen(function* () {
      const missing = yield* Effect.flip(read("@nowhere.txt"))
      assert.include(missing.message, "--prompt @nowhere.txt: the file cannot be read; check the path, or write @@")
      const file = join(folder(0).path, "prompt.txt")
      writeFileSync(file, Buffer.from([0x61, 0xe9, 0x62]))
      assert.include((yield* Effect.flip(read(`@${file}`))).message, "the file is not UTF-8; save it as UTF-8")
    })
  )
})

// Builders

const read = (value: string, stdin: ReadonlyArray<string> = []) =>
  TextFlag.read("--prompt", value).pipe(
    Effect.provide([
      NodeServices.layer,
      Stdio.layerTest({ stdin: Stream.map(Stream.fromIterable(stdin), (text) => new TextEncoder().encode(text)) })
    ])
  )
