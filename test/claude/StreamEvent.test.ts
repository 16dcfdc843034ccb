import type { Anthropic } from "@anthropic-ai/sdk"
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Equal from "effect/Equal"
import * as Schema from "effect/Schema"
import type { Message } from "../../src/claude/Reply.ts"
import * as Reply from "../../src/claude/Reply.ts"
import * as StreamEvent from "../../src/claude/StreamEvent.ts"
import { message } from "../fixtures.ts"

describe("the events of a message", () => {
  it.prop("add up to the message again", [AnyMessage()], ([answer]) => {
    assert.isTrue(Equal.equals(accumulate(StreamEvent.fromMessage(answer)), answer))
  })

  it.prop("contain its text, one word each", [AnyMessage()], ([answer]) => {
    const texts = StreamEvent.fromMessage(answer).map(StreamEvent.text)
    assert.strictEqual(texts.join(""), Reply.text(answer))
  })

  it("take linear time for a text of line breaks", () => {
    // Quadratic time would take an hour.
    const answer = message({ content: ["\n".repeat(1_000_000)] })
    assert.lengthOf(StreamEvent.fromMessage(answer), 6)
  })

  it("come in the order of the API", () => {
    assert.deepStrictEqual(
      StreamEvent.fromMessage(message("Two words.")).map(({ type }) => type),
      [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop"
      ]
    )
  })
})

describe("the events of a block", () => {
  const content = message({ content: [] })
  const eventsOf = (block: Message["content"][number]) =>
    StreamEvent.fromMessage({ ...content, content: [block] }).slice(1, -2)

  it("send a thought and its signature in deltas", () => {
    const block = { type: "thinking", thinking: "Hm.", signature: "s1" } as const
    assert.deepStrictEqual(eventsOf(block), [
      { type: "content_block_start", index: 0, content_block: { type: "thinking", thinking: "", signature: "" } },
      { type: "content_block_delta", index: 0, delta: { type: "thinking_delta", thinking: "Hm." } },
      { type: "content_block_delta", index: 0, delta: { type: "signature_delta", signature: "s1" } },
      { type: "content_block_stop", index: 0 }
    ])
  })

  it("send the arguments of a tool in a delta", () => {
    const tool = { type: "tool_use", id: "t1", name: "pay", caller: { type: "direct" } } as const
    assert.deepStrictEqual(eventsOf({ ...tool, input: { amount: 25 } }), [
      { type: "content_block_start", index: 0, content_block: { ...tool, input: {} } },
      { type: "content_block_delta", index: 0, delta: { type: "input_json_delta", partial_json: `{"amount":25}` } },
      { type: "content_block_stop", index: 0 }
    ])
  })

  it("send any other block as a whole", () => {
    const block = { type: "redacted_thinking", data: "x" } as const
    assert.deepStrictEqual(eventsOf(block), [
      { type: "content_block_start", index: 0, content_block: block },
      { type: "content_block_stop", index: 0 }
    ])
  })
})

describe("an accumulator", () => {
  it("has no message before message_start", () => {
    const accumulator = StreamEvent.accumulator()
    accumulator.add({ type: "stream_start", requestId: "req_1", origin: "api", rateLimits: undefined })
    assert.isUndefined(accumulator.message())
  })

  it("keeps truncated tool input as its raw text", () => {
    const tool = { type: "tool_use", id: "t1", name: "find", caller: { type: "direct" }, input: {} } as const
    const answer = accumulate([
      ...StreamEvent.fromMessage(message({ content: [] })).slice(0, 1),
      { type: "content_block_start", index: 0, content_block: tool },
      { type: "content_block_delta", index: 0, delta: { type: "input_json_delta", partial_json: `{"city": "Ber` } },
      { type: "content_block_stop", index: 0 }
    ])
    assert.deepStrictEqual(answer?.content, [{ ...tool, input: `{"city": "Ber` }])
  })

  it("collects citations", () => {
    const [start, , ...rest] = StreamEvent.fromMessage(message("So it is."))
    const answer = accumulate([
      ...(start ? [start] : []),
      { type: "content_block_start", index: 0, content_block: { type: "text", text: "", citations: null } },
      { type: "content_block_delta", index: 0, delta: { type: "citations_delta", citation } },
      ...rest
    ])
    assert.deepStrictEqual(answer?.content, [{ type: "text", text: "So it is.", citations: [citation] }])
  })

  it("keeps the usage of message_start if message_delta has null", () => {
    const { usage } = message()
    const answer = message({
      usage: { ...usage, cache_creation: { ephemeral_1h_input_tokens: 5, ephemeral_5m_input_tokens: 0 } }
    })
    const events = StreamEvent.fromMessage(answer).map((event) =>
      event.type === "message_delta"
        ? { ...event, usage: { ...usage, cache_creation: null, service_tier: null } }
        : event
    )
    assert.deepStrictEqual(accumulate(events)?.usage, answer.usage)
  })

  it("keeps the summary of a compaction, which comes in one delta of the beta API", () => {
    const summary = { content: "They spoke of cats.", encrypted_content: "x" }
    const answer = accumulate([
      ...StreamEvent.fromMessage(message({ content: [] })).slice(0, 1),
      ...beta(
        {
          type: "content_block_start",
          index: 0,
          content_block: { type: "compaction", content: null, encrypted_content: null }
        },
        { type: "content_block_delta", index: 0, delta: { type: "compaction_delta", ...summary } },
        { type: "content_block_stop", index: 0 }
      )
    ])
    assert.deepInclude({ ...answer?.content[0] }, { type: "compaction", ...summary })
  })

  it("keeps fields of the beta API in message_delta", () => {
    const events = StreamEvent.fromMessage(message()).map((event) =>
      event.type === "message_delta" ? { ...event, context_management: { applied_edits: [] } } : event
    )
    assert.deepStrictEqual(accumulate(events)?.context_management, { applied_edits: [] })
  })

  it("keeps the container and the beta fields of message_start if message_delta has null", () => {
    const container = { id: "container_1", expires_at: "2026-11-24T00:00:00Z", skills: null }
    const started = { container, context_management: { applied_edits: [] } }
    const events = StreamEvent.fromMessage(message()).map((event) => {
      if (event.type === "message_start") return { ...event, message: { ...event.message, ...started } }
      if (event.type !== "message_delta") return event
      return { ...event, delta: { ...event.delta, container: null }, context_management: null }
    })
    assert.deepInclude(accumulate(events), { ...started, stop_reason: "end_turn" })
  })

  it("keeps other fields of message_delta that belong to the whole message, such as input_transformations", () => {
    const input_transformations = [
      { type: "thinking_mismatch_allowed", path: "messages.1.content.0", reason: "model_binding_mismatch" } as const
    ]
    const events = StreamEvent.fromMessage(message()).map((event) =>
      event.type === "message_delta" ? { ...event, input_transformations } : event
    )
    assert.deepInclude({ ...accumulate(events) }, { input_transformations })
  })

  it("has the model that a fallback block of the beta API names, as the message of create does", () => {
    const fallback = {
      type: "fallback",
      from: { model: "claude-opus-5-5" },
      to: { model: "claude-haiku-4-5" }
    } as const
    const content_block = { ...fallback, trigger: { type: "refusal", category: null } } as const
    const answer = accumulate([
      ...StreamEvent.fromMessage(message({ content: [] })).slice(0, 1),
      ...beta({ type: "content_block_start", index: 0, content_block }, { type: "content_block_stop", index: 0 })
    ])
    assert.strictEqual(answer?.model, "claude-haiku-4-5")
  })

  it("keeps the arguments of two messages apart", () => {
    const tool = { type: "tool_use", id: "t1", name: "pay", caller: { type: "direct" }, input: {} } as const
    const piece = (partial_json: string) =>
      ({ type: "content_block_delta", index: 0, delta: { type: "input_json_delta", partial_json } }) as const
    const [start] = StreamEvent.fromMessage(message({ content: [] }))
    const begin = [start ?? assert.fail(), { type: "content_block_start", index: 0, content_block: tool }] as const
    const answer = accumulate([...begin, piece(`{"amount": 1`), ...begin, piece("{}"), { type: "message_stop" }])
    assert.deepStrictEqual(answer?.content, [tool])
  })

  it("keeps the stop reason if a later message_delta has none", () => {
    const [delta] = StreamEvent.fromMessage(message()).slice(-2)
    const later = delta?.type === "message_delta" ? { ...delta, delta: { ...delta.delta, stop_reason: null } } : null
    const answer = accumulate([...StreamEvent.fromMessage(message()), later ?? assert.fail()])
    assert.strictEqual(answer?.stop_reason, "end_turn")
  })

  it("has no hole if the indexes of blocks skip one", () => {
    const skip = (event: Anthropic.RawMessageStreamEvent) => ("index" in event ? { ...event, index: 7 } : event)
    const answer = accumulate(StreamEvent.fromMessage(message("So it is.")).map(skip))
    assert.deepStrictEqual(answer, message("So it is."))
  })

  it("ignores a signature for a block other than a thought", () => {
    const signature = {
      type: "content_block_delta",
      index: 0,
      delta: { type: "signature_delta", signature: "s" }
    } as const
    const events = StreamEvent.fromMessage(message("So it is."))
    assert.deepStrictEqual(accumulate(events.toSpliced(2, 0, signature)), message("So it is."))
  })

  it("ignores deltas that do not belong to the type of their block", () => {
    const delta = (delta: object) => ({ type: "content_block_delta", index: 0, delta }) as never
    const deltas = [
      delta({ type: "text_delta", text: "x" }),
      delta({ type: "citations_delta", citation }),
      delta({ type: "thinking_delta", thinking: "x" }),
      delta({ type: "delta_of_tomorrow", signature: "x", text: "x" })
    ]
    const thought = { type: "thinking", thinking: "Hm.", signature: "s1" } as const
    const thinking = StreamEvent.fromMessage(message({ content: [thought] }))
    const others = deltas.filter((_, index) => index !== 2)
    assert.deepStrictEqual(accumulate(thinking.toSpliced(4, 0, ...others))?.content, [thought])
    const text = StreamEvent.fromMessage(message("So it is."))
    assert.deepStrictEqual(accumulate(text.toSpliced(4, 0, ...deltas.slice(2))), message("So it is."))
  })

  it("does not change its events", () => {
    const events = StreamEvent.fromMessage(message())
    const copy = structuredClone(events)
    accumulate(events)
    assert.deepStrictEqual(events, copy)
  })
})

describe("text and arguments in start events", () => {
  const start = StreamEvent.fromMessage(message({ content: [] })).slice(0, 1)
  const stop = { type: "content_block_stop", index: 0 } as const

  it("reach the streamed text and the message alike", () => {
    const events = [
      ...start,
      { type: "content_block_start", index: 0, content_block: { type: "text", text: "Hello", citations: null } },
      { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: ", world" } },
      stop
    ] as const
    assert.strictEqual(events.map(StreamEvent.text).join(""), "Hello, world")
    assert.deepStrictEqual(accumulate(events)?.content, [{ type: "text", text: "Hello, world", citations: null }])
  })

  it("reach both from message_start as well", () => {
    const events = [{ type: "message_start", message: message("All at once.") }] as const
    assert.strictEqual(events.map(StreamEvent.text).join(""), "All at once.")
    assert.deepStrictEqual(accumulate(events), message("All at once."))
  })

  it("are empty if a gateway sends null or nothing", () => {
    const events = beta(
      ...(start as never[]),
      { type: "content_block_start", index: 0, content_block: { type: "text" } } as never,
      { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: null } } as never,
      stop
    )
    assert.strictEqual(events.map(StreamEvent.text).join(""), "")
    assert.deepStrictEqual(accumulate(events)?.content, [{ type: "text", text: "" }] as never)
  })

  it("are kept when deltas extend a thought, or add nothing to the arguments of a tool", () => {
    const tool = { type: "tool_use", id: "t1", name: "pay", caller: { type: "direct" }, input: { amount: 25 } } as const
    const answer = accumulate([
      ...start,
      { type: "content_block_start", index: 0, content_block: { type: "thinking", thinking: "Hm", signature: "" } },
      { type: "content_block_delta", index: 0, delta: { type: "thinking_delta", thinking: ", yes" } },
      stop,
      { type: "content_block_start", index: 1, content_block: tool },
      { type: "content_block_delta", index: 1, delta: { type: "input_json_delta", partial_json: "" } },
      { type: "content_block_stop", index: 1 }
    ])
    assert.deepStrictEqual(answer?.content, [{ type: "thinking", thinking: "Hm, yes", signature: "" }, tool])
  })

  it("are the text so far, never {}, if the block of a tool has not ended", () => {
    const tool = { type: "tool_use", id: "t1", name: "pay", caller: { type: "direct" }, input: {} } as const
    const events = [
      ...start,
      { type: "content_block_start", index: 0, content_block: tool },
      { type: "content_block_delta", index: 0, delta: { type: "input_json_delta", partial_json: `{"amount": 25}` } }
    ] as const
    assert.deepStrictEqual(accumulate(events)?.content, [{ ...tool, input: `{"amount": 25}` }])
    const whole = accumulate([...events, { type: "message_stop" }])
    assert.deepStrictEqual(whole?.content, [{ ...tool, input: { amount: 25 } }])
  })
})

describe("isContent", () => {
  it("is true from the first event that a consumer may act on", () => {
    const first = StreamEvent.fromMessage(message()).findIndex(StreamEvent.isContent)
    assert.strictEqual(first, 1)
  })
})

// Builders

const accumulate = (events: ReadonlyArray<StreamEvent.StreamEvent>): Message | undefined => {
  const accumulator = StreamEvent.accumulator()
  for (const event of events) accumulator.add(event)
  return accumulator.message()
}

const citation: Anthropic.TextCitation = {
  type: "char_location",
  cited_text: "so",
  document_index: 0,
  document_title: null,
  start_char_index: 0,
  end_char_index: 2,
  file_id: null
}

/** Events of the beta API that the stable types do not have. */
const beta = (...events: ReadonlyArray<Anthropic.Beta.Messages.BetaRawMessageStreamEvent>) =>
  events as unknown as ReadonlyArray<StreamEvent.StreamEvent>

/** Any message of texts, tool calls and thoughts. */
function AnyMessage() {
  const Block = Schema.Union([
    Schema.Struct({ type: Schema.Literal("text"), text: Schema.String, citations: Schema.Null }),
    Schema.Struct({
      type: Schema.Literal("tool_use"),
      id: Schema.String,
      name: Schema.String,
      caller: Schema.Struct({ type: Schema.Literal("direct") }),
      input: Schema.Json
    }),
    Schema.Struct({ type: Schema.Literal("thinking"), thinking: Schema.String, signature: Schema.String }),
    Schema.Struct({ type: Schema.Literal("redacted_thinking"), data: Schema.String })
  ])
  return Arbitrary.map(
    Arbitrary.all({
      content: Arbitrary.schema(Schema.Array(Block)),
      stop_reason: Arbitrary.schema(Schema.Literals(["end_turn", "max_tokens", "tool_use", "refusal"])),
      output: Arbitrary.schema(Schema.Natural)
    }),
    ({ content, stop_reason, output }) =>
      message({ content: [...content], stop_reason, usage: { ...message().usage, output_tokens: output } })
  )
}
