import { assert, describe, it } from "@effect/vitest"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import { PassThrough } from "node:stream"
import * as Screen from "../../src/run/Screen.ts"
import * as Watch from "../../src/run/Watch.ts"
import { FakeTerminal } from "./terminal.ts"

describe("what is watched", () => {
  it.effect("is drawn in one place of a terminal every second, and printed when it ends", () =>
    Effect.gen(function* () {
      const terminal = new FakeTerminal(40, 3)
      const { advance, fiber, printed } = yield* watching(terminal)
      assert.deepStrictEqual(terminal.lines, ["now 0", "of 3"])
      yield* advance("1 second")
      assert.deepStrictEqual(terminal.lines, ["now 1", "of 3"])
      yield* advance("2 seconds")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(printed, ["now 3\nof 3\nmore"])
      assert.deepStrictEqual(terminal.lines, [])
    })
  )

  it.effect("is a line every 5 seconds elsewhere, and for programs", () =>
    Effect.gen(function* () {
      for (const [output, isForPrograms] of [
        [new PassThrough(), false],
        [new FakeTerminal(40), true]
      ] as const) {
        const { advance, fiber, printed } = yield* watching(output, isForPrograms)
        yield* advance("4 seconds")
        assert.deepStrictEqual(printed, ["0"])
        yield* advance("11 seconds")
        yield* Fiber.join(fiber)
        assert.deepStrictEqual(printed, ["0", "1", "2", "now 3\nof 3\nmore"])
      }
    })
  )
})

/** Watches a number that grows at each reading, up to 3. */
const watching = Effect.fnUntraced(function* (output: Screen.Output, isForPrograms = false) {
  const printed: Array<unknown> = []
  const console = { ...globalThis.console, log: (text: unknown) => void printed.push(text) }
  let now = 0
  const watched = Watch.watch(
    Effect.sync(() => now++),
    { hasEnded: (now) => now === 3, text: (now) => `now ${now}\nof 3\nmore`, lines: String, isForPrograms }
  )
  const fiber = yield* watched.pipe(
    Effect.provideService(Console.Console, console),
    Effect.provideService(Screen.Outputs, { stdout: output, stderr: output }),
    Effect.forkChild({ startImmediately: true })
  )
  return { fiber, printed, advance: TestClock.adjust }
})
