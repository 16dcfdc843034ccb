/**
 * Requests that the API refuses or accepts, sent to the complete emulator: each row is one request.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Base64 from "effect/encoding/Base64"
import * as Effect from "effect/Effect"
import * as App from "../../../../src/testing/emulator/App.ts"
import * as Models from "../../../../src/claude/Models.ts"
import * as Capabilities from "../../../../src/testing/emulator/request/Capabilities.ts"

type Row = readonly [name: string, fields: object, message: string]

const refuses = (rows: ReadonlyArray<Row>) => {
  for (const [name, fields, message] of rows) {
    it.effect(name, () =>
      Effect.gen(function* () {
        const { body, status } = yield* ask(fields)
        assert.deepStrictEqual([status, body.type, body.error?.type], [400, "error", "invalid_request_error"])
        assert.strictEqual(body.error?.message, message)
        assert.match(body.request_id ?? "", /^req_emulated_/)
      })
    )
  }
}

const accepts = (rows: ReadonlyArray<readonly [name: string, fields: object]>) => {
  for (const [name, fields] of rows) {
    it.effect(name, () =>
      Effect.gen(function* () {
        const { body, status } = yield* ask(fields)
        assert.strictEqual(body.error?.message, undefined)
        assert.strictEqual(status, 200)
      })
    )
  }
}

const user = (content: unknown) => ({ role: "user", content })
const assistant = (content: unknown) => ({ role: "assistant", content })
const text = (text: string) => ({ type: "text", text })
const tools = [{ name: "a", input_schema: { type: "object" } }]
const result = { type: "tool_result", tool_use_id: "t", content: "x" }
const calling = (call: object) => ({
  tools,
  messages: [user("x"), assistant([{ type: "tool_use", id: "t", name: "a", input: {}, ...call }]), user([result])]
})
const thinking = (block: object) => ({
  messages: [user("x"), assistant([{ type: "thinking", thinking: "hm", ...block }, text("y")]), user("z")]
})
const image = (source: object) => ({ messages: [user([{ type: "image", source: { type: "base64", ...source } }])] })
const png = Base64.encode(Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0))
const signature = Base64.encode(Uint8Array.of(0x12, 3, 1, 2, 3, 0x18, 1))
const on = (model: string, fields: object = {}) => ({ model, ...fields })
const prefill = { messages: [user("x"), assistant("{")] }
const noPrefill =
  "This model does not support assistant message prefill. The conversation must end with a user message."
const noForced = 'tool_choice: type "tool" and "any" are not supported for this model.'

describe("citations that the API refuses", () => {
  const format = { type: "json_schema", schema: { type: "object", properties: {}, additionalProperties: false } }
  const cited = (enabled: boolean) => ({
    output_config: { format },
    messages: [
      user([
        { type: "document", source: { type: "text", media_type: "text/plain", data: "x" }, citations: { enabled } }
      ])
    ]
  })
  refuses([
    [
      "citations with structured outputs",
      cited(true),
      "output_config.format: structured outputs cannot be used when citations are enabled"
    ]
  ])
  accepts([["citations that are switched off, with structured outputs", cited(false)]])
})

describe("text that the API refuses", () => {
  refuses([
    [
      "half of an emoji",
      { messages: [user("What a day 🔥".slice(0, -1))] },
      "The request body is not valid JSON: no low surrogate in string: line 1 column 95 (char 94)"
    ],
    ["white space as the prompt", { messages: [user(" \n")] }, blank("messages")],
    ["white space as a block", { messages: [user([text("x"), text(" ")])] }, blank("messages")],
    ["white space as the system prompt", { system: " " }, blank("system")],
    ["white space as a block of the system prompt", { system: [text("\t")] }, blank("system")],
    ["an empty block", { messages: [user([text("")])] }, "messages: text content blocks must be non-empty"],
    [
      "an empty block in the result of a tool",
      { ...calling({}), messages: [...calling({}).messages.slice(0, 2), user([{ ...result, content: [text("")] }])] },
      "messages: text content blocks must be non-empty"
    ],
    [
      "no blocks",
      { messages: [user([])] },
      "messages.0: all messages must have non-empty content except for the optional final assistant message"
    ],
    [
      "an empty stop sequence",
      { stop_sequences: [" "] },
      "stop_sequences.0: each stop sequence must contain non-whitespace"
    ]
  ])
})

describe("conversations that the API refuses", () => {
  refuses([
    ["a prefill on a model of today", on("claude-sonnet-5-5", prefill), noPrefill],
    ["a prefill on Sonnet 4.6", on("claude-sonnet-4-6", prefill), noPrefill],
    [
      "a prefill that ends with white space",
      { messages: [user("x"), assistant("{ ")] },
      "messages: final assistant content cannot end with trailing whitespace"
    ],
    [
      "text before a tool result",
      { ...calling({}), messages: [...calling({}).messages.slice(0, 2), user([text("hm"), result])] },
      "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: t. Each `tool_use` block " +
        "must have a corresponding `tool_result` block in the next message."
    ],
    [
      "a tool input that is a string",
      calling({ input: '{"x": "ab' }),
      "messages.1.content.0.tool_use.input: Input should be a valid dictionary"
    ],
    [
      "a tool input that is a list",
      calling({ input: [] }),
      "messages.1.content.0.tool_use.input: Input should be a valid dictionary"
    ],
    ["a tool call without input", calling({ input: undefined }), "messages.1.content.0.tool_use.input: Field required"],
    [
      "a tool call without a name",
      calling({ name: "" }),
      "messages.1.content.0.tool_use.name: String should have at least 1 character"
    ],
    [
      "a tool call with an invalid id",
      calling({ id: "a.b" }),
      "messages.1.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'"
    ],
    [
      "a tool result from the assistant",
      { tools, messages: [user("x"), assistant([result]), user("y")] },
      "messages.1: `tool_result` blocks can only be in `user` messages"
    ],
    [
      "a tool call from the user",
      { tools, messages: [user([{ type: "tool_use", id: "t", name: "a", input: {} }])] },
      "messages.0: `tool_use` blocks can only be in `assistant` messages"
    ],
    [
      "a foreign signature",
      thinking({ signature: "bad" }),
      "messages.1.content.0: Invalid `signature` in `thinking` block"
    ],
    [
      "a truncated signature",
      thinking({ signature: signature.slice(0, 4) }),
      "messages.1.content.0: Invalid `signature` in `thinking` block"
    ],
    ["thinking without a signature", thinking({}), "messages.1.content.0.thinking.signature: Field required"],
    [
      "foreign redacted thinking",
      { messages: [user("x"), assistant([{ type: "redacted_thinking", data: "bad" }, text("y")]), user("z")] },
      "messages.1.content.0: Invalid `data` in `redacted_thinking` block"
    ],
    [
      "a cache breakpoint on thinking",
      thinking({ signature, cache_control: { type: "ephemeral" } }),
      "messages.1.content.0.thinking.cache_control: Extra inputs are not permitted"
    ]
  ])
})

describe("images that the API refuses", () => {
  refuses([
    [
      "data that is not base64",
      image({ media_type: "image/png", data: "not base64!" }),
      "messages.0.content.0.image.source.base64.data: invalid base64 data"
    ],
    [
      "a data URL",
      image({ media_type: "image/png", data: `data:image/png;base64,${png}` }),
      "messages.0.content.0.image.source.base64.data: invalid base64 data"
    ],
    [
      "no data",
      image({ media_type: "image/png", data: "" }),
      "messages.0.content.0.image.source.base64: image cannot be empty"
    ],
    [
      "an unknown media type",
      image({ media_type: "image/bmp", data: png }),
      "messages.0.content.0.image.source.base64.media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or " +
        "'image/webp'"
    ],
    [
      "the media type of another format",
      image({ media_type: "image/jpeg", data: png }),
      "messages.0.content.0.image.source.base64.data: The image was specified using the image/jpeg media type, but the " +
        "image appears to be a image/png image"
    ],
    [
      "bytes that are not an image",
      image({ media_type: "image/png", data: "aGVsbG8=" }),
      "messages.0.content.0.image.source.base64.data: Could not process image"
    ],
    [
      "a text as a PDF",
      {
        messages: [
          user([{ type: "document", source: { type: "base64", media_type: "application/pdf", data: "aGVsbG8=" } }])
        ]
      },
      "messages.0.content.0.document.source.base64.data: The PDF specified was not valid."
    ]
  ])
})

describe("settings that a model refuses", () => {
  refuses([
    [
      "effort on a model without it",
      { output_config: { effort: "low" } },
      "This model does not support the effort parameter."
    ],
    [
      "an effort above the model's levels",
      on("claude-sonnet-4-6", { output_config: { effort: "xhigh" } }),
      "This model does not support effort level 'xhigh'. Supported levels: high, low, max, medium."
    ],
    [
      "max on Opus 4.5",
      on("claude-opus-4-5", { output_config: { effort: "max" } }),
      "This model does not support effort level 'max'. Supported levels: high, low, medium."
    ],
    [
      "an unknown effort",
      on("claude-opus-5-5", { output_config: { effort: "huge" } }),
      "output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'"
    ],
    [
      "a high effort without thinking",
      on("claude-opus-5", { thinking: { type: "disabled" }, output_config: { effort: "max" } }),
      "output_config.effort 'max' is not supported when thinking is disabled on this model. Use effort 'high' or below, " +
        "or enable thinking."
    ],
    [
      "a thinking budget on a current model",
      on("claude-sonnet-5-5", { max_tokens: 5000, thinking: { type: "enabled", budget_tokens: 2000 } }),
      '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and ' +
        '"output_config.effort" to control thinking behavior.'
    ],
    [
      "thinking turned off where it is always on",
      on("claude-opus-5-5", { thinking: { type: "disabled" } }),
      '"thinking.type.disabled" is not supported for this model. Use "thinking.type.adaptive" and ' +
        '"output_config.effort" to control thinking behavior.'
    ],
    [
      "adaptive thinking on a model before 4.6",
      { thinking: { type: "adaptive" } },
      "adaptive thinking is not supported on this model"
    ],
    [
      "a thinking budget of max_tokens",
      { max_tokens: 2000, thinking: { type: "enabled", budget_tokens: 2000 } },
      "`max_tokens` must be greater than `thinking.budget_tokens`."
    ],
    [
      "a thinking budget below the minimum",
      { max_tokens: 2000, thinking: { type: "enabled", budget_tokens: 1000 } },
      "thinking.budget_tokens: Input should be greater than or equal to 1024"
    ],
    [
      "a forced tool call with a thinking budget",
      { max_tokens: 5000, tools, tool_choice: { type: "any" }, thinking: { type: "enabled", budget_tokens: 2000 } },
      "Thinking may not be enabled when tool_choice forces tool use."
    ],
    ["a forced call", on("claude-sonnet-5-5", { tools, tool_choice: { type: "any" } }), noForced],
    ["a forced call of one tool", on("claude-opus-5-5", { tools, tool_choice: { type: "tool", name: "a" } }), noForced],
    ["an unknown tool", { tools, tool_choice: { type: "tool", name: "b" } }, "Tool 'b' not found in provided tools"],
    ["two tools of one name", { tools: [...tools, ...tools] }, "tools: Tool names must be unique."],
    ["fast mode on a model without it", { speed: "fast" }, "'claude-haiku-4-5' does not support the `speed` parameter."]
  ])
})

describe("fields that the API refuses", () => {
  refuses([
    ["an unknown field", { brand_new: 1 }, "brand_new: Extra inputs are not permitted"],
    ["a field of the beta", { fallbacks: "default" }, "fallbacks: Extra inputs are not permitted"],
    [
      "an unknown field of a message",
      { messages: [{ ...user("x"), name: "Ann" }] },
      "messages.0.name: Extra inputs are not permitted"
    ],
    [
      "an unknown field of a block",
      { messages: [user([{ ...text("x"), id: "1" }])] },
      "messages.0.content.0.text.id: Extra inputs are not permitted"
    ],
    [
      "an unknown field of a tool",
      { tools: [{ ...tools[0], parameters: {} }] },
      "tools.0.custom.parameters: Extra inputs are not permitted"
    ],
    ["a system prompt that is a number", { system: 5 }, "system: Input should be a valid string or list"],
    ["a stream that is a text", { stream: "yes" }, "stream: Input should be a valid boolean"]
  ])
})

describe("the API accepts", () => {
  accepts([
    ["a conversation that starts with an assistant message", { messages: [assistant("Hello!"), user("x")] }],
    ["a prefill on a model before 4.6", prefill],
    [
      "a paused turn as the last message",
      on("claude-sonnet-5-5", {
        messages: [
          user("x"),
          assistant([text("I search."), { type: "server_tool_use", id: "s", name: "web_search", input: {} }])
        ]
      })
    ],
    ["a whole emoji, escaped", { messages: [user("🔥")], metadata: { user_id: "\ud83d\udd25" } }],
    [
      "text after a tool result",
      { ...calling({}), messages: [...calling({}).messages.slice(0, 2), user([result, text("y")])] }
    ],
    [
      "an empty tool result",
      { ...calling({}), messages: [...calling({}).messages.slice(0, 2), user([{ ...result, content: "" }])] }
    ],
    ["a signature in the form of Claude's", thinking({ signature })],
    ["thinking that Claude left empty", thinking({ signature, thinking: "" })],
    ["a PNG", image({ media_type: "image/png", data: png })],
    [
      "an image by its URL",
      { messages: [user([{ type: "image", source: { type: "url", url: "https://a.b/c.png" } }])] }
    ],
    ["an empty system prompt", { system: "" }],
    ["effort on a model that has it", on("claude-opus-5-5", { output_config: { effort: "max" } })],
    ["xhigh on Sonnet 5.5", on("claude-sonnet-5-5", { output_config: { effort: "xhigh" } })],
    ["thinking turned off on Haiku 5.5", on("claude-haiku-5-5", { thinking: { type: "disabled" } })],
    ["a forced call on a model that takes it", { tools, tool_choice: { type: "any" } }]
  ])
})

describe("Capabilities", () => {
  it("lists every model of the emulator", () => {
    const unknown = Models.all.filter(({ id }) => Capabilities.find(id) === undefined)
    assert.deepStrictEqual(unknown, [])
  })
})

describe("thinking that the emulator sent", () => {
  it.effect("is accepted with its signature, and refused with a signature that was never sent", () =>
    Effect.gen(function* () {
      const content = [{ type: "thinking", thinking: "hm", signature: "sig" }, text("y")]
      const app = yield* App.make({ replies: [{ when: /./, reply: () => ({ content }) }] })
      const before = yield* ask(thinking({ signature: "sig" }), app)
      yield* ask({}, app)
      const after = yield* ask(thinking({ signature: "sig" }), app)
      assert.deepStrictEqual([before.status, after.status], [400, 200])
    })
  )
})

describe("an image without text", () => {
  it.effect("is answered with a text block", () =>
    Effect.gen(function* () {
      const { body } = yield* ask(image({ media_type: "image/png", data: png }))
      const [block] = body.content ?? []
      assert.strictEqual(block?.type, "text")
      assert.include(block?.text ?? "", "This is an emulator")
    })
  )
})

function blank(where: string) {
  return `${where}: text content blocks must contain non-whitespace text`
}

interface Body {
  readonly content?: ReadonlyArray<{ readonly type: string; readonly text?: string }>
  readonly type?: string
  readonly request_id?: string
  readonly error?: { readonly type: string; readonly message: string }
}

const ask = Effect.fnUntraced(function* (fields: object, given?: App.App) {
  const app = given ?? (yield* App.make())
  const { body, status } = yield* app.handle({
    method: "POST",
    path: "/v1/messages",
    headers: { "x-api-key": "key", "anthropic-version": "2026-10-21" },
    body: JSON.stringify({ model: "claude-haiku-4-5", max_tokens: 100, messages: [user("The cat sat.")], ...fields })
  })
  const json: Body = JSON.parse(typeof body === "string" ? body : "{}")
  return { status, body: json }
})
