import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import { Claude, type ClaudeError, type Tools } from "effect-claude"
import { Context, Effect, Schema, Stream } from "effect"
import { AiError, Tool, Toolkit } from "effect/ai"

describe("the types of generateWithTools", () => {
  it("require Claude, the handlers, and what the handlers need", () => {
    const effect = Claude.generateWithTools(toolkit, "Go")
    expectTypeOf<Effect.Services<typeof effect>>().toEqualTypeOf<
      Claude.Claude | Tool.Handler<"raising"> | Tool.Handler<"returning"> | Database
    >()
    assert.isTrue(Effect.isEffect(effect))
  })

  it("have the failures of tools in mode error, and leave out the ones in mode return", () => {
    const effect = Claude.generateWithTools(toolkit, "Go", { approve: () => Effect.fail("nobody" as const) })
    expectTypeOf<Effect.Error<typeof effect>>().toEqualTypeOf<
      ClaudeError.ClaudeError | Tools.ToolLimitReached | Raised | "nobody"
    >()
    const returning = Claude.generateWithTools(Toolkit.make(Returning), "Go")
    const calling = Claude.generateWithTools(Toolkit.make(Tool.make("a", { failure: AiError.AiError })), "Go")
    expectTypeOf<Effect.Error<typeof calling>>().toEqualTypeOf<
      ClaudeError.ClaudeError | Tools.ToolLimitReached | AiError.AiError
    >()
    expectTypeOf<Effect.Error<typeof returning>>().toEqualTypeOf<ClaudeError.ClaudeError | Tools.ToolLimitReached>()
  })

  it("give the value of the schema", () => {
    const effect = Claude.generateWithTools(toolkit, "Go", { schema: Schema.Struct({ at: Schema.Date }) })
    expectTypeOf<Effect.Success<typeof effect>["value"]>().toEqualTypeOf<{ readonly at: Date }>()
    expectTypeOf<Effect.Success<typeof effect>>().toExtend<Claude.ToolsReply>()
  })

  it("give approve the decoded arguments of each tool", () => {
    const effect = Claude.generateWithTools(toolkit, "Go", {
      approve: (call) => {
        if (call.name === "raising") expectTypeOf(call.params).toEqualTypeOf<{ readonly when: Date }>()
        expectTypeOf(call.name).toEqualTypeOf<"raising" | "returning">()
        return Effect.succeed({ approved: false, reason: "no" })
      }
    })
    assert.isTrue(Effect.isEffect(effect))
  })

  it("give the elements of a stream their tool", () => {
    const stream = Claude.streamWithTools(toolkit, "Go")
    const read = Stream.runForEach(stream, (element) => {
      if (element._tag === "tool-call" && element.name === "raising") {
        expectTypeOf(element.params).toEqualTypeOf<{ readonly when: Date }>()
      }
      if (element._tag === "tool-result" && element.name === "returning" && element.outcome === "succeeded") {
        expectTypeOf(element.result).toExtend<unknown>()
      }
      if (element._tag === "finished") expectTypeOf(element.reply).toEqualTypeOf<Claude.ToolsReply>()
      return Effect.void
    })
    assert.isTrue(Effect.isEffect(read))
    expectTypeOf<Stream.Error<typeof stream>>().toEqualTypeOf<
      ClaudeError.ClaudeError | Tools.ToolLimitReached | Raised
    >()
  })

  it("take a toolkit with its handlers", () => {
    const ready = Effect.flatMap(toolkit, (withHandlers) => Claude.generateWithTools(withHandlers, "Go"))
    expectTypeOf<Effect.Success<typeof ready>>().toEqualTypeOf<Claude.ToolsReply>()
  })

  it("refuse a limit of cost that is no amount", () => {
    // @ts-expect-error a number has no currency
    const effect = Claude.generateWithTools(toolkit, "Go", { limits: { cost: 5 } })
    assert.isTrue(Effect.isEffect(effect))
  })
})

class Raised extends Schema.TaggedError<Raised>()("Raised", {}) {}
class Returned extends Schema.TaggedError<Returned>()("Returned", {}) {}
class Database extends Context.Service<Database, { readonly query: string }>()("test/Database") {}

const Raising = Tool.make("raising", {
  parameters: Schema.Struct({ when: Schema.Date }),
  failure: Raised,
  dependencies: [Database]
})
const Returning = Tool.make("returning", { success: Schema.Finite, failure: Returned, failureMode: "return" })
const toolkit = Toolkit.make(Raising, Returning)
