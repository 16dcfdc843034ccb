/**
 * The job as users write it without a library for jobs: all rows in memory, p-limit, and one appended line a row. Such a
 * program keeps finished rows only, and does not resume.
 */
import Anthropic from "@anthropic-ai/sdk"
import { createAnthropic } from "@ai-sdk/anthropic"
import { generateText } from "ai"
import { appendFile, readFile } from "node:fs/promises"
import { join } from "node:path"
import pLimit from "p-limit"
import type { Task } from "./jobWorker.ts"

const model = "claude-sonnet-5"

type Ask = (question: string) => Promise<string>

const ask: Record<string, (url: string) => Ask> = {
  sdk: (baseURL) => {
    const client = new Anthropic({ apiKey: "key", baseURL, openTelemetry: false })
    return async (content) => {
      const message = await client.messages.create({ model, max_tokens: 1000, messages: [{ role: "user", content }] })
      return message.content.map((block) => (block.type === "text" ? block.text : "")).join("")
    }
  },
  ai: (url) => {
    const anthropic = createAnthropic({ apiKey: "key", baseURL: `${url}/v1` })
    return async (prompt) => (await generateText({ model: anthropic(model), prompt, maxOutputTokens: 1000 })).text
  }
}

/** What the subject of this name does. */
export const load = (name: string) => ({
  run: async ({ folder, inFlight, input, url }: Task) => {
    const answer = ask[name]?.(url)
    if (answer === undefined) throw new Error(`there is no subject "${name}"`)
    const limit = pLimit(inFlight)
    const lines = (await readFile(input, "utf8")).trimEnd().split("\n")
    await Promise.all(
      lines.map((line) =>
        limit(async () => {
          const { id, question } = JSON.parse(line) as { id: string; question: string }
          const value = await answer(question)
          await appendFile(join(folder, "results.jsonl"), `${JSON.stringify({ key: id, value })}\n`)
        })
      )
    )
  },
  prepare: () => Promise.reject(new Error(`${name} cannot resume`)),
  resume: () => Promise.reject(new Error(`${name} cannot resume`))
})
