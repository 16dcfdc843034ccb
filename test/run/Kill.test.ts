import { assert, it } from "@effect/vitest"
import { Emulator } from "effect-claude/testing"
import { Effect, Random } from "effect"
import { spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

it.live(
  "a job that is killed at any moment and resumed has every row once, and pays twice only for calls in flight",
  () =>
    Effect.gen(function* () {
      const emulator = yield* Emulator.Emulator
      const files = yield* temporary
      let kills = 0
      for (let run = 1; ; run++) {
        // Six runs are killed in the middle, unless one ends before that.
        const patience = run > 6 ? Infinity : yield* Random.nextIntBetween(600, 1000)
        if (yield* finishes(runJob(files, emulator.url), patience)) break
        kills += 1
      }
      const keys = readFileSync(files.output, "utf8")
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line).key)
      assert.strictEqual(keys.length, rows)
      assert.strictEqual(new Set(keys).size, rows)
      assert.isAtLeast(kills, 1)

      const ledger = yield* emulator.ledger
      assert.strictEqual(new Set(ledger.map(({ requestHash }) => requestHash)).size, rows)
      assert.isAtMost(ledger.length, rows + kills * inFlight)
    }).pipe(Effect.scoped, Effect.provide(Emulator.layerServer({ latency: "50 millis" }))),
  60_000
)

const rows = 120
const inFlight = 8

const runJob = ({ input, output }: { readonly input: string; readonly output: string }, url: string) => {
  const flags = ["--input", input, "--output", output, "--concurrency", String(inFlight)]
  const command = ["--conditions=effect-claude-source", "src/run/main.ts", "run", "test/run/mails.job.ts", ...flags]
  const env = { PATH: process.env["PATH"] ?? "", ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: "key" }
  return spawn(process.execPath, command, { env, stdio: "ignore" })
}

/** Whether a process succeeds within its time. After that it is killed by SIGKILL. */
const finishes = (child: ReturnType<typeof spawn>, patience: number) =>
  Effect.callback<boolean>((resume) => {
    const killer = Number.isFinite(patience) ? setTimeout(() => child.kill("SIGKILL"), patience) : undefined
    child.on("exit", (code) => {
      clearTimeout(killer)
      resume(Effect.succeed(code === 0))
    })
  })

const temporary = Effect.acquireRelease(
  Effect.sync(() => {
    const path = mkdtempSync(join(tmpdir(), "effect-claude-"))
    const input = join(path, "mails.jsonl")
    const mails = Array.from({ length: rows }, (_, index) => JSON.stringify({ id: index, subject: `mail ${index}` }))
    writeFileSync(input, mails.join("\n"))
    return { path, input, output: join(path, "out.jsonl") }
  }),
  ({ path }) => Effect.sync(() => rmSync(path, { recursive: true }))
)
