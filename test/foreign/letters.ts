import { anthropic } from "@ai-sdk/anthropic"
import {
  experimental_getBatchResults as getBatchResults,
  experimental_getBatchStatus as getBatchStatus,
  experimental_startBatch as startBatch
} from "ai"
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { setTimeout } from "node:timers/promises"

const read = (path: string) => JSON.parse(readFileSync(path, "utf8"))

/** The answer to each prompt, by id, from a batch that is sent now or was sent before the process ended. */
const ask = async (step: string, prompts: Map<string, string>) => {
  const [batchFile, answersFile] = [`${step}.batch.json`, `${step}.answers.json`]
  const answers = new Map<string, string>(existsSync(answersFile) ? read(answersFile) : [])
  for (let round = 1; round <= 3; round++) {
    const missing = [...prompts].filter(([id]) => !answers.has(id))
    if (missing.length === 0) break
    if (!existsSync(batchFile)) {
      const requests = missing.map(([id, prompt]) => ({
        id,
        type: "text" as const,
        model: "claude-sonnet-5-5",
        prompt,
        maxOutputTokens: 4096
      }))
      const { id, provider, version } = await startBatch({ provider: anthropic, requests })
      writeFileSync(batchFile, JSON.stringify({ id, provider, version }))
    }
    const batch = read(batchFile)
    while ((await getBatchStatus({ provider: anthropic, batch })).status === "pending") await setTimeout(10_000)
    for await (const item of getBatchResults({ provider: anthropic, batch })) {
      if (item.type === "text" && item.status === "succeeded") answers.set(item.id, item.text)
    }
    writeFileSync(answersFile, JSON.stringify([...answers]))
    rmSync(batchFile)
  }
  return answers
}

const mapValues = (texts: Map<string, string>, prompt: (text: string) => string) =>
  new Map([...texts].map(([id, text]) => [id, prompt(text)]))

const lines = readFileSync("letters.ndjson", "utf8").trimEnd().split("\n")
const letters = new Map<string, string>(lines.map((line) => JSON.parse(line)).map(({ id, text }) => [id, text]))

const summaries = await ask(
  "summarise",
  mapValues(letters, (text) => `Summarise in one sentence: ${text}`)
)
const replies = await ask(
  "reply",
  mapValues(summaries, (summary) => `Write a friendly reply: ${summary}`)
)
const results = [...replies].map(([key, value]) => `${JSON.stringify({ key, value })}\n`)
writeFileSync("replies.ndjson", results.join(""))
