import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { type Prompt, Tool } from "effect/ai"
import * as Approval from "../../../src/call/tools/Approval.ts"

describe("Approval", () => {
  it("may be needed by a tool that says so, or that decides by its arguments", () => {
    const answers = [{}, { needsApproval: false }, { needsApproval: true }, { needsApproval: () => false }].map(
      (options) => Approval.mayNeed(Tool.make("pay", options))
    )
    assert.deepStrictEqual(answers, [false, false, true, true])
  })

  it.effect("gives a tool the decoded arguments, the id, and the texts of the conversation", () =>
    Effect.gen(function* () {
      let seen: { readonly params: unknown; readonly context: Tool.NeedsApprovalContext } | undefined
      const tool = Tool.make("pay", {
        parameters: Schema.Struct({ amount: Schema.Int }),
        needsApproval: (params, context) => {
          seen = { params, context }
          return Effect.succeed(params.amount > 1)
        }
      })
      const messages = [
        { role: "user" as const, content: "Pay." },
        { role: "assistant" as const, content: [{ type: "text" as const, text: "I will." }] }
      ]
      assert.isTrue(yield* Approval.needs(tool, { id: "1", name: "pay", params: { amount: 2 } }, messages))
      assert.deepStrictEqual(seen?.params, { amount: 2 })
      assert.strictEqual(seen?.context.toolCallId, "1")
      const texts = seen?.context.messages.map(({ content, role }: Prompt.Message) => `${role} ${textOf(content)}`)
      assert.deepStrictEqual(texts, ["user Pay.", "assistant I will."])
    })
  )

  it("reports the reason of a denial to the model, where there is one", () => {
    const denials = [false, { approved: false, reason: "too much" }].map((one) =>
      Approval.denial(Approval.decisionOf(one))
    )
    assert.deepStrictEqual(denials, [
      "The user did not approve this call.",
      "The user did not approve this call: too much"
    ])
  })
})

const textOf = (content: Prompt.Message["content"]) =>
  typeof content === "string" ? content : content.map((part) => ("text" in part ? part.text : "")).join("")
