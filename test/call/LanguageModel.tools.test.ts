import type { Anthropic } from "@anthropic-ai/sdk"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Chat from "effect/ai/Chat"
import * as Ai from "effect/ai/LanguageModel"
import * as Tool from "effect/ai/Tool"
import * as Toolkit from "effect/ai/Toolkit"
import * as LanguageModel from "../../src/call/LanguageModel.ts"
import * as ServerTools from "../../src/call/tools/ServerTools.ts"
import { Claude } from "../../src/claude/Claude.ts"
import type { Request } from "../../src/claude/Request.ts"
import * as Emulator from "../../src/testing/Emulator.ts"
import * as TestClaude from "../../src/testing/TestClaude.ts"
import { message } from "../fixtures.ts"
import { blocks } from "./languageModel/blocks.ts"

const Order = Tool.make("order", {
  description: "Orders articles",
  parameters: Schema.Struct({
    amounts: Schema.optionalKey(Schema.Record(Schema.String, Schema.Int)),
    size: Schema.optionalKey(Schema.Tuple([Schema.Int, Schema.Int]))
  }),
  success: Schema.String
})

describe("a toolkit", () => {
  it.effect("gets the arguments as its schemas have them, and Claude gets them back as it sent them", () =>
    Effect.gen(function* () {
      const seen = yield* Ref.make<unknown>(undefined)
      const toolkit = yield* handled(Order, (params) => Effect.as(Ref.set(seen, params), "ordered"))
      const chat = yield* Chat.empty
      const first = yield* chat.generateText({ prompt: "Order.", toolkit })
      assert.strictEqual(first.finishReason, "tool-calls")
      assert.deepStrictEqual(yield* Ref.get(seen), { amounts: { apple: 2 }, size: [1, 2] })
      const restored = yield* Chat.fromJson(yield* chat.exportJson)
      const second = yield* restored.generateText({ prompt: [], toolkit })
      assert.strictEqual(second.text, "Done.")
      const [, request] = yield* TestClaude.calls
      assert.deepStrictEqual<unknown>(request?.messages.slice(1), [
        { role: "assistant", content: [{ ...orderCall, id: "toolu_1" }] },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_1", content: "ordered" }] }
      ])
    }).pipe(Effect.provide(overReplies([message({ content: [orderCall] }), "Done."])))
  )

  it.effect("may be left out of a later call, which may not call a tool", () =>
    Effect.gen(function* () {
      const toolkit = yield* handled(Order, () => Effect.succeed("ordered"))
      const chat = yield* Chat.empty
      yield* chat.generateText({ prompt: "Order.", toolkit })
      yield* chat.generateText({ prompt: "What did you order?" })
      const request = yield* lastRequest
      assert.deepStrictEqual(
        request.tools?.map((tool) => "name" in tool && tool.name),
        ["order"]
      )
      assert.deepStrictEqual(request.tool_choice, { type: "none" })
    }).pipe(Effect.provide(emulated))
  )

  it.effect("that fails leaves a conversation that the API accepts, in streams too", () =>
    Effect.gen(function* () {
      const Failing = Order.setFailure(Schema.String)
      const toolkit = yield* handled(Failing, () => Effect.fail("sold out"))
      const chat = yield* Chat.empty
      const failed = yield* Effect.exit(Stream.runDrain(chat.streamText({ prompt: "Order.", toolkit })))
      assert.strictEqual(failed._tag, "Failure")
      yield* chat.generateText({ prompt: "Was it ordered?", toolkit })
      const [result] = resultsIn(yield* lastRequest)
      assert.isTrue(result?.is_error)
    }).pipe(Effect.provide(emulated))
  )

  it.effect("reports a failure to Claude in the mode `return`", () =>
    Effect.gen(function* () {
      const Returning = Tool.make("order", {
        parameters: Order.parametersSchema,
        failure: Schema.Struct({ left: Schema.Int }),
        failureMode: "return"
      })
      const toolkit = yield* handled(Returning, () => Effect.fail({ left: 0 }))
      const chat = yield* Chat.empty
      yield* chat.generateText({ prompt: "Order.", toolkit })
      yield* chat.generateText({ prompt: [], toolkit })
      const [result] = resultsIn(yield* lastRequest)
      assert.deepInclude(result, { content: '{"left":0}', is_error: true })
    }).pipe(Effect.provide(emulated))
  )

  for (const approved of [true, false]) {
    it.effect(
      `is ${approved ? "run" : "not run"} after ${approved ? "an approval" : "a refusal"}, also turns later`,
      () =>
        Effect.gen(function* () {
          const toolkit = yield* handled(Order.setNeedsApproval(true), () => Effect.succeed("ordered"))
          const chat = yield* Chat.empty
          const { content } = yield* chat.generateText({ prompt: "Order.", toolkit })
          const asked = content.find(({ type }) => type === "tool-approval-request")
          assert(asked?.type === "tool-approval-request")
          const answer = { type: "tool-approval-response", approvalId: asked.approvalId, approved } as const
          yield* chat.generateText({ prompt: [{ role: "tool", content: [answer] }], toolkit })
          yield* chat.generateText({ prompt: "Thanks.", toolkit })
          const [result] = resultsIn(yield* lastRequest)
          assert.include(result?.content, approved ? "ordered" : "execution-denied")
          assert.strictEqual(result?.is_error ?? false, !approved)
        }).pipe(Effect.provide(emulated))
    )
  }

  it.effect("that waits for an approval does not stop a user who continues", () =>
    Effect.gen(function* () {
      const toolkit = yield* handled(Order.setNeedsApproval(true), () => Effect.succeed("ordered"))
      const chat = yield* Chat.empty
      yield* chat.generateText({ prompt: "Order.", toolkit })
      yield* chat.generateText({ prompt: "Never mind. How are you?", toolkit })
      const [result] = resultsIn(yield* lastRequest)
      assert.deepInclude(result, { content: "The user did not approve this call.", is_error: true })
    }).pipe(Effect.provide(emulated))
  )

  it.effect("is not run for an answer that was cut off, and the conversation continues", () =>
    Effect.gen(function* () {
      const runs = yield* Ref.make(0)
      const toolkit = yield* handled(Order, () =>
        Effect.as(
          Ref.update(runs, (n) => n + 1),
          "ordered"
        )
      )
      const chat = yield* Chat.empty
      const { finishReason } = yield* chat.generateText({ prompt: "Order.", toolkit })
      assert.strictEqual(finishReason, "length")
      assert.strictEqual(yield* Ref.get(runs), 0)
      yield* chat.generateText({ prompt: "Go on.", toolkit })
    }).pipe(
      Effect.provide(overReplies([message({ content: [orderCall], stop_reason: "max_tokens" }), "Sorry, here it is."]))
    )
  )

  it.effect("is named in the error of a call that it does not have", () =>
    Effect.gen(function* () {
      const toolkit = yield* handled(Order, () => Effect.succeed("ordered"))
      const error = yield* Effect.flip(Ai.generateText({ prompt: "Order.", toolkit }))
      assert(error._tag === "AiError")
      assert.strictEqual(error.message, "Claude.generateText: Tool 'launch' not found. Available tools: order")
    }).pipe(Effect.provide(overReplies([message({ content: [{ ...orderCall, name: "launch" }] })])))
  )

  it.effect("may leave calls to the caller, of unknown tools too", () =>
    Effect.gen(function* () {
      const toolkit = yield* handled(Order, () => Effect.die("not called"))
      const options = { disableToolCallResolution: true, toolCallValidation: "deferred" } as const
      const { toolCalls } = yield* Ai.generateText({ prompt: "Order.", toolkit, ...options })
      assert.deepStrictEqual(
        toolCalls.map((call) => call.name),
        ["launch", "order"]
      )
    }).pipe(
      Effect.provide(
        overReplies([
          message({
            content: [
              { ...orderCall, name: "launch" },
              { ...orderCall, id: "toolu_2" }
            ]
          })
        ])
      )
    )
  )

  it.effect("may have a tool that Anthropic defines and the program runs", () =>
    Effect.gen(function* () {
      const Bash = Tool.providerDefined({
        id: "anthropic.bash_20250124",
        customName: "shell",
        providerName: "bash",
        requiresHandler: true,
        parameters: Schema.Struct({ command: Schema.String }),
        success: Schema.String
      })({})
      const tools = Toolkit.make(Bash)
      const toolkit = yield* Effect.provide(
        tools,
        tools.toLayer({ shell: ({ command }) => Effect.succeed(`ran ${command}`) })
      )
      const chat = yield* Chat.empty
      const { toolResults } = yield* chat.generateText({ prompt: "List.", toolkit })
      assert.strictEqual(toolResults[0]?.result, "ran ls")
      yield* chat.generateText({ prompt: [], toolkit })
      const [, request] = yield* TestClaude.calls
      assert.deepStrictEqual<unknown>(request?.tools, [{ type: "bash_20250124", name: "bash" }])
      const [block] = request?.messages[1]?.content ?? []
      assert.deepInclude(block, { type: "tool_use", name: "bash", input: { command: "ls" } })
    }).pipe(
      Effect.provide(
        overReplies([message({ content: [{ ...orderCall, name: "bash", input: { command: "ls" } }] }), "Done."])
      )
    )
  )

  it.effect("cannot be forced on a model that refuses it; the error names what to do", () =>
    Effect.gen(function* () {
      const toolkit = yield* handled(Order, () => Effect.succeed("ordered"))
      const error = yield* Effect.flip(Ai.generateText({ prompt: "Order.", toolkit, toolChoice: "required" }))
      assert(error._tag === "AiError")
      assert.match(error.message, /claude-sonnet-5-5 refuses forced tool calls; use toolChoice "auto"/)
      assert.deepStrictEqual(yield* requests, [])
      const { toolCalls } = yield* Ai.generateText({ prompt: "Order.", toolkit, toolChoice: "required" }).pipe(
        Effect.provideService(LanguageModel.Settings, { model: "claude-haiku-5-5" })
      )
      assert.lengthOf(toolCalls, 1)
    }).pipe(Effect.provide(emulated))
  )

  it.effect("may have tools without parameters, recursive ones, strict ones, and names that the API refuses", () =>
    Effect.gen(function* () {
      interface Tree {
        readonly name: string
        readonly branches: ReadonlyArray<Tree>
      }
      const Tree: Schema.Codec<Tree> = Schema.Struct({
        name: Schema.String,
        branches: Schema.Array(Schema.suspend((): Schema.Codec<Tree> => Tree))
      })
      const Grow = Tool.make("grow", { parameters: Tree, success: Schema.String })
      const Stop = Tool.make("stop", { parameters: Schema.Struct({}), success: Schema.String })
      const Read = Tool.make("files.read", {
        parameters: Schema.Struct({ path: Schema.String }),
        success: Schema.String
      }).annotate(Tool.Strict, true)
      const tools = Toolkit.make(Grow, Stop, Read)
      const toolkit = yield* Effect.provide(
        tools,
        tools.toLayer({
          grow: () => Effect.succeed("grown"),
          stop: () => Effect.succeed("stopped"),
          "files.read": () => Effect.succeed("a text")
        })
      )
      const chat = yield* Chat.empty
      for (const name of ["grow", "stop", "files.read"] as const) {
        const { toolCalls } = yield* chat.generateText({ prompt: name, toolkit, toolChoice: { tool: name } })
        assert.deepStrictEqual(
          toolCalls.map((call) => call.name),
          [name]
        )
      }
      const restored = yield* Chat.fromJson(yield* chat.exportJson)
      yield* restored.generateText({ prompt: "And?", toolkit })
      assert.deepInclude((yield* lastRequest).tools?.[2], { name: "files_read", strict: true })
    }).pipe(Effect.provide(emulated), Effect.provideService(LanguageModel.Settings, { model: "claude-haiku-5-5" }))
  )

  it.effect("may have the server tools of Claude, whose blocks come back unchanged", () =>
    Effect.gen(function* () {
      const toolkit = Toolkit.make(ServerTools.webSearch({ max_uses: 2 }))
      const chat = yield* Chat.empty
      const response = yield* chat.generateText({ prompt: "Search.", toolkit })
      assert.deepStrictEqual(
        response.content.map(({ type }) => type),
        ["response-metadata", "tool-call", "tool-result", "source", "text", "finish"]
      )
      assert.strictEqual(response.toolResults[0]?.name, "web_search")
      const restored = yield* Chat.fromJson(yield* chat.exportJson)
      yield* restored.generateText({ prompt: "And?", toolkit })
      const [, request] = yield* TestClaude.calls
      assert.deepStrictEqual<unknown>(request?.messages[1]?.content, [
        ...blocks.search(0),
        { type: "text", text: "Found." }
      ])
      assert.deepStrictEqual<unknown>(request?.tools, [
        { type: "web_search_20260318", name: "web_search", max_uses: 2 }
      ])
    }).pipe(Effect.provide(overReplies([message({ content: [...blocks.search(0), "Found."] }), "Yes."])))
  )

  it.effect("of another provider is refused before a call", () =>
    Effect.gen(function* () {
      const Search = Tool.providerDefined({ id: "openai.web_search", customName: "search", providerName: "web_search" })
      const error = yield* Effect.flip(Ai.generateText({ prompt: "Hi", toolkit: Toolkit.make(Search(undefined)) }))
      assert.include(error.message, "the tool search is one of another provider (openai.web_search)")
    }).pipe(Effect.provide(overReplies([])))
  )
})

// Builders

const handled = <T extends Tool.Any>(
  tool: T,
  handler: (params: Tool.Parameters<T>) => Effect.Effect<Tool.Success<T>, Tool.Failure<T>>
) => {
  const toolkit = Toolkit.make(tool)
  // The handlers of a toolkit with one generic tool have no type that TypeScript can compute.
  return Effect.provide(toolkit, toolkit.toLayer({ [tool.name]: handler } as never))
}

const overReplies = (reply: TestClaude.Reply) => {
  const claude = TestClaude.layer(reply)
  return LanguageModel.layer().pipe(Layer.provideMerge(claude))
}

/** The requests that the emulator got. It refuses what the API refuses. */
class Requests extends Context.Service<Requests, Array<Request>>()("test/Requests") {}

const requests = Requests.useSync((requests) => requests)

const lastRequest = Effect.map(requests, (all): Request => {
  const last = all.at(-1)
  assert(last !== undefined)
  return last
})

const emulated = LanguageModel.layer().pipe(
  Layer.provideMerge(
    Layer.effect(
      Claude,
      Effect.gen(function* () {
        const seen = yield* Requests
        const { create, stream, ...others } = yield* Claude
        const keep = (request: Request) => Effect.sync(() => seen.push(request))
        return {
          ...others,
          create: (request) => Effect.andThen(keep(request), create(request)),
          stream: (request) => Stream.unwrap(Effect.as(keep(request), stream(request)))
        }
      })
    ).pipe(Layer.provide(Emulator.layer()), Layer.provideMerge(Layer.sync(Requests, (): Array<Request> => [])))
  )
)

const resultsIn = ({ messages }: Request): ReadonlyArray<Anthropic.Beta.Messages.BetaToolResultBlockParam> =>
  messages.flatMap(({ content = [] }) =>
    typeof content === "string" ? [] : content.flatMap((block) => (block?.type === "tool_result" ? [block] : []))
  )

const orderCall: Anthropic.ToolUseBlock = {
  type: "tool_use",
  id: "toolu_1",
  name: "order",
  input: { amounts: [{ key: "apple", value: 2 }], size: { "0": 1, "1": 2 } },
  caller: { type: "direct" }
}
