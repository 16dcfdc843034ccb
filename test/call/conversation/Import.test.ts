import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { read } from "../../../src/call/conversation/Import.ts"

describe("imported messages", () => {
  it("become turns, which begin where the user speaks", () => {
    const turns = [
      [user("One?"), assistant("Yes.")],
      [user("Weather?"), call("1"), result("1"), call("2"), result("2"), assistant("Sunny.")],
      [user("Two?"), user("Three?"), assistant("No."), assistant("Well.")],
      [{ role: "system", content: "Be brief." }, user("Four?"), assistant("No.")]
    ]
    const found: unknown = Result.getOrThrow(read(turns.flat())).turns.map(({ messages }) => messages)
    assert.deepStrictEqual(found, turns)
    assert.deepStrictEqual(Result.getOrThrow(read([])), { turns: [] })
  })

  it("may begin with a summary of the API", () => {
    const summary = { role: "assistant", content: [{ type: "compaction", content: "A summary." }, text("Yes.")] }
    assert.isTrue(Result.isSuccess(read([summary])))
  })

  it("may end with results of tools, as a loop that stopped early leaves them", () => {
    assert.isTrue(Result.isSuccess(read([user("Weather?"), call("1"), result("1")])))
  })

  it("have no empty texts in their answers, which the API sends and does not take back", () => {
    const answer = { role: "assistant", content: [text(""), text("Yes."), text("\n"), { type: "text" }] }
    const [turn] = Result.getOrThrow(read([user("One?"), answer])).turns
    assert.deepStrictEqual<unknown>(turn?.messages[1], { ...answer, content: [text("Yes."), { type: "text" }] })
  })

  it("are sent from the last summary on", () => {
    const summary = { role: "assistant", content: [{ type: "compaction", content: "A summary." }, text("Yes.")] }
    const messages = [user("One?"), assistant("Yes."), user("Two?"), summary, user("Three?"), assistant("No.")]
    const { turns } = Result.getOrThrow(read(messages))
    assert.deepStrictEqual(
      turns.map(({ from }) => from),
      [0, 0, 1]
    )
  })

  it("are refused with the place of the mistake", () => {
    for (const [messages, detail] of [
      [["One?"], "messages.0: expected a message with role and content"],
      [[user("One?"), { role: "assistant", content: [1] }], "messages.1: expected a message with role and content"],
      [[user("")], "messages.0: the content is empty; leave the message out"],
      [[user(" \n")], "messages.0: the content is empty; leave the message out"],
      [
        [user("One?"), { role: "assistant", content: [text("")] }],
        "messages.1: the content is empty; leave the message out"
      ],
      [
        [{ role: "user", content: [text("One?"), text(" ")] }, assistant("Yes.")],
        "messages.0: a text is empty; leave it out"
      ],
      [
        [user("One?"), { ...result("1"), role: "assistant" }],
        "messages.1: results of tools must be in messages of the user"
      ],
      [[{ ...call("1"), role: "user" }], "messages.0: calls of tools must be in messages of the assistant"],
      [
        [user("One?"), assistant("Yes."), user("Two?"), result("1"), assistant("Yes.")],
        "messages.2: results of tools must come before other content; move them"
      ],
      [[assistant("Yes.")], "messages.0: the first message must be the user's"],
      [[user("One?")], "messages.0: the last message must be an answer; ask it as the next turn"],
      [
        [user("One?"), call("1"), user("Two?"), assistant("Yes.")],
        "messages.1: the tool call toolu_1 has no result at the beginning of the next user message; add it"
      ],
      [
        [user("One?"), call("1")],
        "messages.1: the tool call toolu_1 has no result at the beginning of the next user message; add it"
      ],
      [
        [user("One?"), call("1"), { role: "user", content: [text("So."), ...result("1").content] }, assistant("Yes.")],
        "messages.1: the tool call toolu_1 has no result at the beginning of the next user message; add it"
      ],
      [
        [user("One?"), assistant("Yes."), result("1"), assistant("Yes.")],
        "messages.2: the result of toolu_1 has no tool call in the message before; leave it out"
      ]
    ] as const) {
      const refused = read(messages)
      assert.strictEqual(Result.isFailure(refused) && refused.failure.message, detail)
    }
  })
})

// Builders

const text = (text: string) => ({ type: "text", text })
const user = (content: string) => ({ role: "user", content })
const assistant = (content: string) => ({ role: "assistant", content })
const call = (id: string) => ({
  role: "assistant",
  content: [{ type: "tool_use", id: `toolu_${id}`, name: "weather", input: {} }]
})
const result = (id: string) => ({
  role: "user",
  content: [{ type: "tool_result", tool_use_id: `toolu_${id}`, content: "Sunny." }]
})
