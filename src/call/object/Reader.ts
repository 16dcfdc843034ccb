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
  /** Reads events that arrived together. Returns the snapshot after them; undefined if there is nothing new to show. */
  readonly read: (events: ReadonlyArray<StreamEvent.StreamEvent>) => Effect.Effect<unknown>
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
    read: (events) => {
      let json = ""
      for (const event of events) {
        if (event.type === "content_block_start" && Turn.isServerTool(event.content_block.type)) {
          start = Start.make()
          growth = Growth.make(part)
          json = ""
        }
        const text = StreamEvent.text(event)
        if (text !== "") json += start.take(text)
      }
      return json === "" ? Effect.undefined : growth.push(json)
    },
    items: () => growth.items(rootKey),
    hasProse: () => start.hasProse(),
    isExact: () => !start.hasProse() && growth.isJson()
  }
}
