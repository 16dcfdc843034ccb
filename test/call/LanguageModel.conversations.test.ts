import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as AiError from "effect/ai/AiError"
import * as Chat from "effect/ai/Chat"
import type * as Prompt from "effect/ai/Prompt"
import * as Tool from "effect/ai/Tool"
import * as Toolkit from "effect/ai/Toolkit"
import * as LanguageModel from "../../src/call/LanguageModel.ts"
import * as Emulator from "../../src/testing/Emulator.ts"

describe("any conversation of a Chat", () => {
  // The emulator refuses what the API refuses: open calls, stray results, empty messages, tools that are not defined.
  it.effect.prop(
    "is one that the API accepts, whatever tools, users and networks do",
    [Schema.Array(Action())],
    ([all]) =>
      Effect.gen(function* () {
        let chat = yield* Chat.empty
        const failing = yield* Ref.make(false)
        const toolkit = yield* Effect.provide(tools, handlers(failing))
        for (const action of all) {
          if (action === "export") chat = yield* Chat.fromJson(yield* chat.exportJson)
          else if (action === "break") yield* Ref.update(failing, (is) => !is)
          else yield* accepted(act(action, chat, toolkit))
        }
        yield* accepted(chat.generateText({ prompt: "Goodbye." }))
      }).pipe(Effect.provide(LanguageModel.layer().pipe(Layer.provide(emulator)))),
    { arbitrary: { runs: 40 } }
  )

  it.effect("may have begun with another provider, which has other ids, names and arguments", () =>
    Effect.gen(function* () {
      const [id, name] = ["functions.read:0", "files.read"]
      const turn = (params: unknown, result: string): ReadonlyArray<Prompt.MessageEncoded> => [
        { role: "assistant", content: [{ type: "tool-call", id, name, params, providerExecuted: false }] },
        { role: "tool", content: [{ type: "tool-result", id, name, result, isFailure: false }] }
      ]
      const chat = yield* Chat.fromPrompt([
        { role: "user", content: "Read both." },
        ...turn("a.txt", "one"),
        ...turn(null, "two"),
        { role: "user", content: "Thanks." }
      ])
      yield* chat.generateText({ prompt: [] })
      const [exchange] = yield* Effect.flatMap(Emulator.Emulator, ({ ledger }) => ledger)
      assert.isDefined(exchange)
    }).pipe(Effect.provide(LanguageModel.layer().pipe(Layer.provideMerge(Emulator.layer({})))))
  )
})

// Builders

const emulator = Emulator.layer({
  faults: (["cut", 429, 529] as const).map((kind) => ({ kind, rate: 0.05 }))
})

type Action = ReturnType<typeof Action>["Type"]

function Action() {
  return Schema.Literals([
    "talk",
    "order",
    "order and pay",
    "stream",
    "leave a stream",
    "continue",
    "approve",
    "deny",
    "other model",
    "no tools",
    "break",
    "export"
  ])
}

const tools = Toolkit.make(
  Tool.make("order", {
    parameters: Schema.Struct({ article: Schema.String }),
    success: Schema.String,
    failure: Schema.String
  }),
  Tool.make("pay", { success: Schema.Int, needsApproval: true })
)

const handlers = (failing: Ref.Ref<boolean>) =>
  tools.toLayer({
    order: () => Effect.flatMap(Ref.get(failing), (is) => (is ? Effect.fail("sold out") : Effect.succeed("ordered"))),
    pay: () => Effect.succeed(3)
  })

type Handled = Toolkit.WithHandler<Toolkit.Tools<typeof tools>>

const act = (action: Exclude<Action, "export" | "break">, chat: Chat.Chat, toolkit: Handled) =>
  Effect.gen(function* () {
    switch (action) {
      case "talk":
        return yield* chat.generateText({ prompt: "Hello.", toolkit })
      case "order":
        return yield* chat.generateText({ prompt: "Please order it.", toolkit })
      case "order and pay":
        return yield* chat.generateText({ prompt: "Please order it and pay.", toolkit })
      case "stream":
        return yield* Stream.runDrain(chat.streamText({ prompt: "Please order it and pay.", toolkit }))
      case "leave a stream":
        return yield* Stream.runDrain(Stream.take(chat.streamText({ prompt: "Please order it and pay.", toolkit }), 5))
      case "other model":
        return yield* chat
          .generateText({ prompt: "Please order it.", toolkit, toolChoice: "required" })
          .pipe(Effect.provideService(LanguageModel.Settings, { model: "claude-haiku-5-5" }))
      case "no tools":
        return yield* chat.generateText({ prompt: "Please order it." })
      case "continue": {
        // Without a user message at the end, it is the caller who asks for what the API refuses.
        const last = (yield* Ref.get(chat.history)).content.at(-1)
        return last?.role === "tool" ? yield* chat.generateText({ prompt: [], toolkit }) : undefined
      }
      default: {
        const content = pending((yield* Ref.get(chat.history)).content).map((approvalId) => ({
          type: "tool-approval-response" as const,
          approvalId,
          approved: action === "approve"
        }))
        if (content.length === 0) return undefined
        return yield* chat.generateText({ prompt: [{ role: "tool", content }], toolkit })
      }
    }
  })

/** The requests for an approval that have no answer. */
const pending = (messages: ReadonlyArray<Prompt.Message>) => {
  const ids = new Set<string>()
  for (const { content, role } of messages) {
    if (role === "system") continue
    for (const part of content) {
      if (part.type === "tool-approval-request") ids.add(part.approvalId)
      if (part.type === "tool-approval-response") ids.delete(part.approvalId)
    }
  }
  return [...ids]
}

/** Fails if the API refused the request. Faults pass, and a failure of a handler is the program's. */
const accepted = Effect.fnUntraced(function* <A, E, R>(call: Effect.Effect<A, E, R>) {
  const exit = yield* Effect.exit(call)
  if (Exit.isSuccess(exit)) return
  const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
  if (!AiError.isAiError(error)) return assert.strictEqual<unknown>(error, "sold out")
  assert.include(["NetworkError", "InternalProviderError", "RateLimitError"], error.reason._tag, error.message)
})
