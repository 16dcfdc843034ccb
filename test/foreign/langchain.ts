/** LangChain.js: `ChatAnthropic` and an agent. It uses an older SDK, which sends the older version of the API. */
import { ChatAnthropic } from "@langchain/anthropic"
import { createAgent, tool } from "langchain"
import { type Ask, City, type Client, none, Person, weatherTool } from "./client.ts"

export const langchain = (anthropicApiUrl: string): Client => {
  const chat = ({ apiKey = "key", model, retries = 2, temperature }: Ask) =>
    new ChatAnthropic({
      anthropicApiUrl,
      apiKey,
      model,
      maxTokens: 1000,
      maxRetries: retries,
      ...(temperature !== undefined && { temperature })
    })

  return {
    hasTemperature: true,
    text: async (ask) => (await chat(ask).invoke(ask.prompt)).text,
    statusOf,
    stream: async function* (ask) {
      for await (const chunk of await chat(ask).stream(ask.prompt)) yield chunk.text
    },
    tools: async (ask, weather) => {
      const tools = [tool(({ city }) => weather(city), { ...weatherTool, schema: City })]
      const { messages } = await createAgent({ model: chat(ask), tools }).invoke({
        messages: [{ role: "user", content: ask.prompt }]
      })
      return messages.at(-1)?.text ?? ""
    },
    objectBySchema: (ask) => chat(ask).withStructuredOutput(Person, { method: "jsonSchema" }).invoke(ask.prompt),
    objectByTool: (ask) => chat(ask).withStructuredOutput(Person, { method: "functionCalling" }).invoke(ask.prompt),
    countTokens: none,
    batch: none,
    cancelBatch: none
  }
}

/** Errors come from the SDK, or have an error of the SDK as their cause. */
const statusOf = (error: unknown): number | undefined => {
  if (!(error instanceof Error)) return undefined
  return "status" in error && typeof error.status === "number" ? error.status : statusOf(error.cause)
}
