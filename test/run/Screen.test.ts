import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Screen from "../../src/run/Screen.ts"
import { FakeTerminal } from "./terminal.ts"

describe("Screen", () => {
  it.effect("replaces the picture, and leaves its last state", () =>
    Effect.gen(function* () {
      const terminal = new FakeTerminal(80)
      terminal.write("$ run\n")
      yield* on(terminal, (screen) => {
        screen.draw(["one", "two"])
        screen.draw(["three", "four"])
        assert.deepStrictEqual(terminal.lines, ["$ run", "three", "four"])
      })
      terminal.write("done\n")
      assert.deepStrictEqual(terminal.lines, ["$ run", "three", "four", "done"])
    })
  )

  it.effect("never wraps a line of the picture at any width, even with wide characters", () =>
    Effect.gen(function* () {
      for (const columns of [10, 40, 80, 120]) {
        const terminal = new FakeTerminal(columns)
        yield* on(terminal, (screen) => {
          for (const text of ["x".repeat(200), "報告書".repeat(50), "👩‍👩‍👧‍👦 e\u0301".repeat(50)]) screen.draw([text, text])
        })
        assert.strictEqual(terminal.wraps, 0)
        assert.lengthOf(terminal.lines, 2)
      }
    })
  )

  it.effect("follows the width of the window", () =>
    Effect.gen(function* () {
      const terminal = new FakeTerminal(20)
      yield* on(terminal, (screen) => {
        screen.draw(["x".repeat(30)])
        terminal.columns = 12
        screen.draw(["y".repeat(30)])
      })
      assert.deepStrictEqual(terminal.lines, [`${"y".repeat(10)}…`])
    })
  )

  it.effect("prints other output above the picture, in whole lines", () =>
    Effect.gen(function* () {
      const terminal = new FakeTerminal(80)
      const { write } = terminal
      yield* on(terminal, (screen) => {
        terminal.write("before\n")
        screen.draw(["picture", "status"])
        terminal.write("a log line\nand the ")
        assert.deepStrictEqual(terminal.lines, ["before", "a log line", "picture", "status"])
        terminal.write(new TextEncoder().encode("next"))
        terminal.write(" one\n")
        screen.draw(["picture", "status 2"])
        assert.deepStrictEqual(terminal.lines, ["before", "a log line", "and the next one", "picture", "status 2"])
        terminal.write("no end of line")
      })
      assert.strictEqual(terminal.write, write)
      assert.deepStrictEqual(terminal.lines.slice(3), ["no end of line", "picture", "status 2"])
    })
  )

  it.effect("calls back after a write, as streams do", () =>
    Effect.gen(function* () {
      const terminal = new FakeTerminal(80)
      yield* Effect.scoped(
        Effect.andThen(
          Screen.open.pipe(Effect.provideService(Screen.Outputs, { stdout: terminal, stderr: terminal })),
          Effect.callback<void>((resume) => void terminal.write("line\n", () => resume(Effect.void)))
        )
      )
      assert.deepStrictEqual(terminal.lines, ["line"])
    })
  )

  it.effect("does not change output that does not go to a terminal", () =>
    Effect.gen(function* () {
      const terminal = new FakeTerminal(80)
      const pipe = Object.assign(new FakeTerminal(80), { isTTY: false })
      const { write } = pipe
      yield* Effect.scoped(
        Effect.map(Screen.open, () => assert.strictEqual(pipe.write, write)).pipe(
          Effect.provideService(Screen.Outputs, { stdout: pipe, stderr: terminal })
        )
      )
    })
  )
})

/** Uses a screen on a terminal that has both streams. */
const on = (terminal: FakeTerminal, use: (screen: Screen.Screen) => void) =>
  Effect.scoped(Effect.map(Screen.open, use)).pipe(
    Effect.provideService(Screen.Outputs, { stdout: terminal, stderr: terminal })
  )
