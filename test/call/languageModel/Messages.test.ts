import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Prompt from "effect/ai/Prompt"
import type * as ProviderOptions from "../../../src/call/languageModel/ProviderOptions.ts"
import * as Messages from "../../../src/call/languageModel/Messages.ts"
import * as ToolTurns from "../../../src/testing/emulator/request/ToolTurns.ts"

describe("the conversation of a prompt", () => {
  it("has the first system messages as its system prompt, and later ones where they are", () => {
    const { messages, system } = converted([
      { role: "system", content: "Be brief." },
      { role: "system", content: "Be kind." },
      { role: "user", content: "Hi" },
      { role: "system", content: "Be rude." },
      { role: "user", content: "Hi?" }
    ])
    assert.deepStrictEqual(
      system.map(({ text }) => text),
      ["Be brief.", "Be kind."]
    )
    assert.deepStrictEqual(
      messages.map(({ role }) => role),
      ["user", "system", "user"]
    )
  })

  it("merges messages of one role that follow each other", () => {
    const { messages } = converted([
      { role: "user", content: "One." },
      { role: "user", content: "Two." },
      { role: "assistant", content: "Three." },
      { role: "assistant", content: "Four." }
    ])
    assert.deepStrictEqual(messages, [
      { role: "user", content: [text("One."), text("Two.")] },
      { role: "assistant", content: [text("Three."), text("Four.")] }
    ])
  })

  it("has the results of tools first in the user message, in the order of their calls", () => {
    const { messages } = converted([
      { role: "user", content: "Ask both." },
      { role: "assistant", content: [call("a"), call("b")] },
      { role: "user", content: "Quickly." },
      { role: "tool", content: [result("b", "two"), result("a", "one")] }
    ])
    assert.deepStrictEqual(messages.at(-1), {
      role: "user",
      content: [
        { type: "tool_result", tool_use_id: "a", content: "one" },
        { type: "tool_result", tool_use_id: "b", content: "two" },
        text("Quickly.")
      ]
    })
  })

  it("has the first of several results of one call", () => {
    const { messages } = converted([
      { role: "user", content: "Ask." },
      { role: "assistant", content: [call("a")] },
      { role: "tool", content: [result("a", "one"), result("a", "two")] }
    ])
    assert.deepStrictEqual<unknown>(messages.at(-1)?.content, [
      { type: "tool_result", tool_use_id: "a", content: "one" }
    ])
  })

  it("moves a result that Chat stored after the answer to its call", () => {
    const { messages } = converted([
      { role: "user", content: "Pay." },
      {
        role: "assistant",
        content: [call("a"), { type: "tool-approval-request", approvalId: "1", toolCallId: "a" }]
      },
      { role: "tool", content: [{ type: "tool-approval-response", approvalId: "1", approved: true }] },
      { role: "assistant", content: "It is paid." },
      { role: "tool", content: [result("a", "paid")] },
      { role: "user", content: "Thanks." }
    ])
    assert.deepStrictEqual(
      messages.map(({ role }) => role),
      ["user", "assistant", "user", "assistant", "user"]
    )
    assert.deepStrictEqual(messages[2]?.content, [{ type: "tool_result", tool_use_id: "a", content: "paid" }])
  })

  it("moves it there too, where effect/ai has removed the approval between them", () => {
    const { messages } = converted([
      { role: "user", content: "Pay." },
      { role: "assistant", content: [call("a")] },
      { role: "assistant", content: "It is paid." },
      { role: "tool", content: [result("a", "paid")] },
      { role: "user", content: "Thanks." }
    ])
    assert.deepStrictEqual(
      messages.map(({ role }) => role),
      ["user", "assistant", "user", "assistant", "user"]
    )
  })

  it("ends with a message that names a result which came turns later", () => {
    const { messages } = converted([
      { role: "assistant", content: [call("a")] },
      { role: "user", content: "Hello." },
      { role: "assistant", content: "Hello." },
      { role: "tool", content: [result("a", "paid")] }
    ])
    assert.deepStrictEqual(messages.at(-1), { role: "user", content: [text("The result of ask is there now.")] })
    assert.deepStrictEqual<unknown>(messages[1]?.content, [
      { type: "tool_result", tool_use_id: "a", content: "paid" },
      text("Hello.")
    ])
  })

  it("gives an open call a failure, which says if the user did not approve it", () => {
    const { messages } = converted([
      { role: "user", content: "Pay." },
      {
        role: "assistant",
        content: [call("a"), call("b"), { type: "tool-approval-request", approvalId: "1", toolCallId: "a" }]
      },
      { role: "user", content: "Never mind." }
    ])
    assert.deepStrictEqual(messages.at(-1)?.content, [
      { type: "tool_result", tool_use_id: "a", content: "The user did not approve this call.", is_error: true },
      { type: "tool_result", tool_use_id: "b", content: "This call was not executed.", is_error: true },
      text("Never mind.")
    ])
  })

  it("leaves out a result without a call, and parts that mean nothing to the API", () => {
    const { messages } = converted([
      { role: "tool", content: [result("gone", "old")] },
      {
        role: "user",
        content: [
          { type: "text", text: " \n" },
          { type: "text", text: "Hi" }
        ]
      },
      { role: "assistant", content: [{ type: "reasoning", text: "of another provider" }] }
    ])
    assert.deepStrictEqual(messages, [{ role: "user", content: [text("Hi")] }])
  })

  it("returns the thinking of this model, citations and the blocks of server tools as the API sent them", () => {
    const search = { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: { query: "x" } }
    const found = { type: "web_search_tool_result", tool_use_id: "srvtoolu_1", content: [] }
    const citations: ProviderOptions.TextOptions["citations"] = [{ type: "page_location", document_index: 0 }]
    const { messages } = converted([
      {
        role: "assistant",
        content: [
          { type: "reasoning", text: "hm", options: { anthropic: { signature: "s", model: "claude-sonnet-5-5" } } },
          { type: "reasoning", text: "hm", options: { anthropic: { signature: "o", model: "claude-opus-5-5" } } },
          { type: "reasoning", text: "", options: { anthropic: { redactedData: "r" } } },
          {
            type: "tool-call",
            id: "srvtoolu_1",
            name: "search",
            params: {},
            providerExecuted: true,
            options: { anthropic: { block: search } }
          },
          {
            type: "tool-result",
            id: "srvtoolu_1",
            name: "search",
            result: [],
            isFailure: false,
            providerExecuted: true,
            options: { anthropic: { block: found } }
          },
          { type: "text", text: "It is so.", options: { anthropic: { citations } } },
          { type: "text", text: "", options: { anthropic: { block: { type: "compaction", content: null } } } }
        ]
      }
    ])
    assert.deepStrictEqual<unknown>(messages[0]?.content, [
      { type: "thinking", thinking: "hm", signature: "s" },
      { type: "redacted_thinking", data: "r" },
      search,
      found,
      { type: "text", text: "It is so.", citations },
      { type: "compaction", content: null }
    ])
  })

  it("has breakpoints on parts, and on the last block of a message that has one", () => {
    const cacheControl = { type: "ephemeral", ttl: "1h" } as const
    const options = { anthropic: { cacheControl } }
    const { messages, system } = converted([
      { role: "system", content: "Be brief.", options },
      {
        role: "user",
        content: [
          { type: "text", text: "One." },
          { type: "text", text: "Two." }
        ],
        options
      },
      { role: "assistant", content: [call("a")] },
      { role: "tool", content: [result("a", "one")], options }
    ])
    const marked = { cache_control: cacheControl }
    assert.deepStrictEqual<unknown>(system, [{ ...text("Be brief."), ...marked }])
    assert.deepStrictEqual<unknown>(messages[0]?.content, [text("One."), { ...text("Two."), ...marked }])
    assert.deepStrictEqual<unknown>(messages[2]?.content, [
      { type: "tool_result", tool_use_id: "a", content: "one", ...marked }
    ])
  })

  it.prop("never has an open call, a stray result or two results of one call", [Steps], ([steps]) => {
    const tools = [{ name: "ask" }]
    const { messages } = converted(steps.map(messageOf))
    // The emulator refuses what the API refuses.
    assert.isUndefined(ToolTurns.check({ messages, tools }))
    for (const [at, { role }] of messages.entries()) assert.notStrictEqual(role, messages[at + 1]?.role)
  })
})

// Builders

const Step = Schema.Struct({
  kind: Schema.Literals(["user", "system", "text", "call", "two calls", "result", "two results", "approval"]),
  /** The step whose call this one answers, if it made one. */
  of: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 12 }))
})
const Steps = Schema.Array(Step).check(Schema.isMaxLength(12))

const messageOf = ({ kind, of }: typeof Step.Type, at: number): Prompt.MessageEncoded => {
  switch (kind) {
    case "user":
    case "system":
      return { role: kind, content: "Hi" }
    case "text":
      return { role: "assistant", content: "Hello" }
    case "call":
      return { role: "assistant", content: [call(`c${at}`)] }
    case "two calls":
      return { role: "assistant", content: [call(`c${at}`), call(`d${at}`)] }
    case "result":
      return { role: "tool", content: [result(`c${of}`, "x")] }
    case "two results":
      return { role: "tool", content: [result(`d${of}`, "y"), result(`c${of}`, "x")] }
    case "approval":
      return { role: "tool", content: [{ type: "tool-approval-response", approvalId: "1", approved: true }] }
  }
}

const text = (content: string) => ({ type: "text" as const, text: content })
const call = (id: string): Prompt.ToolCallPartEncoded => ({ type: "tool-call", id, name: "ask", params: {} })
const result = (id: string, value: string): Prompt.ToolResultPartEncoded => ({
  type: "tool-result",
  id,
  name: "ask",
  result: value,
  isFailure: false
})

const converted = (messages: ReadonlyArray<Prompt.MessageEncoded>) =>
  Result.getOrThrow(Messages.make(Prompt.make(messages), { nameOf: (name) => name, model: "claude-sonnet-5-5" }))
