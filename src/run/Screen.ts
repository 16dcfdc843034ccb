/**
 * A live picture at the bottom of a terminal. Everything else that is written to the terminal while the picture is shown
 * (log lines, a job's own output) is printed above it: clear, print, redraw. Lines of the picture are cut to the width of
 * the terminal, so they never wrap.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { createLogUpdate } from "log-update"
import sliceAnsi from "slice-ansi"
import { type Output, Outputs } from "./Outputs.ts"

export { type Output, Outputs } from "./Outputs.ts"

/** A picture on stderr. */
export interface Screen {
  readonly columns: () => number
  readonly rows: () => number
  readonly draw: (lines: ReadonlyArray<string>) => void
  readonly clear: () => void
}

/** Terminals disagree about the width of some characters, so a line that fits by our count may still be too long. */
const wrapOff = "\u001b[?7l"
const wrapOn = "\u001b[?7h"

/** Opens a picture for as long as the scope is open; its last state stays on the terminal. */
export const open: Effect.Effect<Screen, never, Scope.Scope> = Effect.gen(function* () {
  const { stderr, stdout } = yield* Outputs
  const update = createLogUpdate(stderr)
  const columns = () => stderr.columns ?? 80
  let picture: string | undefined
  let drawing = false
  const whileDrawing = (f: () => void) => {
    drawing = true
    f()
    drawing = false
  }
  const redraw = () =>
    whileDrawing(() => {
      if (picture === undefined) return
      stderr.write(wrapOff)
      update(picture)
      stderr.write(wrapOn)
    })
  const above = (print: () => void) => {
    whileDrawing(() => picture !== undefined && update.clear())
    print()
    redraw()
  }
  yield* Effect.addFinalizer(() => Effect.sync(() => whileDrawing(update.done)))
  for (const output of new Set(stdout.isTTY ? [stderr, stdout] : [stderr])) {
    yield* Effect.acquireRelease(
      Effect.sync(() => intercept(output, () => drawing, above)),
      (restore) => Effect.sync(restore)
    )
  }
  return {
    columns,
    rows: () => stderr.rows ?? 24,
    clear: () => {
      whileDrawing(update.clear)
      picture = undefined
    },
    draw: (lines) => {
      picture = lines.map((line) => fit(line, columns() - 1)).join("\n")
      redraw()
    }
  }
})

/** The first columns of a text; wide characters count as two. A cut is marked with an ellipsis. */
export const fit = (text: string, columns: number): string => {
  if (isWithin(text, columns)) return text
  const start = sliceAnsi(text, 0, columns - 1)
  return `${isWithin(start, columns - 1) ? start : sliceAnsi(text, 0, columns - 2)}…`
}

/** `sliceAnsi` keeps a wide character that begins in the last column, so it is asked for one more. */
const isWithin = (text: string, columns: number) => sliceAnsi(`${text}|`, 0, columns + 1).endsWith("|")

/**
 * Replaces the `write` of a stream by one that prints complete lines through `above`; gives what undoes it. The rest of
 * a line waits for its end, since the picture cannot be drawn in the middle of a line.
 */
const intercept = (output: Output, isOwn: () => boolean, above: (print: () => void) => void) => {
  const original = output.write
  const write = (chunk: string | Uint8Array): unknown => Reflect.apply(original, output, [chunk])
  const decoder = new TextDecoder()
  let rest = ""
  output.write = (chunk: string | Uint8Array, ...others: ReadonlyArray<unknown>) => {
    if (isOwn()) return write(chunk) === true
    rest += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true })
    const end = rest.lastIndexOf("\n") + 1
    const lines = rest.slice(0, end)
    rest = rest.slice(end)
    if (lines !== "") above(() => write(lines))
    const callback = others.at(-1)
    if (typeof callback === "function") queueMicrotask(() => callback())
    return true
  }
  return () => {
    if (rest !== "") above(() => write(`${rest}\n`))
    output.write = original
  }
}
