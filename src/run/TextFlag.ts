/**
 * Flags whose text may be in a file: `--prompt "text"`, `--prompt @file`, `--prompt @-` for stdin, and `--prompt @@text`
 * for a text that begins with @.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Result from "effect/Result"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { ExitWith } from "./ExitWith.ts"

/** The text of a flag. Lines end in LF, and the last line of a file has no end. */
export const read = Effect.fnUntraced(function* (flag: string, value: string) {
  if (!value.startsWith("@")) return withUnixLines(value)
  if (value.startsWith("@@")) return withUnixLines(value.slice(1))
  const path = value.slice(1)
  const refuse = (detail: string) => Effect.fail(new ExitWith(2, `${flag} ${value}: ${detail}`))
  const bytes = yield* Effect.catch(bytesOf(path), () =>
    refuse('the file cannot be read; check the path, or write @@ for a text that begins with "@"')
  )
  const text = Result.try(() => new TextDecoder(encodingOf(bytes), { fatal: true }).decode(bytes))
  if (Result.isFailure(text)) return yield* refuse("the file is not UTF-8; save it as UTF-8")
  return withUnixLines(text.success).replace(/\n+$/, "")
})

const bytesOf = Effect.fnUntraced(function* (path: string) {
  const fs = yield* FileSystem.FileSystem
  if (path !== "-") return yield* fs.readFile(path)
  const { stdin } = yield* Stdio.Stdio
  const chunks: Array<number> = []
  yield* Stream.runForEach(stdin, (chunk) => Effect.sync(() => void chunks.push(...chunk)))
  return Uint8Array.from(chunks)
})

/** Windows PowerShell writes UTF-16 with a byte order mark. The decoder removes the mark. */
const encodingOf = ([first, second]: Uint8Array): string => {
  if (first === 0xff && second === 0xfe) return "utf-16le"
  return first === 0xfe && second === 0xff ? "utf-16be" : "utf-8"
}

const withUnixLines = (text: string): string => text.replaceAll(/\r\n?/g, "\n")
