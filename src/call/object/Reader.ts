/**
 * Reads the events of an answer as a value that grows.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import type { Part } from "../../claude/OutputFormat.ts"
import * as StreamEvent from "../../claude/StreamEvent.ts"
import * as Turn from "../turn.ts"
import * as PartialValue from "./PartialValue.ts"
import * as JsonStart from "./JsonStart.ts"

export interface Reader {
  /**
   * Reads events that arrived together. Returns a snapshot for each piece of their text, or undefined where it shows
   * nothing new, and at most `most`.
   */
  readonly read: (events: ReadonlyArray<StreamEvent.StreamEvent>) => Effect.Effect<Arr.NonEmptyReadonlyArray<unknown>>
  /** The complete items of a list at the root. */
  readonly items: () => ReadonlyArray<unknown>
  /** Whether text other than white space came before the value. */
  readonly hasProse: () => boolean
  /** Whether the text is the JSON of the value and nothing else. The last snapshot then has the whole value. */
  readonly isExact: () => boolean
}

/** Text that arrives together, as from a cache, shows a value this many times: a slow consumer does not fall behind. */
const most = 8

const nothing = Effect.succeed(Arr.of(undefined))

/** The reader of one answer. Text before a server tool is commentary, so the value starts again after it. */
export const make = (part: Part, rootKey: string): Reader => {
  let start = JsonStart.make()
  let partial = PartialValue.make(part)
  return {
    read: (events) => {
      const pieces: Array<string> = []
      for (const event of events) {
        if (event.type === "content_block_start" && Turn.isServerTool(event.content_block.type)) {
          start = JsonStart.make()
          partial = PartialValue.make(part)
          pieces.length = 0
        }
        const text = StreamEvent.text(event)
        const json = text === "" ? "" : start.take(text)
        if (json !== "") pieces.push(json)
      }
      if (!Arr.isReadonlyArrayNonEmpty(pieces)) return nothing
      // Most reads bring one piece.
      if (pieces.length === 1) return Effect.map(partial.push(pieces[0]), Arr.of)
      const groups = Arr.chunksOf(pieces, Math.ceil(pieces.length / most))
      return Effect.forEach(groups, (group) => partial.push(group.join("")))
    },
    items: () => partial.items(rootKey),
    hasProse: () => start.hasProse(),
    isExact: () => !start.hasProse() && partial.isJson()
  }
}
