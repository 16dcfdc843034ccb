/**
 * What is measured: each subject makes one call, and reads one stream to its end and says how many pieces it had. A
 * subject that runs many at once by its own means says so with `many`.
 */
import Anthropic from "@anthropic-ai/sdk"
import { createAnthropic } from "@ai-sdk/anthropic"
import { ChatAnthropic } from "@langchain/anthropic"
import { generateText, streamText } from "ai"
import { Effect, Layer, ManagedRuntime, Redacted, Stream } from "effect"
import pLimit from "p-limit"
import { Agent, request } from "undici"
import { AnthropicClient, Batch, Claude, Concurrency, ResponseCache, Retry } from "../src/index.ts"
import { NodeTransport } from "../src/run/index.ts"

export interface Subject {
  /** Makes `count` calls, `inFlight` at once. */
  readonly calls: ((count: number, inFlight: number) => Promise<unknown>) | undefined
  /** Reads `count` streams, `inFlight` at once; gives the number of deltas. */
  readonly streams: ((count: number, inFlight: number) => Promise<number>) | undefined
}

const model = "claude-sonnet-5"
const prompt = "Why is the sky blue? ".repeat(20)
const params = { model, max_tokens: 100, messages: [{ role: "user" as const, content: prompt }] }

/** At most `inFlight` at once, by p-limit, as people do. */
const limited = async <A>(count: number, inFlight: number, run: () => Promise<A>): Promise<Array<A>> => {
  const limit = pLimit(inFlight)
  return Promise.all(Array.from({ length: count }, () => limit(run)))
}

const sum = (numbers: ReadonlyArray<number>) => numbers.reduce((a, b) => a + b, 0)

type Pile = (concurrency: number) => (wire: Layer.Layer<Claude.Claude>) => Layer.Layer<Claude.Claude>

/** Retry and a cap: what the other tools have. */
const bare: Pile = (concurrency) => (wire) => wire.pipe(Concurrency.policy(concurrency), Retry.policy())

/** The recommended pile: traced, measured and logged, with nobody there to look. */
const stacked: Pile = (concurrency) => Claude.stack({ concurrency })

/** Every policy there is, over a cache that has no answer yet, and keeps each. */
const everything: Pile = (concurrency) =>
  Claude.stack({ concurrency, promptCache: { ttl: "5m" }, cache: { store: ResponseCache.layerMemory() } })

const ours =
  (pile: Pile) =>
  (baseURL: string): Subject => {
    const wire = Claude.layer.pipe(Layer.provide(AnthropicClient.layer({ apiKey: Redacted.make("key"), baseURL })))
    const runtimes = new Map<number, ManagedRuntime.ManagedRuntime<Claude.Claude, never>>()
    const runtimeOf = (concurrency: number) => {
      const live = pile(concurrency)(wire).pipe(Layer.provideMerge(NodeTransport.layer()), Layer.orDie)
      const runtime = runtimes.get(concurrency) ?? ManagedRuntime.make(live)
      runtimes.set(concurrency, runtime)
      return runtime
    }
    let asked = 0
    // Never the same twice, of the same length each time.
    const numbers = (count: number) => Array.from({ length: count }, () => `${(asked += 1)}`.padStart(12))
    const different = (number: string) => ({ ...params, system: number })
    return {
      calls: (count, inFlight) =>
        runtimeOf(inFlight).runPromise(
          Batch.map(numbers(count), (number) => Claude.create(different(number)), {
            mode: "failFast",
            concurrency: inFlight
          })
        ),
      streams: (count, inFlight) => {
        const read = (number: string) =>
          Stream.runFold(
            Claude.stream(different(number)),
            () => 0,
            (deltas, event) => (event.type === "content_block_delta" ? deltas + 1 : deltas)
          )
        return runtimeOf(inFlight)
          .runPromise(Batch.map(numbers(count), read, { mode: "failFast", concurrency: inFlight }))
          .then(sum)
      }
    }
  }

export const subjects: Record<string, (baseURL: string) => Subject> = {
  "effect-claude": ours(bare),
  "our stack": ours(stacked),
  "all our policies": ours(everything),
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
          // It gives a chunk without text for the events around them too.
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
