import { assert, describe, it } from "@effect/vitest"
import { Console, Context, Effect, Exit, Fiber, Layer, Schedule } from "effect"
import { Emulator } from "effect-claude/testing"
import { TestClock } from "effect/testing"
import { existsSync } from "node:fs"
import { Drain } from "../../src/pipeline/Drain.ts"
import * as GracefulStop from "../../src/run/GracefulStop.ts"
import * as Signals from "../../src/run/Signals.ts"
import { at, folder, lines, program, runOf } from "./cli.ts"

describe("the first signal", () => {
  it.effect("asks the run to stop, says how long it waits, and lets the run end", () =>
    Effect.gen(function* () {
      const { printed, signals, stop } = yield* stoppable(Effect.as(drained, "result"))
      assert.isTrue(signals.send("SIGINT"))
      assert.deepStrictEqual(yield* Fiber.join(stop), ["result", true])
      assert.deepStrictEqual(printed, [
        "before",
        "SIGINT: no more rows start; calls in flight have 30 seconds to finish, and a second signal ends the run at once"
      ])
    })
  )

  it.effect("interrupts a run that does not end within 30 seconds", () =>
    Effect.gen(function* () {
      const { signals, stop } = yield* stoppable(Effect.never)
      signals.send("SIGTERM")
      yield* TestClock.adjust("29 seconds")
      assert.isUndefined(stop.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(stop)))
    })
  )

  it.effect("interrupts a run that has not begun at once", () =>
    Effect.gen(function* () {
      const { printed, signals, stop } = yield* stoppable(Effect.never, false)
      signals.send("SIGINT")
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(stop)))
      assert.deepStrictEqual(printed, [])
    })
  )

  it.effect("changes nothing if it does not come", () =>
    Effect.gen(function* () {
      const { stop } = yield* stoppable(Effect.succeed("result"))
      assert.deepStrictEqual(yield* Fiber.join(stop), ["result", false])
    })
  )
})

describe.concurrent("effect-claude run, at the first signal", () => {
  it.live("finishes the calls in flight, takes no more rows, and pays nothing twice in the next run", () =>
    Effect.gen(function* () {
      const { files, ledger, next, signals, started } = yield* scene({ latency: "200 millis" })
      const running = yield* started("--concurrency", "4")
      yield* until(Effect.map(ledger, ({ length }) => length >= 4))
      signals.send("SIGINT")
      const { code, stderr, stdout } = yield* Fiber.join(running)
      assert.strictEqual(code, 130, stderr)
      assert.match(stderr, /SIGINT: no more rows start; calls in flight have 30 seconds to finish/)
      const { length } = yield* ledger
      assert.isBelow(length, rows)
      assert.match(stdout, new RegExp(`^${length} of ${rows} rows are done`))
      assert.match(stdout, /Stopped: the program was asked to stop\. \d+ rows are pending: run the same command again/)
      assert.deepInclude(yield* next(), { code: 0 })
      assert.lengthOf(lines(files.output), rows)
      assert.lengthOf(yield* ledger, rows)
    })
  )

  it.live("leaves batches running, says how to collect or cancel them, and the next run collects them", () =>
    Effect.gen(function* () {
      const { batches, files, ledger, next, signals, started } = yield* scene({ batchProcessing: "2 seconds" })
      const running = yield* started("--mode", "batches")
      yield* until(Effect.map(batches, ({ length }) => length === 1))
      signals.send("SIGTERM")
      const { code, stderr, stdout } = yield* Fiber.join(running)
      assert.strictEqual(code, 130, stderr)
      assert.match(stdout, new RegExp(`^0 of ${rows} rows are done`))
      const [batch] = yield* batches
      assert.include(stderr, "1 batch continues without this process:")
      assert.match(stderr, new RegExp(`^  ${batch?.id}: ${rows} requests, sent 0:0\\d ago$`, "m"))
      assert.match(stderr, /To collect the answers, run the same command again to continue\. To cancel a batch, /)
      const direct = yield* next()
      assert.strictEqual(direct.code, 2, direct.stdout)
      assert.match(direct.stderr, new RegExp(`1 batch of this job has ${rows} requests .* add --mode batches`))
      const later = yield* next("--mode", "batches")
      assert.strictEqual(later.code, 0, later.stderr)
      assert.match(later.stdout, /^batches: 1 batch ended, saved \$0\.\d+ against direct calls$/m)
      assert.deepInclude(yield* next(), { code: 0 })
      assert.lengthOf(lines(files.output), rows)
      assert.lengthOf(yield* batches, 1)
      assert.lengthOf(yield* ledger, rows)
    })
  )

  it.live("cancels batches with --on-interrupt cancel, and collects the answers that are finished", () =>
    Effect.gen(function* () {
      // One answer a second.
      const { batches, files, ledger, signals, started } = yield* scene({ batchProcessing: `${rows} seconds` })
      const running = yield* started("--mode", "batches", "--on-interrupt", "cancel")
      yield* until(Effect.map(batches, ({ length }) => length === 1))
      signals.send("SIGINT")
      const { code, stderr, stdout } = yield* Fiber.join(running)
      assert.strictEqual(code, 130, stderr)
      assert.include(stderr, "cancelling 1 batch, and waiting for the answers that are finished")
      assert.notInclude(stderr, "without this process")
      assert.deepInclude((yield* batches)[0], { processing_status: "ended" })
      const { length } = yield* ledger
      assert.isBelow(length, rows)
      assert.match(stdout, new RegExp(`^${length} of ${rows} rows are done[^]* ${rows - length} rows are pending`))
      assert.isFalse(existsSync(files.output.replace(".jsonl", ".failures.jsonl")))
      assert.match(stdout, new RegExp(`^${length === 1 ? "1 call" : `${length} calls`} `, "m"), stdout)
    })
  )
})

// Builders

const rows = 30

/** Work that runs until a signal, or to its end. */
const stoppable = Effect.fnUntraced(function* (work: Effect.Effect<unknown>, hasBegun = true) {
  const signals = Signals.make()
  const printed: Array<string> = []
  const stop = yield* GracefulStop.run(work, {
    hasBegun: () => hasBegun,
    before: Effect.sync(() => void printed.push("before"))
  }).pipe(
    Effect.provideService(Signals.Signals, signals),
    Effect.provideService(Console.Console, { ...globalThis.console, error: (line) => void printed.push(String(line)) }),
    Effect.forkChild({ startImmediately: true })
  )
  return { printed, signals, stop }
})

const drained = Effect.flatMap(Drain, (drain) => drain?.await ?? Effect.never)

/** A job of `rows` rows against an emulator, in this process. */
const scene = Effect.fnUntraced(function* (options: Emulator.Options) {
  const emulator = Context.get(yield* Layer.build(Emulator.layerServer(options)), Emulator.Emulator)
  const files = folder(rows)
  const signals = Signals.make()
  const env = at(emulator.url)
  const command = (...flags: ReadonlyArray<string>) => program(runOf(files, ...flags), { env, signals })
  return {
    files,
    signals,
    ledger: emulator.ledger,
    batches: Effect.promise(
      async (): Promise<ReadonlyArray<{ readonly id: string; readonly processing_status: string }>> => {
        const headers = { "x-api-key": "some-key", "anthropic-version": "2023-06-01" }
        const response = await fetch(`${emulator.url}/v1/messages/batches`, { headers })
        return (await response.json()).data
      }
    ),
    started: (...flags: ReadonlyArray<string>) => Effect.forkChild(command(...flags)),
    next: command
  }
})

const until = (condition: Effect.Effect<boolean>) =>
  Effect.repeat(condition, { until: (holds) => holds, schedule: Schedule.spaced("10 millis") })
