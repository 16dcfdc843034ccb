import { assert, describe, it } from "@effect/vitest"
import { type Claude, Job, Step, Telemetry } from "effect-claude"
import { TestClaude } from "effect-claude/testing"
import { Array as Arr, Cause, Effect, Layer, type Tracer } from "effect"
import * as RowTrace from "../../src/pipeline/RowTrace.ts"
import { greetings, inFolder, names, notYou } from "./jobs.ts"

describe("RowTrace", () => {
  it.effect("is separate, links to the span of the run, and has spans for the calls and for storing the result", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        yield* files.run(greetings(["Ann", "Bob"]))
        const spans = yield* Effect.flatten(Telemetry.Spans)
        const run = spans.filter(({ name }) => name === "Job.run")
        const rows = spans.filter(({ name }) => name === "row greetings")
        assert.deepStrictEqual(
          rows.map(({ links }) => links.map(({ span }) => span)),
          [run, run]
        )
        for (const [row, person] of Arr.zip(rows, ["Ann", "Bob"])) {
          assert.deepStrictEqual(outline(spans.filter(({ traceId }) => traceId === row.traceId)), [
            `row greetings (${person})`,
            "  Claude.generateText",
            "    chat claude-sonnet-5-5 (greet)",
            "      attempt 1",
            "  store"
          ])
        }
      })
    ).pipe(Effect.provide(traced(TestClaude.layer("hi"))))
  )

  it.effect(
    "is the same in all processes that work on a submission, and each of them has a root span with its name",
    () =>
      Effect.gen(function* () {
        const runAs = (worker: string, submission: string) =>
          inFolder((files) =>
            Effect.provideService(files.run(greetings(["Ann", "Bob"])), RowTrace.Part, { submission, worker })
          )
        yield* runAs("one", "first")
        yield* runAs("other", "first")
        yield* runAs("one", "second")
        const spans = yield* Effect.flatten(Telemetry.Spans)
        const rows = spans.filter(({ name }) => name === "row greetings")
        const [ann, bob, annAgain, bobAgain, annLater] = rows.map(({ traceId }) => traceId)
        assert.match(ann ?? "", /^[0-9a-f]{32}$/)
        assert.deepStrictEqual([annAgain, bobAgain], [ann, bob])
        assert.strictEqual(new Set([ann, bob, annLater]).size, 3)
        assert.deepStrictEqual(
          rows.slice(0, 3).map(({ attributes }) => attributes.get("effect_claude.worker")),
          ["one", "one", "other"]
        )
        assert.lengthOf(
          spans.filter(({ traceId }) => traceId === ann),
          10
        )
        assert.lengthOf(
          Telemetry.waterfall(spans.filter(({ traceId }) => traceId === ann))
            .split("\n")
            .filter((line) => line.startsWith("row greetings (Ann)")),
          2
        )
      }).pipe(Effect.provide(traced(TestClaude.layer("hi"))))
  )

  it.effect("shows a call whose reply is replayed, without a call to Claude", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        yield* files.run(greetings(["Ann"]))
        const before = (yield* Effect.flatten(Telemetry.Spans)).length
        yield* files.run(greetings(["Ann"]), { changed: "rerun" })
        const spans = (yield* Effect.flatten(Telemetry.Spans)).slice(before)
        const row = spans.find(({ name }) => name === "row greetings")
        const ofRow = spans.filter(({ traceId }) => traceId === row?.traceId)
        assert.deepStrictEqual(outline(ofRow), [
          "row greetings (Ann)",
          "  Claude.generateText",
          "    replay claude-sonnet-5-5 (greet)",
          "  store"
        ])
        assert.include(Telemetry.waterfall(ofRow), "from the journal")
      })
    ).pipe(Effect.provide(traced(TestClaude.layer("hi"))))
  )

  it.effect("ends with the exit of the row, and has no span for storing if the row fails", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        yield* files.run(greetings(["Ann"]))
        const lines = Telemetry.waterfall(yield* Effect.flatten(Telemetry.Spans)).split("\n")
        assert.match(lines.find((line) => line.startsWith("row greetings (Ann)")) ?? "", /failed: InvalidRequest$/)
        assert.notInclude(lines.join(), "store")
      })
    ).pipe(Effect.provide(traced(TestClaude.layer(notYou))))
  )

  it.effect("redacts a secret in the key of the row", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const key = `sk-ant-${"secret".repeat(5)}`
        yield* files.run(greetings([key]))
        const waterfall = Telemetry.waterfall(yield* Effect.flatten(Telemetry.Spans))
        assert.include(waterfall, "row greetings ([redacted])")
        assert.notInclude(waterfall, key)
      })
    ).pipe(Effect.provide(traced(TestClaude.layer("hi"))))
  )

  it.effect("redacts a secret in the error of the row", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const key = `sk-ant-${"secret".repeat(5)}`
        const step = Step.make("greet", () => Effect.fail(`${key} is no key`))
        yield* files.run(Job.make({ ...greetings(["Ann"]), step }))
        const row = (yield* Effect.flatten(Telemetry.Spans)).find(({ name }) => name === "row greetings")
        const cause =
          row?.status._tag === "Ended" && row.status.exit._tag === "Failure" ? row.status.exit.cause : undefined
        assert.include(cause && Cause.pretty(cause), "[redacted] is no key")
        assert.notInclude(cause && Cause.pretty(cause), key)
      })
    ).pipe(Effect.provide(traced(TestClaude.layer("hi"))))
  )

  it.effect("adds no span of a row to the trace of the run, also where finished rows are checked again", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        yield* files.run(greetings(names(50)))
        const first = (yield* Effect.flatten(Telemetry.Spans)).length
        yield* files.run(greetings(names(50)))
        const again = (yield* Effect.flatten(Telemetry.Spans)).slice(first)
        assert.deepStrictEqual(
          again.filter(({ attributes }) => attributes.has("effect_claude.row")),
          []
        )
        const spans = yield* Effect.flatten(Telemetry.Spans)
        const run = spans.find(({ name }) => name === "Job.run")
        assert.deepStrictEqual(outline(spans.filter(({ traceId }) => traceId === run?.traceId)), [
          "Job.run",
          "  sql.transaction",
          "    Destinations.check",
          "    Dataset.writeLines"
        ])
      })
    ).pipe(Effect.provide(traced(TestClaude.layer("hi"))))
  )
})

// Builders

const traced = <A, E>(claude: Layer.Layer<A | Claude.Claude, E>) =>
  claude.pipe(Telemetry.policy(), Layer.provideMerge(Telemetry.layerSpans))

/** The names of the spans, indented below their parents. */
const outline = (spans: ReadonlyArray<Tracer.Span>) =>
  Telemetry.waterfall(spans)
    .split("\n")
    .map((line) => /^( *.+?) {2}/.exec(line)?.[1])
