/**
 * The law: streamed text, accumulated message and the reply of `create` are equal, or the stream fails.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as EventStream from "../../src/claude/EventStream.ts"
import * as Reply from "../../src/claude/Reply.ts"
import * as StreamEvent from "../../src/claude/StreamEvent.ts"
import { message, sse, streamStart } from "../fixtures.ts"

type Event = Anthropic.RawMessageStreamEvent

const usageAlone = { type: "message_delta", delta: { stop_reason: null }, usage: { output_tokens: 20 } } as Event
const stop: Event = { type: "message_stop" }

describe("a complete answer", () => {
  it.effect.prop("is equal to its message", [Answer(1)], ([answer]) =>
    Effect.gen(function* () {
      const { accumulated, text } = yield* Effect.fromResult(yield* read(eventsOf(answer)))
      assert.deepStrictEqual(accumulated, answer)
      assert.strictEqual(text, Reply.text(answer))
    })
  )

  it.effect.each<readonly [string, ReadonlyArray<Event>]>([
    ["skips indexes", [start(), open(3, tool()), json(3, "{}"), close(3), ...end("tool_use")]],
    ["has a tool without arguments", [start(), open(0, tool()), close(0), ...end("tool_use")]],
    ["has a tool with an empty delta", [start(), open(0, tool()), json(0, ""), close(0), ...end("tool_use")]],
    ["repeats message_start at once", [start(), start(), open(0, tool()), close(0), ...end("tool_use")]],
    [
      "leaves out the end of a tool with complete arguments",
      [start(), open(0, tool()), json(0, "{}"), ...end("tool_use")]
    ],
    ["ends a block twice", [start(), open(0, tool()), json(0, "{}"), close(0), close(0), ...end("tool_use")]],
    [
      "reports its stop reason first, and then its usage alone",
      [start(), open(0, tool()), json(0, "{}"), close(0), end("tool_use")[0] ?? assert.fail(), usageAlone, stop]
    ],
    [
      "has arguments in the start and the deltas",
      [start(), open(0, tool({ a: 1 })), json(0, '{"a":1}'), close(0), ...end()]
    ]
  ])("passes if it %s", ([, events]) =>
    Effect.gen(function* () {
      const { accumulated } = yield* Effect.fromResult(yield* read(events))
      const [block] = accumulated?.content ?? []
      assert.strictEqual(block?.type, "tool_use")
      assert.isObject(block && "input" in block && block.input)
    })
  )

  it.effect("passes without the end of a text, and with unknown events, blocks and deltas", () =>
    Effect.gen(function* () {
      const odd = [
        start(),
        open(0, { type: "text", text: "Hi", citations: null }),
        { type: "novelty" } as never,
        open(1, { type: "novelty" } as never),
        { type: "content_block_delta", index: 1, delta: { type: "novelty_delta" } as never },
        ...end()
      ] satisfies ReadonlyArray<Event>
      const { accumulated, text } = yield* Effect.fromResult(yield* read(odd))
      assert.strictEqual(text, "Hi")
      assert.lengthOf(accumulated?.content ?? [], 2)
    })
  )
})

describe("an incomplete answer", () => {
  const half = [start(), open(0, tool()), json(0, '{"amount": 1')] as const
  it.effect.each<readonly [string, ReadonlyArray<Event>, string, string]>([
    [
      "another answer cuts a tool",
      [...half, start("msg_2"), open(0, tool()), json(0, "25}"), close(0), ...end()],
      "StreamInterrupted",
      "second answer"
    ],
    [
      "another answer cuts a text",
      [start(), open(0, text()), say(0, "Half an "), start("msg_2"), open(0, text()), close(0), ...end()],
      "StreamInterrupted",
      "second answer"
    ],
    [
      "its start comes again midway",
      [start(), open(0, text()), say(0, "Hello "), start(), say(0, "world"), close(0), ...end()],
      "StreamInterrupted",
      "second answer"
    ],
    [
      "another answer has not begun",
      [start(), start("msg_2"), open(0, text()), close(0), ...end()],
      "StreamInterrupted",
      "second answer"
    ],
    ["another answer follows", [start(), ...end(), start("msg_2"), ...end()], "StreamInterrupted", "after the end"],
    [
      "a block begins twice",
      [start(), open(0, text()), open(0, text()), close(0), ...end()],
      "StreamInterrupted",
      "twice"
    ],
    ["a delta has no block", [start(), say(0, "lost"), ...end()], "StreamInterrupted", "before its start"],
    [
      "a delta follows the end of its block",
      [start(), open(0, text()), close(0), say(0, "late"), ...end()],
      "StreamInterrupted",
      "after its end"
    ],
    ["the start of a block is missing", [start(), close(0), ...end()], "StreamInterrupted", "before its start"],
    ["a tool has no end", [...half, ...end("tool_use")], "StreamInterrupted", "before block 0 did"],
    [
      "a server tool has no end",
      [start(), open(0, serverTool()), json(0, '{"query":'), ...end()],
      "StreamInterrupted",
      "before block 0 did"
    ],
    [
      "a tool has neither arguments nor an end",
      [start(), open(0, tool()), ...end("tool_use")],
      "StreamInterrupted",
      "before block 0 did"
    ],
    ["arguments are not JSON", [...half, close(0), ...end("tool_use")], "MalformedResponse", "not complete JSON"],
    [
      "arguments come twice",
      [...half, json(0, '}{"amount": 2}'), close(0), ...end("tool_use")],
      "MalformedResponse",
      "not complete JSON"
    ],
    [
      "arguments differ from those in the start",
      [start(), open(0, tool({ a: 1 })), json(0, '{"a":2}'), close(0), ...end()],
      "MalformedResponse",
      "not complete JSON"
    ],
    ["max_tokens cuts arguments", [...half, close(0), ...end("max_tokens")], "OutputTruncated", "max_tokens"],
    ["max_tokens cuts a tool without its end", [...half, ...end("max_tokens")], "OutputTruncated", "max_tokens"],
    [
      "max_tokens cuts before the arguments",
      [start(), open(0, tool()), close(0), ...end("max_tokens")],
      "OutputTruncated",
      "max_tokens"
    ],
    [
      "the context window cuts arguments",
      [...half, close(0), ...end("model_context_window_exceeded")],
      "ContextWindowExceeded",
      "arguments"
    ],
    ["a refusal cuts arguments", [...half, close(0), ...end("refusal")], "Refused", "arguments"],
    [
      "text for an earlier block comes late",
      [start(), open(0, text()), open(1, text()), say(1, "b"), say(0, "a"), ...end()],
      "StreamInterrupted",
      "later block"
    ],
    [
      "a block gets a delta of another kind",
      [start(), open(0, tool()), say(0, "a"), close(0), ...end()],
      "MalformedResponse",
      "text_delta"
    ],
    [
      "a tool gets the signature of a thought",
      [start(), open(0, tool()), sign(0), close(0), ...end("tool_use")],
      "MalformedResponse",
      "signature_delta"
    ],
    [
      "message_delta is missing",
      [start(), open(0, text()), say(0, "a"), close(0), { type: "message_stop" }],
      "StreamInterrupted",
      "stop reason"
    ],
    [
      "message_start is missing",
      [open(0, text()), say(0, "a"), close(0), ...end()],
      "MalformedResponse",
      "before message_start"
    ],
    [
      "message_start has the content that follows",
      [{ type: "message_start", message: message("a") }, open(0, text()), say(0, "a"), close(0), ...end()],
      "MalformedResponse",
      "message_start has content"
    ]
  ])("fails if %s", ([, events, tag, detail]) =>
    Effect.gen(function* () {
      const { reason } = yield* Effect.flip(Effect.fromResult(yield* read(events)))
      assert.strictEqual(reason._tag, tag)
      assert.include(reason.detail, detail)
      if (events[0]?.type === "message_start") assert.deepInclude(reason.usage, { input: 10 })
    })
  )

  it.effect("hides the end of a block with lost arguments, so that no tool runs with them", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      yield* Stream.runForEach(stream([...half, close(0), ...end("tool_use")]), ({ type }) =>
        Effect.sync(() => seen.push(type))
      ).pipe(Effect.flip)
      assert.deepStrictEqual(seen, ["message_start", "content_block_start", "content_block_delta"])
    })
  )

  it.effect("is not retryable if every answer of this server would fail in the same way", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Effect.fromResult(yield* read([open(0, text()), ...end()])))
      assert.isFalse(error.isRetryable)
    })
  )
})

describe("events that are lost, repeated, moved, or mixed with another answer", () => {
  it.effect.prop(
    "yield one complete answer in every view, with the arguments that were sent, or fail",
    [Mutated()],
    ([mutated]) =>
      Effect.gen(function* () {
        const outcome = yield* read(mutated.events)
        if (Result.isFailure(outcome)) {
          if (mutated.events[0]?.type === "message_start") assert.isDefined(outcome.failure.reason.usage)
          return
        }
        const { accumulated, text } = outcome.success
        const answer = accumulated ?? assert.fail("no message")
        assert.strictEqual(text, Reply.text(answer))
        for (const block of answer.content) {
          if (!("input" in block)) continue
          const sent = mutated.blocks.find((sent) => "id" in sent && sent.id === block.id)
          // Without any of its deltas before the end, it looks like a tool without arguments.
          const end = mutated.events.findIndex(({ type }) => type === "message_stop")
          const arguments_ = sent && "input" in sent ? JSON.stringify(sent.input) : ""
          const isBare = !mutated.events.slice(0, end).some((event) => arguments_.includes(jsonOf(event) ?? "?"))
          // A delta does not name its block, so the whole arguments of another block cannot be noticed.
          const whole = mutated.blocks.flatMap((sent) => ("input" in sent ? [sent.input] : []))
          assert.deepInclude(isBare ? [{}, ...whole] : whole, block.input)
          assert.deepStrictEqual<unknown>(block, { ...sent, input: block.input })
        }
      })
  )
})

// Builders

function start(id = "msg_1"): Event {
  return { type: "message_start", message: { ...message({ content: [] }), id, stop_reason: null } }
}
function open(index: number, content_block: Anthropic.ContentBlock): Event {
  return { type: "content_block_start", index, content_block }
}
function say(index: number, text: string): Event {
  return { type: "content_block_delta", index, delta: { type: "text_delta", text } }
}
function json(index: number, partial_json: string): Event {
  return { type: "content_block_delta", index, delta: { type: "input_json_delta", partial_json } }
}
function sign(index: number): Event {
  return { type: "content_block_delta", index, delta: { type: "signature_delta", signature: "s" } }
}
function close(index: number): Event {
  return { type: "content_block_stop", index }
}
function end(stop_reason: Anthropic.StopReason = "end_turn"): ReadonlyArray<Event> {
  const [delta, stop] = StreamEvent.fromMessage(message({ content: [], stop_reason })).slice(-2)
  return [delta ?? assert.fail(), stop ?? assert.fail()]
}
function text(): Anthropic.ContentBlock {
  return { type: "text", text: "", citations: null }
}
function tool(input: object = {}): Anthropic.ToolUseBlock {
  return { type: "tool_use", id: "t1", name: "pay", caller: { type: "direct" }, input }
}
function serverTool(): Anthropic.ContentBlock {
  return { ...tool(), type: "server_tool_use", name: "web_search" }
}

/** The events after their way over the wire. */
const stream = (events: ReadonlyArray<Event>) => {
  const response = new Response(sse(events), { headers: { "content-type": "text/event-stream" } })
  return Stream.drop(Stream.unwrap(EventStream.fromResponse(streamStart, response, Duration.seconds(60))), 1)
}

/** The two views of a stream. */
const read = (events: ReadonlyArray<Event>) =>
  Effect.suspend(() => {
    const accumulator = StreamEvent.accumulator()
    let text = ""
    return stream(events).pipe(
      Stream.runForEach((event) =>
        Effect.sync(() => {
          accumulator.add(event)
          text += StreamEvent.text(event)
        })
      ),
      Effect.map(() => ({ accumulated: accumulator.message(), text })),
      Effect.result
    )
  })

/** The events of a message, with the arguments of each tool in two pieces: a single piece is not JSON. */
const eventsOf = (answer: Reply.Message): ReadonlyArray<Event> =>
  StreamEvent.fromMessage(answer).flatMap((event) => {
    if (event.type !== "content_block_delta" || event.delta.type !== "input_json_delta") return [event]
    const { partial_json } = event.delta
    const middle = Math.ceil(partial_json.length / 2)
    return [json(event.index, partial_json.slice(0, middle)), json(event.index, partial_json.slice(middle))]
  })

/** The part of the arguments of a tool in an event. */
const jsonOf = (event: Event) =>
  event.type === "content_block_delta" && event.delta.type === "input_json_delta" ? event.delta.partial_json : undefined

/**
 * Any message of texts, thoughts and tool calls, with block ids that no other message has. Half of the arguments of one
 * message and half of those of another are no JSON.
 */
function Answer(number: number) {
  const Input = Schema.Struct({ amount: Schema.Natural, note: Schema.String })
  const Block = Schema.Union([
    Schema.Struct({ type: Schema.Literal("text"), text: Schema.NonEmptyString, citations: Schema.Null }),
    Schema.Struct({
      type: Schema.Literal("tool_use"),
      id: Schema.Literal("id"),
      name: Schema.String,
      caller: Schema.Struct({ type: Schema.Literal("direct") }),
      input: Input
    }),
    Schema.Struct({ type: Schema.Literal("thinking"), thinking: Schema.String, signature: Schema.String })
  ])
  return Arbitrary.map(Arbitrary.schema(Schema.Array(Block)), (blocks) => {
    const content = blocks.map((block, index) =>
      block.type === "tool_use"
        ? { ...block, id: `${number}_${index}`, input: number === 1 ? block.input : { deeper: block.input } }
        : block
    )
    return { ...message({ content }), id: `msg_${number}` }
  })
}

/** The events of an answer after random damage, and all blocks that were sent. */
function Mutated() {
  const Accident = Schema.Struct({
    kind: Schema.Literals(["drop", "double", "move", "cut in", "follow", "index"]),
    at: Schema.Natural,
    to: Schema.Natural
  })
  return Arbitrary.map(
    Arbitrary.all({
      one: Answer(1),
      other: Answer(2),
      accidents: Arbitrary.schema(Schema.NonEmptyArray(Accident))
    }),
    ({ accidents, one, other }) => ({
      blocks: [...one.content, ...other.content],
      events: accidents
        .slice(0, 3)
        .reduce((events, accident) => mutate(events, eventsOf(other), accident), eventsOf(one))
    })
  )
}

const mutate = (
  events: ReadonlyArray<Event>,
  others: ReadonlyArray<Event>,
  { kind, ...places }: { readonly kind: string; readonly at: number; readonly to: number }
): ReadonlyArray<Event> => {
  const at = places.at % (events.length || 1)
  const to = places.to % (events.length || 1)
  const event = events[at]
  if (event === undefined) return events
  switch (kind) {
    case "drop":
      return events.toSpliced(at, 1)
    case "double":
      return events.toSpliced(to, 0, event)
    case "move":
      return events.toSpliced(at, 1).toSpliced(to, 0, event)
    case "cut in":
      return [...events.slice(0, at), ...others.slice(to % others.length)]
    case "follow":
      return [...events, ...others]
    default:
      return events.with(at, "index" in event ? { ...event, index: to % 3 } : event)
  }
}
