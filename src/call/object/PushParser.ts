/**
 * Pushes text into `jsonriver`, which pulls it from an async iterator. The parser reuses and mutates its objects, and
 * reports each value that is complete. No other module uses it.
 */
import * as Effect from "effect/Effect"
import { parse } from "jsonriver"

/** A complete value, and its keys from the root. The keys of a list are numbers. */
export interface Complete {
  readonly value: unknown
  readonly path: ReadonlyArray<string | number>
}

export interface PushParser {
  /** Parses a piece of text, and returns whether the value has changed. After text that is not JSON, nothing changes it. */
  readonly push: (text: string) => Effect.Effect<boolean>
  /** The value so far, which the parser mutates; undefined before its first character. */
  readonly root: () => unknown
  /** Whether the root is complete. */
  readonly isComplete: () => boolean
  /** Whether a piece was not JSON, had more than white space after the root, or was nested too deep. */
  readonly isBroken: () => boolean
}

/** The most levels of a value that is shown while it arrives. The path of each part costs time and memory for each level. */
export const deepest = 1000

/** A parser of one value. `onComplete` runs for each part that is complete, and for the root last. */
export const make = (onComplete: (complete: Complete) => void): PushParser => {
  let root: unknown
  let isComplete = false
  let isBroken = false
  let hasChanged = false
  let give: ((text: IteratorResult<string>) => void) | undefined
  let onIdle: (() => void) | undefined

  const idle = () => {
    const call = onIdle
    onIdle = undefined
    call?.()
  }
  // The parser asks for text when it has used up all that it has.
  const ask = () =>
    new Promise<IteratorResult<string>>((resolve) => {
      give = resolve
      idle()
    })
  const values = parse(
    { [Symbol.asyncIterator]: () => ({ next: ask }) },
    {
      completeCallback: (value, info) => {
        if (isBroken) return
        const path = info.segments()
        if (path.length > deepest) return void (isBroken = true)
        if (path.length === 0) {
          root = value
          isComplete = true
        }
        onComplete({ value, path })
      }
    }
  )
  const stop = () => {
    isBroken = true
    idle()
  }
  const read = (): void => {
    values.next().then((result) => {
      // The text never ends for the parser: at an end, it would take a cut number for a whole one.
      if (result.done) return stop()
      root = result.value
      hasChanged = true
      read()
    }, stop)
  }
  read()

  return {
    push: (text) =>
      Effect.callback((resume) => {
        if (isBroken || text === "" || give === undefined) return resume(Effect.succeed(false))
        hasChanged = false
        onIdle = () => resume(Effect.succeed(hasChanged))
        give({ done: false, value: text })
      }),
    root: () => root,
    isComplete: () => isComplete,
    isBroken: () => isBroken
  }
}
