/** `@anthropic-ai/sdk`: with its tool runner, its parser of outputs, and its batches. */
import Anthropic from "@anthropic-ai/sdk"
import { betaZodTool } from "@anthropic-ai/sdk/helpers/beta/zod"
import { zodOutputFormat } from "@anthropic-ai/sdk/helpers/zod"
import { type Ask, type BatchResult, City, type Client, none, Person, untilEnded, weatherTool } from "./client.ts"

export const sdk = (baseURL: string): Client => {
  const client = (ask: Ask) => new Anthropic({ baseURL, apiKey: ask.apiKey ?? "key", maxRetries: ask.retries ?? 2 })
  const params = ({ model, prompt }: Ask) => ({
    model,
    max_tokens: 1000,
    messages: [{ role: "user" as const, content: prompt }]
  })
  const textOf = (message: { readonly content: ReadonlyArray<{ readonly type: string; readonly text?: string }> }) =>
    message.content.map(({ text }) => text ?? "").join("")

  return {
    hasTemperature: false,
    text: async (ask) => textOf(await client(ask).messages.create(params(ask))),
    statusOf: (error) => (error instanceof Anthropic.APIError ? error.status : undefined),
    stream: async function* (ask) {
      const stream = client(ask).messages.stream(params(ask))
      for await (const event of stream) {
        if (event.type === "content_block_delta" && event.delta.type === "text_delta") yield event.delta.text
      }
      await stream.finalMessage()
    },
    tools: async (ask, weather) => {
      const tool = betaZodTool({ ...weatherTool, inputSchema: City, run: ({ city }) => weather(city) })
      return textOf(await client(ask).beta.messages.toolRunner({ ...params(ask), tools: [tool] }))
    },
    objectBySchema: async (ask) => {
      const output_config = { format: zodOutputFormat(Person) }
      return (await client(ask).messages.parse({ ...params(ask), output_config })).parsed_output
    },
    objectByTool: none,
    countTokens: async (ask) => {
      const { messages, model } = params(ask)
      return (await client(ask).messages.countTokens({ model, messages })).input_tokens
    },
    batch: async (asks) => {
      const { batches } = new Anthropic({ baseURL, apiKey: "key" }).messages
      const requests = Object.entries(asks).map(([custom_id, ask]) => ({ custom_id, params: params(ask) }))
      const { id } = await batches.create({ requests })
      await untilEnded(
        () => batches.retrieve(id),
        ({ processing_status }) => processing_status === "ended"
      )
      const results: Record<string, BatchResult> = {}
      for await (const { custom_id, result } of await batches.results(id)) {
        results[custom_id] =
          result.type === "succeeded"
            ? { text: textOf(result.message) }
            : { failed: result.type === "errored" ? result.error.error.type : result.type }
      }
      await batches.delete(id)
      return results
    },
    cancelBatch: async (ask) => {
      const { batches } = new Anthropic({ baseURL, apiKey: "key" }).messages
      const { id } = await batches.create({ requests: [{ custom_id: "only", params: params(ask) }] })
      await batches.cancel(id)
      await untilEnded(
        () => batches.retrieve(id),
        ({ processing_status }) => processing_status === "ended"
      )
      for await (const { result } of await batches.results(id)) return result.type
      return "no result"
    }
  }
}
