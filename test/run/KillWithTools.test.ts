/**
 * Kills a job with tools at random moments until it is done, and counts its handlers. `KILLS` and `ROWS` are the numbers of
 * kills and of rows: `KILLS=20 ROWS=500 npx vitest run test/run/KillWithTools.test.ts` takes about a minute.
 */
import { assert, it } from "@effect/vitest"
import { Emulator } from "effect-claude/testing"
import { Context, Effect, Layer, Random } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { at, folder, lines, runOf } from "./cli.ts"
import { lookups } from "../pipeline/lookups.ts"
import { killed } from "./killed.ts"

const { KILLS = "2", NODE_COMPILE_CACHE = "", PATH = "", ROWS = "40" } = process.env
const rows = Number(ROWS)
const most = Number(KILLS)
const inFlight = 8
const latency = 50
/** Milliseconds that an undisturbed run takes at least. */
const length = (3 * rows * (latency + 20)) / inFlight

it.live(
  "a job with tools that is killed at any moment has every row once, and runs no finished handler twice",
  () =>
    Effect.gen(function* () {
      const { ledger, url } = Context.get(yield* Layer.build(server), Emulator.Emulator)
      const files = { ...folder(rows), job: join(import.meta.dirname, "tools.job.ts") }
      const handled = join(files.path, "handled.txt")
      const name = `tools, ${process.pid} ${yield* Random.nextInt}`
      const env = { NODE_COMPILE_CACHE, PATH, ...at(url), JOB_NAME: name, HANDLED: handled }
      const args = runOf(files, "--concurrency", String(inFlight))
      let kills = 0
      for (let isDone = false; !isDone && kills < most;) {
        const patience = yield* Random.nextIntBetween(0, Math.max(200, (1.5 * length) / most))
        const { code, signal, stderr } = yield* Effect.promise(() => killed(args, env, patience))
        assert.isTrue(code === 0 || signal === "SIGKILL", stderr)
        isDone = code === 0
        kills += isDone ? 0 : 1
      }
      const last = yield* Effect.promise(() => killed(args, env, Infinity))
      assert.strictEqual(last.code, 0, last.stderr)
      assert.isAtLeast(kills, 1)

      const results = lines(files.output)
      assert.lengthOf(results, rows)
      assert.strictEqual(new Set(results.map(({ key }) => key)).size, rows)
      const billed = yield* ledger
      assert.strictEqual(new Set(billed.map(({ requestHash }) => requestHash)).size, 3 * rows)
      assert.isAtMost(billed.length - 3 * rows, inFlight * kills)

      const calls = readFileSync(handled, "utf8").trimEnd().split("\n")
      assert.strictEqual(new Set(calls).size, 3 * rows)
      // A row in flight has at most two handlers that had begun and whose results were not stored yet.
      assert.isAtMost(calls.length - 3 * rows, 2 * inFlight * kills)
      if (process.env["KILLS"] === undefined) return
      yield* Effect.logInfo(
        `${rows} rows, ${kills} kills: ${billed.length} calls for ${3 * rows}, ${calls.length} handlers for ${3 * rows}`
      )
    }).pipe(Effect.scoped),
  60_000 + 10_000 * most + 100 * rows
)

// Builders

const server = Emulator.layerServer({
  latency,
  replies: [lookups]
})
