/**
 * Stores the results of rows. The outputs of finished rows are appended to the file of the job after their commit, all of a
 * commit at once.
 */
import * as Effect from "effect/Effect"
import type { Scope } from "effect/Scope"
import type { DatasetFailed } from "../Dataset.ts"
import * as GroupCommit from "./GroupCommit.ts"
import type { JournalFailed } from "./JournalError.ts"
import type { RowNumbers } from "./RowNumbers.ts"
import { states } from "./Tables.ts"
import type { Result, Writer } from "./Writes.ts"

/** Appends outputs, one line each. */
export type Append = (outputs: ReadonlyArray<string>) => Effect.Effect<void, DatasetFailed>

export interface Results {
  readonly finish: (key: string, output: string) => Effect.Effect<void, JournalFailed | DatasetFailed>
  readonly fail: (key: string, failure: string) => Effect.Effect<void, JournalFailed>
  readonly appendTo: (append: Append) => Effect.Effect<void>
}

/** The rows must be pending in this run. */
export const make = Effect.fnUntraced(function* (
  numbers: RowNumbers,
  { write }: Writer
): Effect.fn.Return<Results, never, Scope> {
  let file: Append | undefined
  const append = yield* GroupCommit.make((outputs: ReadonlyArray<string>) => file?.(outputs) ?? Effect.void)
  const record = (key: string, state: Result["state"], value: string) =>
    Effect.flatMap(numbers.find(key), ({ isOpen, number: row }) => {
      if (!isOpen) return Effect.die(`row ${key} is not pending in this run`)
      return Effect.map(write({ _tag: "Result", row, state, value }), () => numbers.forget(key))
    })
  return {
    finish: (key, output) =>
      Effect.flatMap(record(key, states.done, output), () => (file === undefined ? Effect.void : append(output))),
    fail: (key, failure) => record(key, states.failed, failure),
    appendTo: (append) =>
      Effect.sync(() => {
        file = append
      })
  }
})
