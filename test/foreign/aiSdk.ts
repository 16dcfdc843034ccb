/** The Vercel AI SDK: `generateText` with steps and outputs, and its batches, which are experimental. */
import { createAnthropic } from "@ai-sdk/anthropic"
import {
  APICallError,
  experimental_cancelBatch as cancelBatch,
  experimental_getBatchResults as getBatchResults,
  experimental_getBatchStatus as getBatchStatus,
  experimental_startBatch as startBatch,
  generateText,
  isStepCount,
  Output,
  streamText,
  tool
} from "ai"
import { type Ask, type BatchResult, City, type Client, none, Person, untilEnded, weatherTool } from "./client.ts"

export const aiSdk = (url: string): Client => {
  const anthropic = (apiKey = "key") => createAnthropic({ apiKey, baseURL: `${url}/v1` })
  const provider = anthropic()
  const settings = ({ apiKey, model, prompt, retries = 2, temperature }: Ask) => ({
    model: anthropic(apiKey)(model),
    prompt,
    maxOutputTokens: 1000,
    maxRetries: retries,
    ...(temperature !== undefined && { temperature })
  })
  const requestOf = (id: string, { model, prompt }: Ask) => ({
    id,
    type: "text" as const,
    model,
    prompt,
    maxOutputTokens: 1000
  })

  return {
    hasTemperature: true,
    text: async (ask) => (await generateText(settings(ask))).text,
    statusOf: (error) => (APICallError.isInstance(error) ? error.statusCode : undefined),
    stream: async function* (ask) {
      yield* streamText(settings(ask)).textStream
    },
    tools: async (ask, weather) => {
      const { description, name } = weatherTool
      const execute = async ({ city }: { readonly city: string }) => weather(city)
      const tools = { [name]: tool({ description, inputSchema: City, execute }) }
      return (await generateText({ ...settings(ask), tools, stopWhen: isStepCount(5) })).text
    },
    objectBySchema: async (ask) =>
      (await generateText({ ...settings(ask), output: Output.object({ schema: Person }) })).output,
    objectByTool: async (ask) => {
      const providerOptions = { anthropic: { structuredOutputMode: "jsonTool" } }
      return (await generateText({ ...settings(ask), output: Output.object({ schema: Person }), providerOptions }))
        .output
    },
    countTokens: none,
    batch: async (asks) => {
      const requests = Object.entries(asks).map(([id, ask]) => requestOf(id, ask))
      const batch = await startBatch({ provider, requests })
      await untilEnded(
        () => getBatchStatus({ provider, batch }),
        ({ status }) => status !== "pending"
      )
      const results: Record<string, BatchResult> = {}
      for await (const result of getBatchResults({ provider, batch })) {
        results[result.id] =
          result.status === "succeeded" && result.type === "text"
            ? { text: result.text }
            : { failed: result.status === "failed" ? `${result.error.type}` : result.status }
      }
      return results
    },
    cancelBatch: async (ask) => {
      const batch = await startBatch({ provider, requests: [requestOf("only", ask)] })
      await cancelBatch({ provider, batch })
      await untilEnded(
        () => getBatchStatus({ provider, batch }),
        ({ status }) => status !== "pending"
      )
      for await (const { status } of getBatchResults({ provider, batch })) return status
      return "no result"
    }
  }
}
