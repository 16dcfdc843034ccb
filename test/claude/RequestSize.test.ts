import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted, Stream } from "effect"
import { AnthropicClient, Claude, Content, Transport } from "effect-claude"
import * as RequestSize from "../../src/claude/RequestSize.ts"

const file = (megabytes: number): Content.Block => ({
  type: "document",
  source: { type: "base64", media_type: "application/pdf", data: "A".repeat(megabytes * 1024 * 1024) }
})

describe("the size of a request", () => {
  it("is that of its texts and files together, also of those in results of tools", () => {
    const result: Content.Block = {
      type: "tool_result",
      tool_use_id: "a",
      content: [{ type: "text", text: "A".repeat(100) }]
    }
    const fits = RequestSize.refusal({ messages: [Content.user(file(16), "Compare.", file(15))] })
    assert.isUndefined(fits)
    const refusal = RequestSize.refusal({ messages: [Content.user(file(16), file(16)), Content.user(result)] })
    assert.deepInclude(refusal?.reason, {
      _tag: "RequestTooLarge",
      detail: "the texts and 2 files of the request have 32.0 MB, and a request may have 32.0 MB"
    })
  })

  it.effect("is checked before a call is sent, whole or streamed", () => {
    let sent = 0
    const transport = Layer.succeed(Transport.Transport, () => {
      sent += 1
      return Promise.reject(new Error("sent"))
    })
    const prompt = { messages: [Content.user(file(20), file(20), "Compare.")] }
    return Effect.gen(function* () {
      for (const call of [Claude.create(prompt), Stream.runDrain(Claude.streamText(prompt))]) {
        const error = yield* Effect.flip(call)
        assert.strictEqual(error.reason._tag, "RequestTooLarge")
        assert.include(error.message, "have 40.0 MB, and a request may have 32.0 MB; shorten the prompt")
      }
      assert.strictEqual(sent, 0)
    }).pipe(
      Effect.provide([
        Claude.layer.pipe(Layer.provide(AnthropicClient.layer({ apiKey: Redacted.make("none") }))),
        transport
      ])
    )
  })
})
