/**
 * `npm run toolLoops`: tool loops on one scripted server: ours, the tool runner of the SDK, the AI SDK and an agent
 * of LangChain. Each case is one turn that calls `get_weather` or another tool; then the server answers. Prints what each
 * loop did: requests, handlers that ran, and who learnt of the failure.
 *
 * `wrong run`: the handler ran although its arguments were cut off, or the model refused. `lost`: neither the model (an
 * `is_error` result) nor the caller (an error) learnt of the failure. A finish reason on a result does not count.
 */
import Anthropic from "@anthropic-ai/sdk"
import { betaZodTool } from "@anthropic-ai/sdk/helpers/beta/zod"
import { createAnthropic } from "@ai-sdk/anthropic"
import { ChatAnthropic } from "@langchain/anthropic"
import { generateText, isStepCount, tool as aiTool } from "ai"
import { createAgent, tool as langchainTool } from "langchain"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Tool from "effect/ai/Tool"
import * as Toolkit from "effect/ai/Toolkit"
import { AnthropicClient, Claude } from "../../src/index.ts"
import { Emulator } from "../../src/testing/index.ts"
import { City, weatherTool } from "./client.ts"

const model = "claude-sonnet-5"
const question = "What is the weather in Paris?"
const maxTokens = 1000

/** Gives the handlers; `get_weather` fails for the city `Nowhere`. */
type Loop = (url: string, weather: (city: string) => string) => Promise<unknown>

const loops: Record<string, Loop> = {
  "effect-claude": (url, weather) => {
    const parameters = Schema.Struct({ city: Schema.String })
    const Weather = Tool.make("get_weather", {
      parameters,
      success: Schema.String,
      failure: Schema.String,
      failureMode: "return"
    })
    const toolkit = Toolkit.make(Weather)
    const handlers = toolkit.toLayer({
      get_weather: ({ city }) => Effect.try({ try: () => weather(city), catch: (error) => String(error) })
    })
    const client = AnthropicClient.layer({ apiKey: Redacted.make("key"), baseURL: url })
    const prompt = { model, max_tokens: maxTokens, messages: [{ role: "user" as const, content: question }] }
    return Effect.runPromise(
      Claude.generateWithTools(toolkit, prompt).pipe(
        Effect.provide(Layer.merge(handlers, Layer.provide(Claude.layer, client)))
      )
    )
  },
  "SDK toolRunner": async (baseURL, weather) => {
    const client = new Anthropic({ baseURL, apiKey: "key", maxRetries: 0 })
    const tool = betaZodTool({ ...weatherTool, inputSchema: City, run: ({ city }) => weather(city) })
    return client.beta.messages.toolRunner({
      model,
      max_tokens: maxTokens,
      messages: [{ role: "user", content: question }],
      tools: [tool],
      // The emulator holds no threads of messages.
      thread: false
    })
  },
  ai: (url, weather) => {
    const anthropic = createAnthropic({ apiKey: "key", baseURL: `${url}/v1` })
    const execute = async ({ city }: { readonly city: string }) => weather(city)
    const tools = { get_weather: aiTool({ description: weatherTool.description, inputSchema: City, execute }) }
    return generateText({
      model: anthropic(model),
      prompt: question,
      maxOutputTokens: maxTokens,
      maxRetries: 0,
      tools,
      stopWhen: isStepCount(10)
    })
  },
  "LangChain agent": (anthropicApiUrl, weather) => {
    const chat = new ChatAnthropic({ anthropicApiUrl, apiKey: "key", model, maxTokens, maxRetries: 0 })
    const tools = [langchainTool(({ city }) => weather(city), { ...weatherTool, schema: City })]
    return createAgent({ model: chat, tools }).invoke({ messages: [{ role: "user", content: question }] })
  }
}

const call = (id: string, city: unknown, name = "get_weather") => ({ type: "tool_use", id, name, input: { city } })

interface Case {
  /** The first turn. */
  readonly turn: Emulator.Reply
  /** The calls that fail, which the model must learn of; undefined where the caller must get an error. */
  readonly failing?: ReadonlyArray<string>
  /** How many handlers should run. */
  readonly handlers: number
  /** Whether the loop fails if it is right. */
  readonly ends?: "with an error"
  /** The requests of a right loop, where fewer return half an answer. */
  readonly requests?: number
}

const cases: Record<string, Case> = {
  "three calls, all right": { turn: { content: ["a", "b", "c"].map((id) => call(id, "Paris")) }, handlers: 3 },
  "an unknown tool": {
    turn: { content: [call("a", "Paris"), call("b", "Paris", "get_tides")] },
    failing: ["b"],
    handlers: 1
  },
  "invalid arguments": { turn: { content: [call("a", 7), call("b", "Paris")] }, failing: ["a"], handlers: 1 },
  "a handler fails": {
    turn: { content: [call("a", "Nowhere"), call("b", "Paris"), call("c", "Rome")] },
    failing: ["a"],
    handlers: 3
  },
  "cut by max_tokens": {
    turn: { content: [call("a", "Paris")], stop_reason: "max_tokens" },
    handlers: 0,
    ends: "with an error"
  },
  "refusal with a call": {
    turn: {
      content: [call("a", "Paris")],
      stop_reason: "refusal",
      stop_details: { type: "refusal", category: null, explanation: null }
    },
    handlers: 0,
    ends: "with an error"
  },
  pause_turn: {
    turn: {
      content: [{ type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: { query: "Paris" } }],
      stop_reason: "pause_turn"
    },
    handlers: 0,
    requests: 2
  }
}

interface Row {
  readonly requests: number
  readonly handlers: number
  readonly wrong: number
  readonly lost: number
  readonly words: string
}

/** Runs one loop on one case against a new server. */
const runCase = (
  loop: Loop,
  { ends, failing = [], handlers: expected, requests = 1, turn }: Case
): Effect.Effect<Row> =>
  Effect.gen(function* () {
    const bodies: Array<string> = []
    const faults: Emulator.Script = ({ body }) => {
      bodies.push(body)
      return undefined
    }
    const isFollowUp = (messages: ReadonlyArray<{ readonly role: string; readonly content?: unknown }>) => {
      const last = messages.at(-1)
      return last?.role === "assistant" || JSON.stringify(last?.content).includes('"tool_result"')
    }
    const replies: ReadonlyArray<Emulator.Rule> = [
      { when: ({ messages }) => isFollowUp(messages), reply: { content: [{ type: "text", text: "Sunny." }] } },
      { when: () => true, reply: turn }
    ]
    const server = yield* Layer.build(Emulator.layerServer({ faults, replies }))
    let handlers = 0
    const weather = (city: string) => {
      handlers++
      if (city === "Nowhere") throw new Error("no such city")
      return `sunny in ${city}`
    }
    const raised = yield* Effect.promise(() =>
      loop(Context.get(server, Emulator.Emulator).url, weather).then(
        () => undefined,
        (error: unknown) => (error instanceof Error ? error.message : String(error))
      )
    )
    const errors = new Map<string, { readonly isError: boolean; readonly text: string }>()
    for (const body of bodies.slice(1)) {
      for (const block of resultsIn(JSON.parse(body))) {
        errors.set(block.tool_use_id, { isError: block.is_error === true, text: JSON.stringify(block.content) })
      }
    }
    const unreported = failing.filter((id) => !errors.get(id)?.isError && raised === undefined)
    const leaks = [...errors.values()].some(({ text }) => /node_modules|file:\/\/|\.ts:\d/.test(text))
    const isLost = raised === undefined && (ends !== undefined || bodies.length < requests)
    const words = [
      ...(raised === undefined ? [] : ["error"]),
      ...(unreported.length > 0 ? ["no is_error"] : []),
      ...(leaks ? ["local paths sent"] : []),
      ...(isLost ? ["returned as a result"] : [])
    ]
    return {
      requests: bodies.length,
      handlers,
      wrong: Math.max(0, handlers - expected),
      lost: unreported.length + Number(isLost),
      words: words.join(", ")
    }
  }).pipe(Effect.scoped, Effect.orDie)

interface Body {
  readonly messages: ReadonlyArray<{ readonly content: unknown }>
}
interface Block {
  readonly type: string
  readonly tool_use_id: string
  readonly is_error?: boolean
  readonly content: unknown
}

const resultsIn = ({ messages }: Body): ReadonlyArray<Block> =>
  messages.flatMap(({ content }) =>
    Array.isArray(content) ? content.filter((block: Block) => block.type === "tool_result") : []
  )

const table = await Effect.runPromise(
  Effect.forEach(Object.entries(loops), ([name, loop]) =>
    Effect.map(
      Effect.forEach(Object.values(cases), (one) => runCase(loop, one)),
      (rows) => ({ name, rows })
    )
  )
)
const width = 40
const print = (title: string, cells: ReadonlyArray<string>) =>
  console.log([title.padEnd(24), ...cells.map((cell) => cell.padEnd(width))].join("").trimEnd())
print(
  "",
  table.map(({ name }) => name)
)
for (const [at, title] of Object.keys(cases).entries()) {
  print(
    title,
    table.map(({ rows }) => {
      const row = rows[at]
      if (row === undefined) return ""
      const words = row.words === "" ? "" : `, ${row.words}`
      return `${row.requests} req, ${row.handlers} run${row.wrong > 0 ? " (WRONG)" : ""}${words}`
    })
  )
}
const total = (of: (row: Row) => number) => table.map(({ rows }) => String(rows.reduce((sum, row) => sum + of(row), 0)))
print(
  "requests",
  total(({ requests }) => requests)
)
print(
  "wrong tools run",
  total(({ wrong }) => wrong)
)
print(
  "failures lost",
  total(({ lost }) => lost)
)
