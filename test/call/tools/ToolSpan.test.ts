import { assert, describe, it } from "@effect/vitest"
import { Claude, Tools } from "effect-claude"
import { TestClaude } from "effect-claude/testing"
import { Effect, Fiber, Schema, Tracer } from "effect"
import { Tool, Toolkit } from "effect/ai"
import { TestClock } from "effect/testing"

describe("the span of a handler", () => {
  it.effect("is named and described by the GenAI conventions, below the span of the verb", () =>
    Effect.gen(function* () {
      const { spans, tracer } = tracing()
      yield* run(tracer)
      const span = spans().find(({ name }) => name === "execute_tool fine")
      assert.deepStrictEqual(Object.fromEntries(span?.attributes ?? []), {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "fine",
        "gen_ai.tool.call.id": "1",
        "gen_ai.tool.type": "function",
        "of handler": true
      })
      const inner = spans().find(({ name }) => name === "inner")
      assert.strictEqual(inner?.parent._tag === "Some" && inner.parent.value.spanId, span?.spanId)
    })
  )

  it.effect("has the type of an error, and ends with the failure", () =>
    Effect.gen(function* () {
      const { spans, tracer } = tracing()
      yield* run(tracer)
      const types = ["failing", "slow"].map((name) => {
        const span = spans().find((one) => one.name === `execute_tool ${name}`)
        const failed = span?.status._tag === "Ended" && span.status.exit._tag === "Failure"
        return [span?.attributes.get("error.type"), failed]
      })
      assert.deepStrictEqual(types, [
        ["Secretive", true],
        ["timed-out", true]
      ])
    })
  )

  it.effect("contains no arguments, no result and no message of an error", () =>
    Effect.gen(function* () {
      const { spans, tracer } = tracing()
      yield* run(tracer)
      const tools = spans().filter(({ name }) => name.startsWith("execute_tool"))
      const texts = tools.map(({ attributes, status }) => JSON.stringify([[...attributes], status], replacer))
      assert.lengthOf(texts, 3)
      assert.notInclude(texts.join("\n"), "secret")
    })
  )
})

/** A tracer that keeps its spans. */
const tracing = () => {
  const made: Array<Tracer.Span> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      made.push(span)
      return span
    }
  })
  return { tracer, spans: () => made }
}

const replacer = (_: string, value: unknown) => (typeof value === "bigint" ? String(value) : value)

const run = (tracer: Tracer.Tracer) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(
      Claude.generateWithTools(toolkit, "Go").pipe(Effect.provide([handlers, claude]), Effect.withTracer(tracer))
    )
    yield* TestClock.adjust("1 second")
    return yield* Fiber.join(fiber)
  })

class Secretive extends Schema.TaggedError<Secretive>()("Secretive", { detail: Schema.String }) {}

const parameters = Schema.Struct({ text: Schema.String })
const toolkit = Toolkit.make(
  Tool.make("fine", { parameters, success: Schema.String }),
  Tool.make("failing", { parameters, failure: Secretive, failureMode: "return" }),
  Tool.make("slow", { parameters }).annotate(Tools.Timeout, "1 second")
)
const handlers = toolkit.toLayer({
  fine: () =>
    Effect.annotateCurrentSpan("of handler", true).pipe(
      Effect.andThen(Effect.withSpan(Effect.void, "inner")),
      Effect.as("secret result")
    ),
  failing: () => Effect.fail(new Secretive({ detail: "secret detail" })),
  slow: () => Effect.never
})

const call = (name: string, id: string) => ({
  type: "tool_use" as const,
  id,
  name,
  input: { text: "secret argument" },
  caller: { type: "direct" as const }
})
const claude = TestClaude.layer([{ content: [call("fine", "1"), call("failing", "2"), call("slow", "3")] }, "Done."])
