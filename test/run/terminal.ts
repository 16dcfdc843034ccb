/**
 * A terminal in memory: it holds all visible lines, including the lines that have scrolled away. It wraps
 * lines at its width and understands the cursor movements and deletions that programs use for a live picture.
 */
import { Writable } from "node:stream"
import sliceAnsi from "slice-ansi"

export class FakeTerminal extends Writable {
  readonly isTTY: boolean = true
  readonly rows: number
  columns: number
  /** The number of times that a line was wrapped. */
  wraps = 0
  #wraps = true
  /** The rows that continue the row above. */
  readonly #continued = new Set<number>()
  #lines: Array<Array<string>> = [[]]
  #row = 0
  #column = 0

  constructor(columns: number, rows = 50) {
    super({ decodeStrings: false })
    this.rows = rows
    this.columns = columns
  }

  /** The lines, without spaces at their ends. */
  get lines(): ReadonlyArray<string> {
    const lines = this.#lines.map((cells) => cells.join("").trimEnd())
    while (lines.at(-1) === "") lines.pop()
    return lines
  }

  /** The lines as they were written, before they were wrapped. */
  get unwrapped(): ReadonlyArray<string> {
    const lines: Array<string> = []
    for (const [row, cells] of this.#lines.entries()) {
      const before = this.#continued.has(row) ? (lines.pop() ?? "") : ""
      lines.push(before + cells.join(""))
    }
    while (lines.at(-1) === "") lines.pop()
    return lines
  }

  override _write(chunk: string | Uint8Array, _: unknown, done: () => void) {
    const text = typeof chunk === "string" ? chunk : new TextDecoder().decode(chunk)
    // oxlint-disable-next-line no-control-regex -- control sequences begin with one
    for (const [part, count, command] of text.matchAll(/\u001b\[\??(\d*)([A-Za-z])|\n|\r|[^]/gu)) {
      if (command !== undefined) this.#control(command, count === "" ? undefined : Number(count))
      else if (part === "\n") this.#moveTo(this.#row + 1, 0)
      else if (part === "\r") this.#column = 0
      else this.#put(part)
    }
    done()
  }

  #moveTo(row: number, column: number) {
    this.#row = Math.max(0, row)
    this.#column = column
    while (this.#lines.length <= this.#row) this.#lines.push([])
  }

  #put(character: string) {
    const width = widthOf(character)
    if (this.#column + width > this.columns && !this.#wraps) this.#column = this.columns - width
    const wrapped = this.#column + width > this.columns
    if (wrapped) {
      this.wraps += 1
      this.#moveTo(this.#row + 1, 0)
      this.#continued.add(this.#row)
    }
    if (this.#column === 0 && !wrapped) this.#continued.delete(this.#row)
    const line = this.#lines[this.#row] ?? []
    while (line.length < this.#column) line.push(" ")
    line.splice(this.#column, width, character, ...Array.from({ length: width - 1 }, () => ""))
    this.#column += width
  }

  #control(command: string, count: number | undefined) {
    switch (command) {
      case "A":
        return this.#moveTo(this.#row - (count ?? 1), this.#column)
      case "B":
        return this.#moveTo(this.#row + (count ?? 1), this.#column)
      case "G":
        this.#column = (count ?? 1) - 1
        return
      case "K":
        this.#lines[this.#row] = count === 2 ? [] : (this.#lines[this.#row] ?? []).slice(0, this.#column)
        return
      case "h":
      case "l":
        if (count === 7) this.#wraps = command === "h"
        return
      case "J":
        this.#lines.splice(this.#row + 1)
        this.#lines[this.#row] = (this.#lines[this.#row] ?? []).slice(0, this.#column)
    }
  }
}

/** 0 for combining characters, 2 for wide ones. */
const widthOf = (character: string) => {
  const first = sliceAnsi(`${character}a`, 0, 1)
  return first === character ? 1 : first === "" ? 2 : 0
}
