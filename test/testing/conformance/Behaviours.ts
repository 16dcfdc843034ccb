/**
 * The behaviours of the API, one row each: which recorded exchanges show it, which requests show it, and the expected
 * answer. The emulator must answer each row as expected; the corpus, if present, must agree.
 */
import type { Request } from "../../../src/claude/Request.ts"
import { type Ask, isStreamed } from "./Ask.ts"
import type { Shape } from "./Shape.ts"

/** A behaviour of the API. */
export interface Behaviour {
  readonly name: string
  /** Whether a recorded exchange shows the behaviour. */
  readonly shows: (recorded: Recorded) => boolean
  /** Sent in order; `expected` describes the last answer. */
  readonly asks: ReadonlyArray<Ask>
  readonly expected: Shape
}

/** The parts of a recorded exchange that distinguish behaviours. */
export interface Recorded {
  readonly ask: Ask
  readonly route: string
  /** Empty if the request is not for a message. */
  readonly request: Partial<Request>
  readonly shape: Shape
}

const reply = { outcome: "reply", "request id": "some", "rate limits": "requests, inputTokens, outputTokens" }

const messages = ({ route, shape }: Recorded) => route === "POST /v1/messages" && shape["outcome"] === "reply"
const has = (name: string) => (recorded: Recorded) =>
  messages(recorded) && recorded.shape["blocks"]?.split(", ").includes(name) === true
const contents = ({ request }: Recorded) =>
  (request.messages ?? []).flatMap(({ content }) => (typeof content === "string" ? [] : content))
const isPlain = ({ request }: Recorded) =>
  request.tools === undefined && request.output_config === undefined && request.thinking === undefined
const fails = (route: string, outcome: string) => (recorded: Recorded) =>
  recorded.route === route && recorded.shape["outcome"] === outcome
const isRoute = (route: string) => (recorded: Recorded) => recorded.route === route

const say =
  "The harbour froze in January. Ships waited for a month. Children skated on the river. What did the ships do?"
const weather = {
  name: "get_weather",
  description: "The weather of a city",
  input_schema: {
    type: "object",
    properties: { city: { type: "string" } },
    required: ["city"],
    additionalProperties: false
  }
}
const time = { ...weather, name: "get_time", description: "The time of a city" }
const asked = (request: object, beta = ""): Ask => ({
  method: "POST",
  path: `/v1/messages${beta}`,
  request: { model: "claude-haiku-4-5", max_tokens: 500, messages: [{ role: "user", content: say }], ...request }
})
const saying = (content: unknown) => [{ role: "user", content }]
const aboutWeather = saying("What is the weather in Berlin?")
const answered = [
  ...aboutWeather,
  { role: "assistant", content: [{ type: "tool_use", id: "toolu_1", name: "get_weather", input: { city: "Berlin" } }] },
  { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_1", content: "It is 20 degrees." }] }
]
const schema = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false
}
const format = { format: { type: "json_schema", schema } }
const long = [{ type: "text", text: "Ships waited. ".repeat(2000), cache_control: { type: "ephemeral" } }]

const whole = { ...reply, blocks: "text", "a text has": "text, type", stop_reason: "end_turn", stop_sequence: "null" }
const events = (...content: ReadonlyArray<string>) =>
  ["stream_start", "message_start", ...content, "message_delta", "message_stop"].join(", ")
const block = (type: string, delta: string) => [
  `content_block_start ${type}`,
  `content_block_delta ${delta}`,
  "content_block_stop"
]
const called = {
  ...reply,
  blocks: "tool_use",
  "a tool_use has": "caller, id, input, name, type",
  stop_reason: "tool_use"
}

/** The behaviours of messages. */
const answers: ReadonlyArray<Behaviour> = [
  {
    name: "a text answer",
    shows: (recorded) => messages(recorded) && !isStreamed(recorded.ask) && isPlain(recorded) && has("text")(recorded),
    asks: [asked({})],
    expected: {
      ...whole,
      model: "another name",
      "usage.input_tokens": "some number",
      "usage.output_tokens": "some number"
    }
  },
  {
    name: "a streamed text answer",
    shows: (recorded) => messages(recorded) && isStreamed(recorded.ask) && isPlain(recorded) && has("text")(recorded),
    asks: [asked({ stream: true })],
    expected: {
      ...whole,
      events: events(...block("text", "text_delta")),
      "message_start usage.output_tokens": "some number",
      "message_delta usage.output_tokens": "some number"
    }
  },
  {
    name: "an answer truncated at max_tokens",
    shows: (recorded) => recorded.shape["stop_reason"] === "max_tokens",
    asks: [asked({ max_tokens: 3 })],
    expected: { ...whole, stop_reason: "max_tokens" }
  },
  {
    name: "an answer that a stop sequence ends",
    shows: (recorded) => recorded.shape["stop_reason"] === "stop_sequence",
    asks: [asked({ stop_sequences: ["month"] })],
    expected: { ...whole, stop_reason: "stop_sequence", stop_sequence: "month" }
  },
  {
    name: "an answer with a prefill",
    shows: ({ request }) => request.messages?.at(-1)?.role === "assistant",
    asks: [asked({ messages: [...saying(say), { role: "assistant", content: "The ships" }] })],
    expected: { ...whole }
  },
  {
    name: "instructions in the middle of a conversation",
    shows: ({ request }) => request.messages?.some(({ role }) => role === "system") === true,
    asks: [asked({ messages: [...saying(say), { role: "system", content: "Answer in one sentence." }] })],
    expected: whole
  },
  {
    name: "a tool call that the model chooses",
    shows: (recorded) => has("tool_use")(recorded) && (recorded.request.tool_choice?.type ?? "auto") === "auto",
    asks: [asked({ tools: [weather, time], messages: aboutWeather })],
    expected: { ...called, "usage.output_tokens": "some number" }
  },
  {
    name: "a streamed tool call",
    shows: (recorded) => has("tool_use")(recorded) && isStreamed(recorded.ask),
    asks: [asked({ tools: [weather], messages: aboutWeather, stream: true })],
    expected: { ...called, events: events(...block("tool_use", "input_json_delta")) }
  },
  {
    name: "parallel tool calls",
    shows: (recorded) => /tool_use, tool_use/.test(recorded.shape["blocks"] ?? ""),
    asks: [asked({ tools: [weather, time], messages: saying("What are weather and time in Berlin?"), stream: true })],
    expected: {
      ...called,
      blocks: "tool_use, tool_use",
      events: events(...block("tool_use", "input_json_delta"), ...block("tool_use", "input_json_delta"))
    }
  },
  {
    name: "a tool call that tool_choice requires",
    shows: ({ request }) => request.tool_choice?.type === "any" || request.tool_choice?.type === "tool",
    asks: [asked({ tools: [weather], tool_choice: { type: "tool", name: "get_weather" } })],
    expected: called
  },
  {
    name: "no tool call if tool_choice forbids it",
    shows: ({ request }) => request.tool_choice?.type === "none",
    asks: [asked({ tools: [weather], tool_choice: { type: "none" }, messages: aboutWeather })],
    expected: whole
  },
  {
    name: "an answer to a tool result",
    shows: (recorded) => contents(recorded).some((block) => block?.type === "tool_result"),
    asks: [asked({ tools: [weather], messages: answered })],
    expected: whole
  },
  {
    name: "an answer with an output schema",
    shows: ({ request }) => request.output_config?.format !== undefined || "output_format" in request,
    asks: [asked({ output_config: format })],
    expected: whole
  },
  {
    name: "an answer with an effort or a thinking budget",
    shows: ({ request }) => request.output_config !== undefined && request.output_config?.format === undefined,
    asks: [asked({ model: "claude-opus-4-8", output_config: { effort: "low" } })],
    expected: { ...whole, model: "as asked" }
  },
  {
    name: "an answer about an image or a document",
    shows: (recorded) => contents(recorded).some((block) => block?.type === "image" || block?.type === "document"),
    asks: [
      asked({
        messages: saying([
          { type: "document", source: { type: "text", media_type: "text/plain", data: say } },
          { type: "text", text: "What did the ships do?" }
        ])
      })
    ],
    expected: whole
  },
  {
    name: "an answer with thinking allowed",
    shows: (recorded) => messages(recorded) && recorded.request.thinking !== undefined,
    asks: [asked({ max_tokens: 4000, thinking: { type: "enabled", budget_tokens: 2000 } })],
    expected: { ...whole, "usage.output_tokens_details.thinking_tokens": "0" }
  },
  {
    name: "tools that Anthropic runs",
    shows: (recorded) =>
      messages(recorded) && (recorded.request.tools ?? []).some((tool) => /_\d{8}$/.test(tool.type ?? "")),
    asks: [asked({ tools: [{ type: "web_search_20250305", name: "web_search" }] })],
    expected: whole
  },
  {
    name: "an answer of the beta API",
    shows: (recorded) => messages(recorded) && recorded.ask.path.includes("beta=true"),
    asks: [asked({}, "?beta=true")],
    expected: whole
  },
  {
    name: "a prompt written to the cache",
    shows: ({ shape }) => shape["usage.cache_creation_input_tokens"] === "some number",
    asks: [asked({ system: long })],
    expected: {
      ...whole,
      "usage.cache_creation_input_tokens": "some number",
      "usage.cache_creation.ephemeral_5m_input_tokens": "some number",
      "usage.cache_creation.ephemeral_1h_input_tokens": "0",
      "usage.cache_read_input_tokens": "0"
    }
  },
  {
    name: "a prompt read from the cache",
    shows: ({ shape }) => shape["usage.cache_read_input_tokens"] === "some number",
    asks: [asked({ system: long }), asked({ system: long })],
    expected: {
      ...whole,
      "usage.cache_creation_input_tokens": "0",
      "usage.cache_read_input_tokens": "some number"
    }
  }
]

const none = () => false
const failure = (outcome: string, status: string, detail: string): Shape => ({
  outcome,
  status,
  detail,
  "request id": "some",
  "is retryable": "false"
})

/** The behaviours of refused requests, and of answers that are not messages. */
const others: ReadonlyArray<Behaviour> = [
  {
    name: "a model that does not exist",
    shows: fails("POST /v1/messages", "NotFound"),
    asks: [asked({ model: "claude-nope", stream: true })],
    expected: failure("NotFound", "404", "model: claude-nope")
  },
  {
    name: "a prompt that is too long",
    shows: fails("POST /v1/messages", "InvalidRequest"),
    asks: [asked({ messages: saying("Far too long. ".repeat(100_000)) })],
    expected: failure("InvalidRequest", "400", "prompt is too long: N tokens > N maximum")
  },
  {
    name: "an invalid key",
    shows: fails("POST /v1/messages", "Unauthenticated"),
    asks: [{ ...asked({}), apiKey: "invalid" }],
    expected: failure("Unauthenticated", "401", "Invalid bearer token")
  },
  {
    name: "a count of tokens",
    shows: fails("POST /v1/messages/count_tokens", "reply"),
    asks: [{ ...asked({}), path: "/v1/messages/count_tokens" }],
    expected: { outcome: "reply", input_tokens: "some number" }
  },
  {
    name: "a count of tokens for a model that does not exist",
    shows: fails("POST /v1/messages/count_tokens", "NotFound"),
    asks: [{ ...asked({ model: "claude-nope" }), path: "/v1/messages/count_tokens" }],
    expected: failure("NotFound", "404", "model: claude-nope")
  }
]

const create: Ask = {
  method: "POST",
  path: "/v1/messages/batches",
  request: {
    requests: [{ custom_id: "a", params: { model: "claude-haiku-4-5", max_tokens: 500, messages: saying(say) } }]
  }
}
const ofBatch = (method: string, rest = ""): Ask => ({ method, path: `/v1/messages/batches/msgbatch_1${rest}` })
const anHourLater = { after: "1 hour" } as const
const batch = {
  outcome: "reply",
  id: "a text",
  type: "message_batch",
  processing_status: "in_progress",
  "request_counts.processing": "some number",
  "request_counts.succeeded": "0",
  ended_at: "null",
  results_url: "null",
  cancel_initiated_at: "null"
}
const ended = {
  ...batch,
  processing_status: "ended",
  "request_counts.processing": "0",
  "request_counts.succeeded": "some number",
  ended_at: "a text",
  results_url: "a text"
}
const retrieved = "GET /v1/messages/batches/:id"
const hasStatus = (status: string) => (recorded: Recorded) =>
  recorded.route === retrieved && recorded.shape["processing_status"] === status

/** The behaviours of Message Batches and of the list of models. */
const resources: ReadonlyArray<Behaviour> = [
  { name: "a new batch", shows: isRoute("POST /v1/messages/batches"), asks: [create], expected: batch },
  {
    name: "a batch in progress",
    shows: hasStatus("in_progress"),
    asks: [create, ofBatch("GET")],
    expected: batch
  },
  {
    name: "a batch that has ended",
    shows: hasStatus("ended"),
    asks: [create, { ...ofBatch("GET"), ...anHourLater }],
    expected: ended
  },
  {
    name: "the results of a batch",
    shows: isRoute(`${retrieved}/results`),
    asks: [create, { ...ofBatch("GET", "/results"), ...anHourLater }],
    expected: {
      outcome: "succeeded",
      lines: "1",
      blocks: "text",
      stop_reason: "end_turn",
      "usage.service_tier": "batch"
    }
  },
  {
    name: "a batch that is canceled",
    shows: none,
    asks: [create, ofBatch("POST", "/cancel")],
    expected: { ...batch, processing_status: "canceling", cancel_initiated_at: "a text" }
  },
  {
    name: "a batch that is deleted",
    shows: none,
    asks: [create, { ...ofBatch("DELETE"), ...anHourLater }],
    expected: { outcome: "reply", type: "message_batch_deleted" }
  },
  {
    name: "a list of batches",
    shows: none,
    asks: [create, { method: "GET", path: "/v1/messages/batches" }],
    expected: batch
  },
  {
    name: "a list of models",
    shows: none,
    asks: [{ method: "GET", path: "/v1/models" }],
    expected: { outcome: "reply", type: "model", max_input_tokens: "some number", max_tokens: "some number" }
  },
  {
    name: "a model",
    shows: none,
    asks: [{ method: "GET", path: "/v1/models/claude-haiku-4-5" }],
    expected: { outcome: "reply", type: "model" }
  }
]

/** All behaviours. */
export const behaviours: ReadonlyArray<Behaviour> = [...answers, ...others, ...resources]
