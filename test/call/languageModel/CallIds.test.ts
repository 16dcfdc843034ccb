import { assert, describe, it } from "@effect/vitest"
import * as Prompt from "effect/ai/Prompt"
import * as CallIds from "../../../src/call/languageModel/CallIds.ts"

describe("the ids of calls", () => {
  it("stay where the API accepts them", () => {
    const { content } = Prompt.make([calls("toolu_1", "call-2"), results("toolu_1", "call-2")])
    assert.strictEqual(CallIds.make(content), content)
  })

  it("have no character that the API refuses, and stay different", () => {
    assert.deepStrictEqual(idsOf([calls("functions.get:0", "functions_get:0", ""), results("", "functions.get:0")]), [
      "call functions_get_0",
      "call functions_get_0_2",
      "call call",
      "result call",
      "result functions_get_0"
    ])
  })

  it("of a provider that numbers the calls of each turn anew belong to the results that follow them", () => {
    assert.deepStrictEqual(idsOf([calls("0"), results("0", "0"), calls("0"), calls("0"), results("0")]), [
      "call 0",
      "result 0",
      "result 0",
      "call 0_2",
      "call 0_3",
      "result 0_3"
    ])
  })

  it("that one message repeats belong to the results in their order", () => {
    assert.deepStrictEqual(idsOf([calls("a", "a"), results("a", "a")]), [
      "call a",
      "call a_2",
      "result a",
      "result a_2"
    ])
  })

  it("change in the requests for approval too, and not in calls that the provider ran", () => {
    const [message] = CallIds.make(
      Prompt.make([
        {
          role: "assistant",
          content: [
            { type: "tool-call", id: "s:1", name: "search", params: {}, providerExecuted: true },
            { type: "tool-call", id: "a:1", name: "add", params: {}, providerExecuted: false },
            { type: "tool-approval-request", approvalId: "x", toolCallId: "a:1" }
          ]
        }
      ]).content
    )
    assert.deepStrictEqual(
      (message?.role === "assistant" ? message.content : []).map((part) =>
        part.type === "tool-approval-request" ? part.toolCallId : part.type === "tool-call" ? part.id : undefined
      ),
      ["s:1", "a_1", "a_1"]
    )
  })
})

const calls = (...ids: ReadonlyArray<string>): Prompt.MessageEncoded => ({
  role: "assistant",
  content: ids.map((id) => ({ type: "tool-call", id, name: "get", params: {}, providerExecuted: false }))
})

const results = (...ids: ReadonlyArray<string>): Prompt.MessageEncoded => ({
  role: "tool",
  content: ids.map((id) => ({ type: "tool-result", id, name: "get", result: id, isFailure: false }))
})

const idsOf = (messages: ReadonlyArray<Prompt.MessageEncoded>): ReadonlyArray<string> =>
  CallIds.make(Prompt.make(messages).content).flatMap((message) =>
    message.role === "assistant"
      ? message.content.flatMap((part) => (part.type === "tool-call" ? [`call ${part.id}`] : []))
      : message.role === "tool"
        ? message.content.flatMap((part) => (part.type === "tool-result" ? [`result ${part.id}`] : []))
        : []
  )
