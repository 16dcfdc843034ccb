import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Effect, Layer } from "effect"
import { Event } from "effect-claude"
import { Emulator } from "effect-claude/testing"
import { TestClock } from "effect/testing"
import * as Display from "../../src/run/Display.ts"
import * as Screen from "../../src/run/Screen.ts"
import { at, folder, program, runOf } from "./cli.ts"
import { standIn } from "./standIn.ts"
import { FakeTerminal } from "./terminal.ts"

const widths = [40, 80, 120]

describe("on a terminal", () => {
  it.live("a refused key is reported once, below a picture", () =>
    Effect.gen(function* () {
      const server = yield* Effect.promise(() => standIn(() => 401))
      for (const columns of widths) {
        const { lines, terminal } = yield* scene(columns, runOf(folder(80)), server.url)
        assert.match(lines[0] ?? "", /^mails ─+$/)
        assert.match(lines[1] ?? "", /^0\/80 rows · /)
        assert.match(lines[2] ?? "", /^\$0\.00 · /)
        assert.strictEqual(occurrences(lines, "Unauthenticated"), 1)
        assert.strictEqual(occurrences(lines, "invalid x-api-key"), 1)
        assert.match(lines[3] ?? "", /^0 of 80 rows are done/)
        assert.match(lines.at(-1) ?? "", /^Stopped: Unauthenticated \(401\): .* 80 rows are pending: /)
        assert.lengthOf(lines, 6)
        assert.isAtMost(terminal.lines.length, 3 + Math.ceil(500 / columns))
      }
      server.close()
    })
  )

  it.live("an unreachable API is reported in one line, without a picture", () =>
    Effect.gen(function* () {
      for (const columns of widths) {
        const { lines } = yield* scene(columns, runOf(folder(80)), "http://127.0.0.1:1")
        assert.lengthOf(lines, 1)
        assert.match(lines[0] ?? "", /^effect-claude: ANTHROPIC_BASE_URL is http:\/\/127\.0\.0\.1:1, .*ECONNREFUSED; /)
      }
    })
  )

  it.live("retries are counted in the picture, and print no lines", () =>
    Effect.gen(function* () {
      const faults: Emulator.Options = { faults: [{ kind: 529, rate: 0.1 }] }
      for (const columns of widths) {
        const emulator = Context.get(yield* Layer.build(Emulator.layerServer(faults)), Emulator.Emulator)
        const { lines } = yield* scene(columns, runOf(folder(50)), emulator.url)
        assert.match(lines[0] ?? "", /^mails ━+$/)
        assert.match(lines[1] ?? "", /^50\/50 rows · /)
        assert.match(lines[2] ?? "", /^emulated, worth \$0\.\d+/)
        const report = lines.slice(lines.findIndex((line) => line.startsWith("50 of 50 rows are done")))
        assert.match(report[1] ?? "", /^\d+ calls \([1-9]\d* retr(y|ies)\)/)
        assert.lengthOf(report, 4)
      }
    })
  )

  it.live("the logs of a job are above the picture, in one line each", () =>
    Effect.gen(function* () {
      const server = yield* Effect.promise(() => standIn())
      for (const columns of widths) {
        const files = { ...folder(20), job: "test/run/logging.job.ts" }
        const { lines } = yield* scene(columns, runOf(files), server.url)
        const logs = lines.slice(0, 20).map((line) => /^\d\d:\d\d:\d\d INFO answering mail (\d+)$/.exec(line)?.[1])
        assert.deepStrictEqual(new Set(logs), new Set(Array.from({ length: 20 }, (_, index) => String(index))))
        assert.match(lines[20] ?? "", /^mails ━+$/)
        assert.match(lines[21] ?? "", /^20\/20 rows · /)
        assert.match(lines.slice(22).join("\n"), /^.*\n(.*\n)?20 of 20 rows are done/)
      }
      server.close()
    })
  )

  it.effect("a long name in wide characters leaves room for the bar", () =>
    Effect.gen(function* () {
      for (const columns of widths) {
        const terminal = new FakeTerminal(columns)
        const job = Event.emit(() => ({ _tag: "rows-counted", total: 2, done: 0 })).pipe(
          Effect.andThen(Event.emit(() => ({ _tag: "row-finished", index: 0, succeeded: true })))
        )
        yield* shown(Display.show("報告書".repeat(40), job), terminal)
        assert.strictEqual(terminal.wraps, 0)
        assert.match(terminal.lines[0] ?? "", /^(報告書)+報?告?… ━+─+$/)
        assert.match(terminal.lines[1] ?? "", /^1\/2 rows/)
        assert.strictEqual(terminal.lines[2], "$0.00 · 0 tokens in, 0 out")
        assert.lengthOf(terminal.lines, 3)
      }
    })
  )

  it.effect("the latest failures have a line each, which ends with the run", () =>
    Effect.gen(function* () {
      for (const columns of [...widths, 60]) {
        const terminal = new FakeTerminal(columns)
        const job = failing(4).pipe(
          Effect.andThen(TestClock.adjust("1 second")),
          Effect.andThen(Effect.sync(() => terminal.lines))
        )
        const [during] = yield* shown(Display.show("mails", job), terminal)
        assert.lengthOf(during, 6)
        assert.match(during[1] ?? "", /^4\/9 rows · .*4 failed/)
        for (const [index, row] of [3, 2, 1].entries()) {
          assert.match(during[3 + index] ?? "", new RegExp(`^✗ row-${row}: OutputInvalid: .+`))
        }
        assert.lengthOf(terminal.lines, 3)
        assert.strictEqual(terminal.wraps, 0)
      }
    })
  )

  it.effect("a low terminal has a small picture, which leaves a line of it free", () =>
    Effect.gen(function* () {
      for (const rows of [2, 3, 4, 5, 6, 24]) {
        const terminal = new FakeTerminal(60, rows)
        const job = failing(4).pipe(
          Effect.andThen(TestClock.adjust("1 second")),
          Effect.andThen(Effect.sync(() => terminal.lines))
        )
        const [during] = yield* shown(Display.show("mails", job), terminal)
        assert.lengthOf(during, rows < 4 ? 1 : Math.min(6, rows - 1))
        assert.include(during.join("\n"), "4/9 rows")
      }
    })
  )

  it.effect("failures are red and what binds is yellow, unless the terminal has no colours", () =>
    Effect.gen(function* () {
      const job = failing(1).pipe(
        Effect.andThen(Event.emit(() => ({ _tag: "run-paced", calls: 4, paused: true }))),
        Effect.andThen(TestClock.adjust("1 second"))
      )
      const { terminal, written } = coloured(80)
      yield* shown(Display.show("mails", job), terminal)
      assert.include(written(), "\u001b[31m1 failed\u001b[39m")
      assert.include(written(), "\u001b[31m✗ row-0: ")
      assert.include(written(), "\u001b[33mpaused\u001b[39m")
      const plain = coloured(80, false)
      yield* shown(Display.show("mails", job), plain.terminal)
      assert.include(plain.written(), "✗ row-0: ")
      for (const color of [31, 33]) assert.notInclude(plain.written(), `\u001b[${color}m`)
    })
  )

  it.effect("a run that fails before its first finished row removes the picture", () =>
    Effect.gen(function* () {
      const terminal = new FakeTerminal(80)
      const job = Event.emit(() => ({ _tag: "rows-counted", total: 2, done: 0 })).pipe(
        Effect.andThen(TestClock.adjust("1 second")),
        Effect.andThen(Effect.sync(() => assert.match(terminal.lines[1] ?? "", /^0\/2 rows/))),
        Effect.andThen(Effect.fail("broken"))
      )
      assert.strictEqual(yield* Effect.flip(shown(Display.show("mails", job), terminal)), "broken")
      assert.deepStrictEqual(terminal.lines, [])
    })
  )
})

describe("without a terminal", () => {
  it.effect("a plain line appears every 5 seconds and at the end, once the rows are counted", () =>
    Effect.gen(function* () {
      const pipe = Object.assign(new FakeTerminal(200), { isTTY: false })
      const job = TestClock.adjust("11 seconds").pipe(
        Effect.andThen(Event.emit(() => ({ _tag: "rows-counted", total: 2, done: 0 }))),
        Effect.andThen(TestClock.adjust("10 seconds")),
        Effect.andThen(Clock.currentTimeMillis)
      )
      const [now] = yield* shown(Display.show("mails", job), pipe)
      assert.strictEqual(now, 21_000)
      assert.lengthOf(pipe.lines, 3)
      for (const line of pipe.lines) assert.match(line, /^mails: 0\/2 rows · /)
    })
  )
})

describe("a rate limit that calls wait for", () => {
  it.effect("is shown while the run lasts, and not in its last line", () =>
    Effect.gen(function* () {
      const pipe = Object.assign(new FakeTerminal(200), { isTTY: false })
      const job = Event.emit(() => ({ _tag: "rows-counted", total: 2, done: 0 })).pipe(
        Effect.andThen(
          Event.emit(() => ({ _tag: "limit-binds", group: "claude-sonnet-5", binds: "requests", limit: 60 }))
        ),
        Effect.andThen(TestClock.adjust("6 seconds"))
      )
      yield* shown(Display.show("mails", job), pipe)
      assert.include(pipe.lines[0], " · rate limit: requests, 60 a minute · ")
      assert.notInclude(pipe.lines.at(-1), "rate limit")
    })
  )
})

describe("a clock that is set back", () => {
  it.effect("stops neither the rate nor the lines", () =>
    Effect.gen(function* () {
      const pipe = Object.assign(new FakeTerminal(200), { isTTY: false })
      const finish = Event.emit(() => ({ _tag: "row-finished", index: 0, succeeded: true }))
      yield* TestClock.setTime(1e9)
      const job = Event.emit(() => ({ _tag: "rows-counted", total: 100, done: 0 })).pipe(
        Effect.andThen(TestClock.adjust("1 second")),
        Effect.andThen(TestClock.setTime(0)),
        Effect.andThen(Effect.andThen(finish, TestClock.adjust("9 seconds")))
      )
      yield* shown(Display.show("mails", job), pipe)
      assert.match(pipe.lines.at(-1) ?? "", /^mails: 1\/100 rows · 0\.1\/s · /)
    })
  )
})

describe("batches in progress", () => {
  it.effect("are below the picture on a terminal, at most five of them", () =>
    Effect.gen(function* () {
      const terminal = new FakeTerminal(80)
      const job = Effect.forEach([1, 2, 3, 4, 5, 6, 7], sent).pipe(Effect.andThen(TestClock.adjust("1 second")))
      yield* shown(Display.show("mails", job), terminal)
      assert.lengthOf(terminal.lines, 9)
      assert.strictEqual(terminal.lines[3], "batch-1 · 2 requests · sent · 0:01")
      assert.strictEqual(terminal.lines[8], "… and 2 more")
    })
  )

  it.effect("are printed once a minute without a terminal, and at once when a row finishes", () =>
    Effect.gen(function* () {
      const pipe = Object.assign(new FakeTerminal(200), { isTTY: false })
      const job = sent(1).pipe(
        Effect.andThen(TestClock.adjust("2 minutes")),
        Effect.andThen(Event.emit(() => ({ _tag: "row-finished", index: 0, succeeded: true }))),
        Effect.andThen(TestClock.adjust("5 seconds"))
      )
      yield* shown(Display.show("mails", job), pipe)
      const ages = pipe.lines.flatMap((line) => /^mails: batch-1 · 2 requests · sent · (.*)$/.exec(line)?.[1] ?? [])
      assert.deepStrictEqual(ages, ["0:05", "1:05", "2:05"])
    })
  )

  const sent = (batch: number) =>
    Effect.flatMap(Clock.currentTimeMillis, (since) =>
      Event.emit(() => ({ _tag: "rows-counted", total: 2, done: 0 })).pipe(
        Effect.andThen(
          Event.emit(() => ({ _tag: "batch-sent", batch: `batch-${batch}`, requests: 2, how: "sent", since }))
        )
      )
    )
})

/** Runs a command on a terminal, and returns the lines that are visible at its end. */
const scene = (columns: number, args: ReadonlyArray<string>, url: string) => {
  const terminal = new FakeTerminal(columns)
  return Effect.map(program(args, { env: at(url), terminal }), () => ({ terminal, lines: terminal.unwrapped }))
}

const shown = <A, E>(effect: Effect.Effect<A, E>, terminal: FakeTerminal) =>
  Effect.provideService(effect, Screen.Outputs, { stdout: terminal, stderr: terminal })

const occurrences = (lines: ReadonlyArray<string>, text: string) => lines.join("\n").split(text).length - 1

/** A job of nine rows, of which this many fail at once. */
const failing = (rows: number) =>
  Event.emit(() => ({ _tag: "rows-counted", total: 9, done: 0 })).pipe(
    Effect.andThen(
      Effect.forEach([...Array.from({ length: rows }).keys()], (index) => {
        const failure = `row-${index}: OutputInvalid: "urgency" must be one of low, medium and high, got "urgent"; see the schema`
        return Event.emit(() => ({ _tag: "row-finished", index, succeeded: false, failure }))
      })
    )
  )

/** A terminal with colours, or one of a user who wants none. */
const coloured = (columns: number, hasColors = true) => {
  const chunks: Array<string> = []
  const terminal = Object.assign(new FakeTerminal(columns), { hasColors: () => hasColors })
  const write = terminal.write.bind(terminal)
  terminal.write = (chunk: string) => {
    chunks.push(chunk)
    return write(chunk)
  }
  return { terminal, written: () => chunks.join("") }
}
