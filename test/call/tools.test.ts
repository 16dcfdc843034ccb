import { assert, describe, it } from "@effect/vitest"
import type { Anthropic } from "@anthropic-ai/sdk"
import { BigDecimal, Deferred, Effect, Exit, Fiber, Layer, Schema, Stream } from "effect"
import { AiError, Prompt, Tool, Toolkit } from "effect/ai"
import { TestClock } from "effect/testing"
import { generateWithTools, streamWithTools } from "../../src/call/tools.ts"
import * as Tools from "../../src/Tools.ts"
import type { Claude } from "../../src/claude/Claude.ts"
import { HandlerStore } from "../../src/claude/HandlerStore.ts"
import { Overloaded } from "../../src/claude/ClaudeError.ts"
import * as Emulator from "../../src/testing/Emulator.ts"
import * as Event from "../../src/claude/Event.ts"
import * as Fallback from "../../src/policy/Fallback.ts"
import * as TestClaude from "../../src/testing/TestClaude.ts"

describe("generateWithTools", () => {
  it.effect("runs the calls of each turn, and returns the answer with the usage and cost of all", () =>
    Effect.gen(function* () {
      const reply = yield* generateWithTools(toolkit, "What is 1 + 2?")
      assert.strictEqual(reply.text, "It is 3.")
      assert.strictEqual(reply.turns, 2)
      assert.deepInclude(reply.usage, { input: 30, output: 9 })
      assert.strictEqual(reply.cost && BigDecimal.format(reply.cost), "0.00015")
      assert.deepStrictEqual(reply.messages, [
        { role: "user", content: "What is 1 + 2?" },
        { role: "assistant", content: [call("add", { a: 1, b: 2 }, "toolu_1")] },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_1", content: "3" }] },
        { role: "assistant", content: [{ type: "text", text: "It is 3.", citations: null }] }
      ])
      const [first, second] = yield* TestClaude.calls
      assert.strictEqual(first?.tools?.length, 2)
      assert.deepStrictEqual(second?.messages, reply.messages.slice(0, 3))
    }).pipe(
      withHandlers(
        TestClaude.layer([
          { content: [call("add", { a: 1, b: 2 }, "toolu_1")], usage: { input_tokens: 10, output_tokens: 5 } },
          { content: ["It is 3."], usage: { input_tokens: 20, output_tokens: 4 } }
        ])
      )
    )
  )

  it.effect("returns messages that the API reads, although it sent empty texts", () =>
    Effect.gen(function* () {
      const { messages } = yield* generateWithTools(toolkit, "What is 1 + 2?")
      const next = yield* generateWithTools(toolkit, { messages: [...messages, { role: "user", content: "Sure?" }] })
      assert.strictEqual(next.text, "It is 3.\n")
    }).pipe(
      Effect.provide([
        handlers,
        Emulator.layer({
          replies: [
            {
              when: ({ messages }) => messages.length === 1,
              reply: { content: [text(""), text("\n"), { ...call("add", { a: 1, b: 2 }, "toolu_1") }] }
            },
            { when: /./, reply: { content: [text(""), text("It is 3."), text("\n")] } }
          ]
        })
      ])
    )
  )

  it.effect("reports unknown tools, invalid arguments and returned failures to the model", () =>
    Effect.gen(function* () {
      const { messages } = yield* generateWithTools(toolkit, "Go")
      assert.deepStrictEqual(resultsIn(messages), [
        {
          type: "tool_result",
          tool_use_id: "u",
          content: 'There is no tool "subtract". The tools are: add, divide.',
          is_error: true
        },
        {
          type: "tool_result",
          tool_use_id: "i",
          content:
            "The arguments do not fit the schema of the tool:\n" +
            '- Missing key at ["b"]\nCall it again with other arguments.',
          is_error: true
        },
        { type: "tool_result", tool_use_id: "f", content: '{"_tag":"ByZero"}', is_error: true },
        { type: "tool_result", tool_use_id: "s", content: "2" }
      ])
    }).pipe(
      withHandlers(
        TestClaude.layer([
          {
            content: [
              call("subtract", {}, "u"),
              call("add", { a: 1 }, "i"),
              call("divide", { a: 1, b: 0 }, "f"),
              call("divide", { a: 4, b: 2 }, "s")
            ]
          },
          "Done."
        ])
      )
    )
  )

  it.effect("raises a failure of a tool in mode error once its siblings have ended", () =>
    Effect.gen(function* () {
      let finished = 0
      const slow = Tool.make("slow")
      const fail = Tool.make("fail", { failure: ByZero })
      const kit = Toolkit.make(slow, fail)
      const layer = kit.toLayer({
        slow: () =>
          Effect.andThen(
            Effect.sleep("1 minute"),
            Effect.sync(() => void finished++)
          ),
        fail: () => Effect.fail(new ByZero())
      })
      const fiber = yield* Effect.forkChild(
        generateWithTools(kit, "Go").pipe(
          Effect.catchTag("ByZero", () => Effect.succeed("raised")),
          Effect.provide(layer)
        )
      )
      yield* TestClock.adjust("59 seconds")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(fiber), "raised")
      assert.strictEqual(finished, 1)
    }).pipe(Effect.provide(TestClaude.layer({ content: [call("fail", {}, "1"), call("slow", {}, "2")] })))
  )

  it.effect("lets the defect of a handler stay a defect", () =>
    Effect.gen(function* () {
      const kit = Toolkit.make(Tool.make("broken", { failureMode: "return" }))
      const exit = yield* generateWithTools(kit, "Go").pipe(
        Effect.provide(kit.toLayer({ broken: () => Effect.die(new Error("bug")) })),
        Effect.exit
      )
      assert.isTrue(Exit.hasDies(exit))
    }).pipe(Effect.provide(TestClaude.layer({ content: [call("broken", {}, "1")] })))
  )

  it.effect("runs at most 8 handlers of a turn at the same time", () =>
    Effect.gen(function* () {
      let running = 0
      let most = 0
      const kit = Toolkit.make(Tool.make("wait"))
      const wait = () =>
        Effect.sync(() => (most = Math.max(most, ++running))).pipe(
          Effect.andThen(Effect.sleep("1 second")),
          Effect.andThen(Effect.sync(() => void running--))
        )
      const fiber = yield* Effect.forkChild(generateWithTools(kit, "Go").pipe(Effect.provide(kit.toLayer({ wait }))))
      for (let second = 0; second < 9; second++) yield* TestClock.adjust("1 second")
      yield* Fiber.join(fiber)
      assert.strictEqual(most, 8)
    }).pipe(
      Effect.provide(
        TestClaude.layer([{ content: Array.from({ length: 20 }, (_, at) => call("wait", {}, `t${at}`)) }, "Done."])
      )
    )
  )

  it.effect("reports a handler that takes longer than its limit, by the tool or by the loop", () =>
    Effect.gen(function* () {
      const kit = Toolkit.make(Tool.make("quick").annotate(Tools.Timeout, "1 second"), Tool.make("slow"))
      const layer = kit.toLayer({ quick: () => Effect.never, slow: () => Effect.never })
      const fiber = yield* Effect.forkChild(
        generateWithTools(kit, "Go", { timeout: "1 minute" }).pipe(Effect.provide(layer))
      )
      yield* TestClock.adjust("1 minute")
      const { messages } = yield* Fiber.join(fiber)
      assert.deepStrictEqual(
        resultsIn(messages).map(({ content }) => content),
        ["The tool gave no result within 1s.", "The tool gave no result within 1m."]
      )
    }).pipe(Effect.provide(TestClaude.layer([{ content: [call("quick", {}, "1"), call("slow", {}, "2")] }, "Done."])))
  )

  it.effect("never runs the calls of a turn that was cut off or refused", () =>
    Effect.gen(function* () {
      for (const stop_reason of ["max_tokens", "refusal", "model_context_window_exceeded"] as const) {
        const answer = { content: [call("add", { a: 1, b: 2 }, "1")], stop_reason, usage: { input_tokens: 7 } }
        const kit = Toolkit.make(add)
        const error = yield* generateWithTools(kit, "Go").pipe(
          Effect.provide(Layer.merge(kit.toLayer({ add: () => Effect.die("must not run") }), TestClaude.layer(answer))),
          Effect.flip
        )
        assert.strictEqual(error._tag === "ClaudeError" && error.reason.usage?.input, 7)
      }
    })
  )

  it.effect("stops at the limit of turns with a conversation in which no call is open", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(generateWithTools(toolkit, "Go", { limits: { turns: 2 } }))
      assert.strictEqual(error._tag, "ToolLimitReached")
      if (error._tag !== "ToolLimitReached") return
      assert.deepInclude(error, { limit: "turns", turns: 2 })
      assert.deepInclude(error.usage, { input: 20, output: 10 })
      assert.deepStrictEqual(resultsIn(error.messages).at(-1), {
        type: "tool_result",
        tool_use_id: "t2",
        content: "Not run: Claude called tools in each of 2 turns.",
        is_error: true
      })
      assert.strictEqual(error.message.includes("1 + 2"), false)
    }).pipe(withHandlers(endless()))
  )

  it.effect("raises an AiError that the tool declares, and has a defect where it does not", () =>
    Effect.gen(function* () {
      const reason = new AiError.UnknownError({ description: "down" })
      const error = AiError.make({ module: "other", method: "ask", reason })
      for (const declared of [true, false]) {
        const kit = Toolkit.make(Tool.make("ask", declared ? { failure: AiError.AiError } : {}))
        for (const failure of [error, reason]) {
          const exit = yield* Effect.exit(
            generateWithTools(kit, "Go").pipe(Effect.provide(kit.toLayer({ ask: () => Effect.fail(failure) })))
          )
          assert.strictEqual(Exit.hasFails(exit), declared)
          assert.strictEqual(Exit.hasDies(exit), !declared)
        }
      }
    }).pipe(Effect.provide(TestClaude.layer(() => ({ content: [call("ask", {}, "1")] }))))
  )

  it.effect("counts the turn for the value of a schema in the limits, and stops before it", () =>
    Effect.gen(function* () {
      const schema = Schema.Struct({ sum: Schema.Int })
      const cases = { turns: { turns: 1 }, tokens: { tokens: 15 }, cost: { cost: "0.00001 USD" } } as const
      for (const limit of ["turns", "tokens", "cost"] as const) {
        const error = yield* Effect.flip(generateWithTools(toolkit, "Go", { schema, limits: cases[limit] }))
        if (error._tag !== "ToolLimitReached") return assert.fail(error._tag)
        assert.deepInclude(error, { limit, turns: 1 })
        assert.deepInclude(error.messages.at(-1), { role: "assistant" })
      }
      assert.lengthOf(yield* TestClaude.calls, 3)
    }).pipe(withHandlers(TestClaude.layer(() => ({ content: ["3"], usage: { input_tokens: 10, output_tokens: 5 } }))))
  )

  it.effect("reports the turn for the value of a schema, so that the turns add up to the reply", () =>
    Effect.gen(function* () {
      const schema = Schema.Struct({ sum: Schema.Int })
      const elements = yield* Stream.runCollect(streamWithTools(toolkit, "Go", { schema }))
      assert.deepStrictEqual(
        elements.map(({ _tag }) => _tag),
        ["turn-started", "text", "turn-finished", "turn-started", "turn-finished", "finished"]
      )
      const turns = elements.flatMap((element) => (element._tag === "turn-finished" ? [element] : []))
      const [reply] = elements.flatMap((element) => (element._tag === "finished" ? [element.reply] : []))
      assert.strictEqual(reply?.turns, 2)
      assert.strictEqual(
        reply?.usage.input,
        turns.reduce((sum, { usage }) => sum + usage.input, 0)
      )
      assert.strictEqual(turns[1]?.usage.input, 20)
    }).pipe(
      withHandlers(
        TestClaude.layer(
          [["3"], ["{}"], ['{"sum":3}']].map((content) => ({ content, usage: { input_tokens: 10, output_tokens: 5 } }))
        )
      )
    )
  )

  it.effect("stops at the limits of tokens and of cost", () =>
    Effect.gen(function* () {
      const tokens = yield* Effect.flip(generateWithTools(toolkit, "Go", { limits: { tokens: 40 } }))
      assert.deepInclude(tokens, { limit: "tokens", turns: 3 })
      const cost = yield* Effect.flip(generateWithTools(toolkit, "Go", { limits: { cost: "0.0003 USD" } }))
      assert.deepInclude(cost, { limit: "cost", turns: 5 })
    }).pipe(withHandlers(endless()))
  )

  it.effect("asks for approval before a tool that needs it, and reports a denial to the model", () =>
    Effect.gen(function* () {
      const pay = Tool.make("pay", {
        parameters: Schema.Struct({ amount: Schema.Int }),
        success: Schema.String,
        needsApproval: ({ amount }) => amount > 10
      })
      const kit = Toolkit.make(pay)
      const asked: Array<number> = []
      const decided = yield* Deferred.make<void>()
      const fiber = yield* Effect.forkChild(
        generateWithTools(kit, "Go", {
          concurrency: 1,
          approve: ({ params }) =>
            Effect.as(
              Effect.andThen(
                Effect.sync(() => asked.push(params.amount)),
                Deferred.await(decided)
              ),
              params.amount < 100 ? true : { approved: false, reason: "too much" }
            )
        }).pipe(Effect.provide(kit.toLayer({ pay: ({ amount }) => Effect.succeed(`paid ${amount}`) })))
      )
      yield* TestClock.adjust("3 days")
      assert.isUndefined(fiber.pollUnsafe())
      yield* Deferred.succeed(decided, undefined)
      const { messages } = yield* Fiber.join(fiber)
      assert.deepStrictEqual(asked, [50, 500])
      assert.deepStrictEqual(
        resultsIn(messages).map(({ content }) => content),
        ["paid 5", "paid 50", "The user did not approve this call: too much"]
      )
    }).pipe(
      Effect.provide(
        TestClaude.layer([{ content: [5, 50, 500].map((amount) => call("pay", { amount }, `pay${amount}`)) }, "Done."])
      )
    )
  )

  it.effect("refuses a tool that needs approval where nothing approves it, before any call", () =>
    Effect.gen(function* () {
      const kit = Toolkit.make(Tool.make("pay", { needsApproval: true }))
      const error = yield* Effect.flip(
        generateWithTools(kit, "Go").pipe(Effect.provide(kit.toLayer({ pay: () => Effect.void })))
      )
      assert.match(error.message, /the tool pay needs approval, and nothing approves it; pass approve/)
      assert.deepStrictEqual(yield* TestClaude.calls, [])
    }).pipe(Effect.provide(TestClaude.layer("unused")))
  )

  it.effect("continues a paused turn, and returns thinking as it came", () =>
    Effect.gen(function* () {
      const { messages, text, turns } = yield* generateWithTools(toolkit, "Go")
      assert.strictEqual(text, "Done.")
      assert.strictEqual(turns, 2)
      assert.deepStrictEqual(messages[1]?.content, [thought, searched, call("add", { a: 1, b: 1 }, "1")] as never)
    }).pipe(
      withHandlers(
        TestClaude.layer([
          { content: [thought, searched], stop_reason: "pause_turn" },
          { content: [call("add", { a: 1, b: 1 }, "1")] },
          "Done."
        ])
      )
    )
  )

  it.effect("answers the calls of a paused turn, because the API does not continue an open call", () =>
    Effect.gen(function* () {
      const { messages } = yield* generateWithTools(toolkit, "Go")
      assert.deepStrictEqual(resultsIn(messages), [{ type: "tool_result", tool_use_id: "1", content: "2" }])
    }).pipe(
      withHandlers(
        TestClaude.layer([
          { content: [searched, call("add", { a: 1, b: 1 }, "1")], stop_reason: "pause_turn" },
          "Done."
        ])
      )
    )
  )

  it.effect("runs one handler at a time where the concurrency is no number", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* generateWithTools(toolkit, "Go", { concurrency: NaN })).text, "Done.")
    }).pipe(withHandlers(TestClaude.layer([{ content: [call("add", { a: 1, b: 1 }, "1")] }, "Done."])))
  )

  it.effect("drops the thinking of an answer that another model gave", () =>
    Effect.gen(function* () {
      const { messages } = yield* generateWithTools(toolkit, "Go")
      assert.deepStrictEqual(messages[1]?.content, [thought, call("add", { a: 1, b: 1 }, "1")] as never)
      assert.deepStrictEqual(messages[3]?.content, [call("add", { a: 1, b: 1 }, "2")] as never)
    }).pipe(
      withHandlers(
        TestClaude.layer([
          { content: [thought, call("add", { a: 1, b: 1 }, "1")] },
          { content: [thought, call("add", { a: 1, b: 1 }, "2")], model: "claude-haiku-4-5" },
          "Done."
        ])
      )
    )
  )

  it.effect("adds the usage of earlier turns to the failure of a later one", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(generateWithTools(toolkit, "Go"))
      assert.strictEqual(error._tag === "ClaudeError" && error.reason.usage?.input, 10)
    }).pipe(
      withHandlers(
        TestClaude.layer([
          { content: [call("add", { a: 1, b: 1 }, "1")], usage: { input_tokens: 10 } },
          new Overloaded({ detail: "busy" })
        ])
      )
    )
  )

  it.effect("asks for the value of a schema with citations switched off, and keeps them in the messages", () =>
    Effect.gen(function* () {
      const source = { type: "text" as const, media_type: "text/plain" as const, data: "The sum is 3." }
      const document = { type: "document" as const, source, citations: { enabled: true } }
      const prompt = {
        messages: [{ role: "user" as const, content: [document, { type: "text" as const, text: "Go" }] }]
      }
      const { messages } = yield* generateWithTools(toolkit, prompt, { schema: Schema.Struct({ sum: Schema.Int }) })
      assert.deepStrictEqual(messages[0], prompt.messages[0])
    }).pipe(Effect.provide([handlers, Emulator.layer()]))
  )

  it.effect("asks for the value of a schema when the loop has ended, with the tools and without calls", () =>
    Effect.gen(function* () {
      const reply = yield* generateWithTools(toolkit, "Go", { schema: Schema.Struct({ sum: Schema.Int }) })
      assert.deepStrictEqual(reply.value, { sum: 3 })
      assert.deepInclude(reply.usage, { input: 30 })
      assert.strictEqual(reply.turns, 3)
      const last = (yield* TestClaude.calls).at(-1)
      assert.deepStrictEqual(last?.tool_choice, { type: "none" })
      assert.strictEqual(last?.tools?.length, 2)
      assert.strictEqual(last?.output_config?.format?.type, "json_schema")
    }).pipe(
      withHandlers(
        TestClaude.layer([
          { content: [call("add", { a: 1, b: 2 }, "1")], usage: { input_tokens: 10 } },
          { content: [], usage: { input_tokens: 10 } },
          { content: ['{"sum":3}'], usage: { input_tokens: 10 } }
        ])
      )
    )
  )

  it.effect("sends images that a tool made for the model", () =>
    Effect.gen(function* () {
      const chart = Tool.make("chart", {
        success: Schema.String,
        toModelOutput: (data) => [Prompt.filePart({ mediaType: "image/png", data })]
      })
      const kit = Toolkit.make(chart)
      const { messages } = yield* generateWithTools(kit, "Go").pipe(
        Effect.provide(kit.toLayer({ chart: () => Effect.succeed("AQID") }))
      )
      assert.deepStrictEqual(resultsIn(messages)[0]?.content, [
        { type: "image", source: { type: "base64", data: "AQID", media_type: "image/png" } }
      ])
    }).pipe(Effect.provide(TestClaude.layer([{ content: [call("chart", {}, "1")] }, "Done."])))
  )

  it.effect("sends each tool once, also where the prompt has its definition from an earlier conversation", () =>
    Effect.gen(function* () {
      const own = { name: "web_search" as const, type: "web_search_20250305" as const }
      const old = { name: "add", input_schema: { type: "object" as const } }
      yield* generateWithTools(toolkit, { tools: [old, own], messages: [{ role: "user", content: "Go" }] })
      const names = (yield* TestClaude.calls)[0]?.tools?.map((tool) => "name" in tool && tool.name)
      assert.deepStrictEqual(names, ["web_search", "add", "divide"])
    }).pipe(withHandlers(TestClaude.layer("Done.")))
  )

  it.effect("refuses a tool of the prompt that has no handler, before any call", () =>
    Effect.gen(function* () {
      const own = { name: "own", input_schema: { type: "object" as const } }
      const bash = { name: "bash" as const, type: "bash_20250124" as const }
      for (const tool of [own, { ...own, type: "custom" as const }, bash]) {
        const prompt = { tools: [tool], messages: [{ role: "user" as const, content: "Go" }] }
        const error = yield* Effect.flip(generateWithTools(toolkit, prompt))
        assert.include(
          error.message,
          `the tool ${tool.name} of the prompt has no handler; put it into the toolkit, or leave it out`
        )
      }
      assert.deepStrictEqual(yield* TestClaude.calls, [])
    }).pipe(withHandlers(TestClaude.layer([])))
  )

  it.effect("refuses a forced call that the model does not take, before any call", () =>
    Effect.gen(function* () {
      const prompt = { tool_choice: { type: "any" as const }, messages: [{ role: "user" as const, content: "Go" }] }
      const error = yield* Effect.flip(generateWithTools(toolkit, prompt))
      assert.include(error.message, 'a forced call of a tool with claude-sonnet-5-5; use tool_choice "auto"')
      assert.deepStrictEqual(yield* TestClaude.calls, [])
    }).pipe(withHandlers(TestClaude.layer([])))
  )

  it.effect("reports how each call ended, with its duration and without its arguments", () =>
    Effect.gen(function* () {
      const events: Array<Event.Event> = []
      yield* generateWithTools(toolkit, "Go").pipe(
        Event.listen((event) => Effect.sync(() => void (event._tag === "tool-finished" && events.push(event))))
      )
      assert.deepStrictEqual(
        events.map((event) => event._tag === "tool-finished" && [event.tool, event.outcome]),
        [
          [undefined, "unknown-tool"],
          ["add", "succeeded"],
          ["divide", "failed"]
        ]
      )
    }).pipe(
      withHandlers(
        TestClaude.layer([
          { content: [call("x", {}, "1"), call("add", { a: 1, b: 1 }, "2"), call("divide", { a: 1, b: 0 }, "3")] },
          "Done."
        ])
      )
    )
  )

  it.effect("passes tools of the API through, prices their use, and keeps the container for the next turn", () =>
    Effect.gen(function* () {
      const kit = Toolkit.make(add, Tools.webSearch({ max_uses: 2 }), Tools.codeExecution())
      const reply = yield* generateWithTools(kit, "Go").pipe(
        Effect.provide(kit.toLayer({ add: ({ a, b }) => Effect.succeed(a + b) }))
      )
      const [first, second] = yield* TestClaude.calls
      assert.deepStrictEqual(
        first?.tools?.map((tool) => ("type" in tool ? tool.type : "custom")),
        ["custom", "web_search_20260318", "code_execution_20260521"]
      )
      assert.strictEqual(second?.container, "container_1")
      assert.deepStrictEqual(second?.messages[1]?.content, [searched, call("add", { a: 1, b: 1 }, "1")] as never)
      assert.strictEqual(reply.usage.webSearches, 1)
      assert.strictEqual(reply.cost && BigDecimal.format(reply.cost), "0.01")
    }).pipe(
      Effect.provide(
        TestClaude.layer([
          {
            content: [searched, call("add", { a: 1, b: 1 }, "1")],
            container: { id: "container_1", expires_at: "2026-12-01T00:00:00Z", skills: null },
            usage: {
              input_tokens: 0,
              output_tokens: 0,
              server_tool_use: { web_search_requests: 1, web_fetch_requests: 0 }
            }
          },
          { content: ["Done."], usage: { input_tokens: 0, output_tokens: 0 } }
        ])
      )
    )
  )

  it.effect("returns no thinking of a fallback to the model that was asked", () =>
    Effect.gen(function* () {
      const { messages } = yield* generateWithTools(toolkit, {
        thinking: { type: "enabled", budget_tokens: 1024 },
        messages: [{ role: "user", content: "Go" }]
      })
      assert.deepStrictEqual(messages[1]?.content, [call("add", { a: 1, b: 1 }, "1")] as never)
      const last = (yield* TestClaude.calls).at(-1)
      // With manual thinking, the last turn would have to begin with thinking.
      assert.deepStrictEqual(last?.thinking, { type: "disabled" })
    }).pipe(
      withHandlers(
        TestClaude.layer(({ messages, model }) => {
          if (messages.length > 1) return "Done."
          if (model === "claude-sonnet-5-5") return new Overloaded({ detail: "busy" })
          return { content: [thought, call("add", { a: 1, b: 1 }, "1")] }
        }).pipe(Fallback.policy([{ model: "claude-haiku-4-5" }]))
      )
    )
  )

  it.effect("returns the thinking of the model that was asked, although a fallback answered first", () =>
    Effect.gen(function* () {
      let isBusy = true
      const claude = TestClaude.layer(({ messages, model }) => {
        if (messages.length === 5) return "Done."
        if (model === "claude-sonnet-5-5" && isBusy) return new Overloaded({ detail: "busy" })
        isBusy = false
        return { content: [thought, call("add", { a: 1, b: 1 }, `${messages.length}`)] }
      }).pipe(Fallback.policy([{ model: "claude-haiku-4-5" }]))
      const { messages } = yield* Effect.provide(generateWithTools(toolkit, "Go"), Layer.merge(handlers, claude))
      assert.deepStrictEqual(messages[1]?.content, [call("add", { a: 1, b: 1 }, "1")] as never)
      assert.deepStrictEqual(messages[3]?.content, [thought, call("add", { a: 1, b: 1 }, "3")] as never)
    })
  )

  it.effect("fails where the last turn is empty, unless a value is asked for after it", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(generateWithTools(toolkit, "Go"))
      assert.strictEqual(error._tag === "ClaudeError" && error.reason._tag, "OutputEmpty")
      const schema = Schema.Struct({ sum: Schema.Int })
      const { messages, value } = yield* generateWithTools(toolkit, "Go", { schema })
      assert.deepStrictEqual(value, { sum: 3 })
      assert.isFalse(messages.some(({ content }) => content?.length === 0))
    }).pipe(
      withHandlers(TestClaude.layer((request) => (request.output_config === undefined ? { content: [] } : `{"sum":3}`)))
    )
  )

  it.effect("refuses a thread of the server before any call", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        generateWithTools(toolkit, { thread: { id: "t" }, messages: [{ role: "user", content: "Go" }] } as never)
      )
      assert.include(error.message, "a thread of the server with tools of the program; leave out thread")
      assert.deepStrictEqual(yield* TestClaude.calls, [])
    }).pipe(withHandlers(TestClaude.layer("unused")))
  )

  it.effect("raises the failures of all handlers of a turn", () =>
    Effect.gen(function* () {
      const kit = Toolkit.make(
        Tool.make("fail", { parameters: Schema.Struct({ why: Schema.String }), failure: Schema.String })
      )
      const exit = yield* Effect.exit(
        Effect.provide(generateWithTools(kit, "Go"), kit.toLayer({ fail: ({ why }) => Effect.fail(why) }))
      )
      const raised = Exit.isFailure(exit) ? exit.cause.reasons.map((one) => "error" in one && one.error) : []
      assert.deepStrictEqual(raised, ["one", "two"])
    }).pipe(
      Effect.provide(
        TestClaude.layer({ content: [call("fail", { why: "one" }, "1"), call("fail", { why: "two" }, "2")] })
      )
    )
  )

  it.effect("stores results by tool, id and arguments, but not the ones of tools marked again without approval", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const parameters = Schema.Struct({ a: Schema.Int })
      const kit = Toolkit.make(
        Tool.make("kept", { parameters }),
        Tool.make("again", { parameters }).annotate(Tools.Replay, "again"),
        Tool.make("approved", { parameters, needsApproval: true }).annotate(Tools.Replay, "again")
      )
      const store: HandlerStore = {
        stored: (id, work) =>
          Effect.andThen(
            Effect.sync(() => log.push(id)),
            work
          ),
        running: (handler) =>
          Effect.andThen(
            Effect.sync(() => log.push("running")),
            handler
          ),
        waiting: (approval) =>
          Effect.andThen(
            Effect.sync(() => log.push("waiting")),
            approval
          )
      }
      const nothing = () => Effect.void
      yield* generateWithTools(kit, "Go", { approve: () => Effect.succeed(true) }).pipe(
        Effect.provide(kit.toLayer({ kept: nothing, again: nothing, approved: nothing })),
        Effect.provideService(HandlerStore, store)
      )
      const ids = log.filter((one) => one !== "running" && one !== "waiting")
      assert.lengthOf(new Set(ids), 4)
      assert.deepStrictEqual(log, [ids[0], ids[1], ids[2], "running", ids[3], "waiting"] as never)
    }).pipe(
      Effect.provide(
        TestClaude.layer([
          {
            content: [
              call("kept", { a: 1 }, "1"),
              call("kept", { a: 1 }, "2"),
              call("kept", { a: 2 }, "2"),
              call("again", { a: 1 }, "3"),
              call("approved", { a: 1 }, "4")
            ]
          },
          "Done."
        ])
      )
    )
  )

  it.effect("keeps a forced choice to the first turn", () =>
    Effect.gen(function* () {
      yield* generateWithTools(toolkit, {
        model: "claude-haiku-5-5",
        tool_choice: { type: "any" },
        messages: [{ role: "user", content: "Go" }]
      })
      const choices = (yield* TestClaude.calls).map(({ tool_choice }) => tool_choice?.type)
      assert.deepStrictEqual(choices, ["any", "auto"])
    }).pipe(withHandlers(TestClaude.layer([{ content: [call("add", { a: 1, b: 1 }, "1")] }, "Done."])))
  )
})

describe("streamWithTools", () => {
  it.effect("brings turns, pieces, calls and results in order, and the reply of generateWithTools", () =>
    Effect.gen(function* () {
      const elements = yield* Stream.runCollect(streamWithTools(toolkit, "Go"))
      assert.deepStrictEqual(
        elements.map((one) => {
          switch (one._tag) {
            case "text":
            case "thinking":
              return `${one._tag} ${one.text}`
            case "tool-call":
              return `call ${one.name} ${JSON.stringify(one.params)}`
            case "tool-result":
              return `result ${one.name} ${one.outcome} ${JSON.stringify(one.result)}`
            case "turn-started":
            case "turn-finished":
              return `${one._tag} ${one.turn}`
            default:
              return one._tag
          }
        }),
        [
          "turn-started 1",
          "thinking hm",
          "text Let",
          "text  me",
          "text  add.",
          "turn-finished 1",
          'call add {"a":1,"b":2}',
          "result add succeeded 3",
          "turn-started 2",
          "text It",
          "text  is",
          "text  3.",
          "turn-finished 2",
          "finished"
        ]
      )
      const last = elements.at(-1)
      const whole = yield* generateWithTools(toolkit, "Go")
      const facts = ({ message, ...reply }: typeof whole) => ({
        ...reply,
        discard: undefined,
        requestId: undefined,
        content: message.content
      })
      assert.deepStrictEqual(last?._tag === "finished" && facts(last.reply), facts(whole))
    }).pipe(
      withHandlers(
        TestClaude.layer(({ messages }) =>
          messages.length === 1 ? { content: [thought, "Let me add.", call("add", { a: 1, b: 2 }, "1")] } : "It is 3."
        )
      )
    )
  )

  it.effect("interrupts the handler that runs when the reader leaves", () =>
    Effect.gen(function* () {
      let interrupted = false
      const kit = Toolkit.make(Tool.make("wait", { success: Schema.String }))
      const wait: Toolkit.HandlersFrom<typeof kit.tools>["wait"] = (_, { preliminary }) =>
        preliminary("half").pipe(
          Effect.andThen(Effect.never),
          Effect.onInterrupt(() => Effect.sync(() => void (interrupted = true)))
        )
      yield* streamWithTools(kit, "Go").pipe(
        Stream.takeUntil(({ _tag }) => _tag === "tool-progress"),
        Stream.runDrain,
        Effect.provide(kit.toLayer({ wait }))
      )
      assert.isTrue(interrupted)
    }).pipe(Effect.provide(TestClaude.layer({ content: [call("wait", {}, "1")] })))
  )
})

class ByZero extends Schema.TaggedError<ByZero>()("ByZero", {}) {}

const numbers = Schema.Struct({ a: Schema.Int, b: Schema.Int })
const add = Tool.make("add", { description: "Adds", parameters: numbers, success: Schema.Int })
const divide = Tool.make("divide", {
  parameters: numbers,
  success: Schema.Finite,
  failure: ByZero,
  failureMode: "return"
})
const toolkit = Toolkit.make(add, divide)

const handlers = toolkit.toLayer({
  add: ({ a, b }) => Effect.succeed(a + b),
  divide: ({ a, b }) => (b === 0 ? Effect.fail(new ByZero()) : Effect.succeed(a / b))
})

const withHandlers = (claude: Layer.Layer<Claude | TestClaude.TestClaude>) =>
  Effect.provide(Layer.merge(handlers, claude))

const text = (text: string) => ({ type: "text", text })

const call = (name: string, input: unknown, id: string): Anthropic.ToolUseBlock => ({
  type: "tool_use",
  id,
  name,
  input,
  caller: { type: "direct" }
})

const thought: Anthropic.ThinkingBlock = { type: "thinking", thinking: "hm", signature: "s" }
const searched: Anthropic.ServerToolUseBlock = {
  type: "server_tool_use",
  id: "srvtoolu_1",
  name: "web_search",
  input: { query: "x" },
  caller: { type: "direct" }
}

/** Calls a tool in every turn. */
const endless = () => {
  let turn = 0
  return TestClaude.layer(() => ({
    content: [call("add", { a: 1, b: 2 }, `t${++turn}`)],
    usage: { input_tokens: 10, output_tokens: 5 }
  }))
}

const resultsIn = (
  messages: ReadonlyArray<{ readonly content?: unknown }>
): ReadonlyArray<Anthropic.ToolResultBlockParam> =>
  messages.flatMap(({ content }) =>
    Array.isArray(content) ? content.filter((block) => block.type === "tool_result") : []
  )
