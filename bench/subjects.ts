/**
 * The other tools. Each subject makes calls, reads streams to their end, and counts the deltas.
 */
import Anthropic from "@anthropic-ai/sdk"
import { createAnthropic } from "@ai-sdk/anthropic"
import { ChatAnthropic } from "@langchain/anthropic"
import { generateText, streamText } from "ai"
import pLimit from "p-limit"
import { Agent, request } from "undici"

export interface Subject {
  /** Makes `count` calls, `inFlight` at once. */
  readonly calls: ((count: number, inFlight: number) => Promise<unknown>) | undefined
  /** Reads `count` streams, `inFlight` at once. Returns the number of deltas. */
  readonly streams: ((count: number, inFlight: number) => Promise<number>) | undefined
}

const model = "claude-sonnet-5"
const prompt = "Why is the sky blue? ".repeat(20)
const params = { model, max_tokens: 100, messages: [{ role: "user" as const, content: prompt }] }

/** Runs at most `inFlight` at once with p-limit, as most programs do. */
const limited = async <A>(count: number, inFlight: number, run: () => Promise<A>): Promise<Array<A>> => {
  const limit = pLimit(inFlight)
  return Promise.all(Array.from({ length: count }, () => limit(run)))
}

const sum = (numbers: ReadonlyArray<number>) => numbers.reduce((a, b) => a + b, 0)

export const subjects: Record<string, (baseURL: string) => Subject> = {
  sdk: (baseURL) => {
    const client = new Anthropic({ apiKey: "key", baseURL, openTelemetry: false })
    return {
      calls: (count, inFlight) => limited(count, inFlight, async () => client.messages.create(params)),
      streams: (count, inFlight) =>
        limited(count, inFlight, async () => {
          let deltas = 0
          for await (const event of await client.messages.create({ ...params, stream: true })) {
            if (event.type === "content_block_delta") deltas += 1
          }
          return deltas
        }).then(sum)
    }
  },
  "message-stream": (baseURL) => {
    const client = new Anthropic({ apiKey: "key", baseURL, openTelemetry: false })
    return {
      calls: undefined,
      streams: (count, inFlight) =>
        limited(count, inFlight, async () => {
          let deltas = 0
          for await (const event of client.messages.stream(params)) {
            if (event.type === "content_block_delta") deltas += 1
          }
          return deltas
        }).then(sum)
    }
  },
  ai: (baseURL) => {
    const anthropic = createAnthropic({ apiKey: "key", baseURL: `${baseURL}/v1` })
    return {
      calls: (count, inFlight) =>
        limited(count, inFlight, () => generateText({ model: anthropic(model), prompt, maxOutputTokens: 100 })),
      streams: (count, inFlight) =>
        limited(count, inFlight, async () => {
          let deltas = 0
          for await (const _ of streamText({ model: anthropic(model), prompt, maxOutputTokens: 100 }).textStream)
            deltas += 1
          return deltas
        }).then(sum)
    }
  },
  langchain: (baseURL) => {
    const chat = new ChatAnthropic({
      apiKey: "key",
      anthropicApiUrl: baseURL,
      model,
      maxTokens: 100,
      streamUsage: false
    })
    return {
      calls: (count, inFlight) => limited(count, inFlight, () => chat.invoke(prompt)),
      streams: (count, inFlight) =>
        limited(count, inFlight, async () => {
          let deltas = 0
          // LangChain also emits chunks without text, for other events.
          for await (const { text } of await chat.stream(prompt)) if (text !== "") deltas += 1
          return deltas
        }).then(sum)
    }
  },
  undici: (baseURL) => {
    const dispatcher = new Agent({ connections: 256, pipelining: 1 })
    const body = JSON.stringify(params)
    const headers = {
      "content-type": "application/json",
      "anthropic-version": "2026-10-21",
      authorization: "Bearer key"
    }
    return {
      calls: (count, inFlight) =>
        limited(count, inFlight, async () => {
          const answer = await request(`${baseURL}/v1/messages`, { method: "POST", headers, body, dispatcher })
          return answer.body.json()
        }),
      streams: undefined
    }
  }
}
