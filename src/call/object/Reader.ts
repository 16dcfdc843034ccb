/**
 * Reads the events of an answer as a value that grows.
 */
import * as Effect from "effect/Effect"
import type { Part } from "../../claude/OutputFormat.ts"
import * as StreamEvent from "../../claude/StreamEvent.ts"
import * as Turn from "../turn.ts"
import * as Growth from "./Growth.ts"
import * as Start from "./Start.ts"

export interface Reader {
  /** Reads events. Returns a snapshot for each event after which there is something new to show. */
  readonly read: (events: ReadonlyArray<StreamEvent.StreamEvent>) => Effect.Effect<ReadonlyArray<unknown>>
  /** The complete items of a list at the root. */
  readonly items: () => ReadonlyArray<unknown>
  /** Whether text other than white space came before the value. */
  readonly hasProse: () => boolean
  /** Whether the text is the JSON of the value and nothing else. The last snapshot then has the whole value. */
  readonly isExact: () => boolean
}

/** The reader of one answer. Text before a server tool is commentary, so the value starts again after it. */
export const make = (part: Part, rootKey: string): Reader => {
  let start = Start.make()
  let growth = Growth.make(part)
  return {
    read: Effect.fnUntraced(function* (events) {
      const snapshots: Array<unknown> = []
      let pieces: Array<string> = []
      for (const event of events) {
        if (event.type === "content_block_start" && Turn.isServerTool(event.content_block.type)) {
          snapshots.push(...(yield* growth.push(pieces)))
          pieces = []
          start = Start.make()
          growth = Growth.make(part)
        }
        const text = StreamEvent.text(event)
        const json = text === "" ? "" : start.take(text)
        if (json !== "") pieces.push(json)
      }
      return pieces.length === 0 ? snapshots : [...snapshots, ...(yield* growth.push(pieces))]
    }),
    items: () => growth.items(rootKey),
    hasProse: () => start.hasProse(),
    isExact: () => !start.hasProse() && growth.isJson()
  }
}
