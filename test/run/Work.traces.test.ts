import { assert, describe, it } from "@effect/vitest"
import { Emulator } from "effect-claude/testing"
import { Context, Effect, Fiber, Layer, Random, Schema } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Signals from "../../src/run/Signals.ts"
import { attributesOf, collector, type Span } from "../policy/telemetry/collector.ts"
import { at, folder, program, runOf } from "./cli.ts"

const { TEST_DATABASE_URL = "" } = process.env
const missing =
  TEST_DATABASE_URL === "" ? ": TEST_DATABASE_URL is not set (postgres://user@127.0.0.1:5432/database)" : ""

describe.skipIf(missing)(`the trace of a row${missing}`, () => {
  it.live("is one trace when one worker ends after the first steps and another one does the rest", () =>
    Effect.gen(function* () {
      const { spans, spansOf, url } = yield* collector
      const { env, files, ledger } = yield* world(url)
      const submitting = yield* Effect.forkChild(program(runOf(files, "--database", TEST_DATABASE_URL), { env }))
      const first = yield* working(files.job, "first", env)
      yield* until(Effect.map(ledger, ({ length }) => length > 0))
      first.signals.send("SIGTERM")
      yield* Fiber.join(first.ends)
      const other = yield* working(files.job, "other", env)
      assert.strictEqual((yield* Fiber.join(submitting)).code, 0)
      other.signals.send("SIGTERM")
      const { stderr } = yield* Fiber.join(other.ends)
      const printed = stderr
        .trimEnd()
        .split("\n")
        .map((line) => decodeLine(line))
      assert.deepStrictEqual([...new Set(printed.map(({ worker }) => worker))], ["other"])
      assert.include(printed.at(-1)?.message, "1 row has ended here")

      const ofRow = (all: ReadonlyArray<Span>) => all.filter((span) => "effect_claude.row" in attributesOf(span))
      assert.strictEqual(new Set(ofRow(spans()).map(({ traceId }) => traceId)).size, 1)
      const [before, after] = [ofRow(spansOf("first")), ofRow(spansOf("other"))]
      const roots = [...before, ...after].filter(({ name }) => name.startsWith("row "))
      assert.deepStrictEqual(
        roots.map((root) => [root.parentSpanId, attributesOf(root)["effect_claude.worker"]?.value]),
        [
          ["", "first"],
          ["", "other"]
        ]
      )
      const paid = stepsOf(before, "chat")
      assert.isAbove(paid.length, 0)
      assert.deepStrictEqual(stepsOf(after, "replay"), paid)
      assert.deepStrictEqual([...paid, ...stepsOf(after, "chat")], ["classify", "answer", "shorten"])
      const { stdout } = yield* program(["status", TEST_DATABASE_URL, "--job", files.name])
      assert.match(stdout, /^Workers:\n {2}other: signal · last seen \d:\d\d ago · 1 row done · \d calls?, \$0\.\d+$/m)
      assert.match(stdout, /^ {2}first: signal · last seen \d:\d\d ago · 0 rows done · \d calls?, \$0\.\d+$/m)
      for (const span of after.filter(({ name }) => name.startsWith("replay "))) {
        assert.strictEqual(attributesOf(span)["effect_claude.origin"]?.value, "journal")
      }
    }).pipe(Effect.scoped)
  )
})

// Builders

const stepsOf = (spans: ReadonlyArray<Span>, kind: string) =>
  spans
    .filter(({ name }) => name.startsWith(`${kind} `))
    .toSorted((one, other) => Number(one.startTimeUnixNano - other.startTimeUnixNano))
    .map((span) => attributesOf(span)["effect_claude.step.path"]?.value)

const until = (condition: Effect.Effect<boolean>) =>
  Effect.repeat(Effect.delay(condition, "20 millis"), { until: (isMet) => isMet })

/** A job of one row and three steps, and the environment of its processes. */
const world = Effect.fnUntraced(function* (endpoint: string) {
  const { ledger, url } = Context.get(yield* Layer.build(Emulator.layerServer({ latency: 300 })), Emulator.Emulator)
  const files = folder(1)
  const job = join(files.path, "traced.job.ts")
  const name = `traced, ${process.pid} ${yield* Random.nextInt}`
  const original = JSON.stringify(join(import.meta.dirname, "threeSteps.job.ts"))
  writeFileSync(job, `import job from ${original}\nexport default { ...job, name: ${JSON.stringify(name)} }\n`)
  return { ledger, files: { ...files, job, name }, env: { ...at(url), OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } }
})

const decodeLine = Schema.decodeUnknownSync(
  Schema.fromJsonString(Schema.Struct({ message: Schema.String, worker: Schema.String }))
)

const working = Effect.fnUntraced(function* (job: string, name: string, env: Record<string, string>) {
  const signals = Signals.make()
  const args = ["worker", "--database", TEST_DATABASE_URL, "--name", name, "--json", job]
  return { signals, ends: yield* Effect.forkChild(program(args, { env, signals })) }
})
