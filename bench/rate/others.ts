/**
 * The other tools, with the settings of a careful user: many retries, and a number of calls at once that the bench
 * chooses. `default` in a name means the retries that the tool has by default.
 */
import Anthropic from "@anthropic-ai/sdk"
import { createAnthropic } from "@ai-sdk/anthropic"
import { ChatAnthropic } from "@langchain/anthropic"
import { generateText } from "ai"
import Bottleneck from "bottleneck"
import pLimit from "p-limit"
import { maxTokens, model, type Row } from "./rows.ts"
import type { Done, Subject, Task } from "./worker.ts"

type Ask = (row: Row) => Promise<unknown>

const retries = 10

const sdk =
  (maxRetries: number) =>
  ({ url }: Task): Ask => {
    const client = new Anthropic({ apiKey: "key", baseURL: url, openTelemetry: false, maxRetries })
    return ({ prompt: content }) =>
      client.messages.create({ model, max_tokens: maxTokens, messages: [{ role: "user", content }] })
  }

const ai =
  (maxRetries: number) =>
  ({ url }: Task): Ask => {
    const anthropic = createAnthropic({ apiKey: "key", baseURL: `${url}/v1` })
    return ({ prompt }) => generateText({ model: anthropic(model), prompt, maxOutputTokens: maxTokens, maxRetries })
  }

/** With p-limit, as most programs do. */
const limited =
  (make: (task: Task) => Ask): Subject =>
  (task, rows, done) => {
    const limit = pLimit(task.concurrency ?? 16)
    const ask = make(task)
    return Promise.all(rows.map((row) => limit(() => counted(ask(row), done))))
  }

const counted = (asked: Promise<unknown>, done: Done) =>
  asked.then(
    () => done(true),
    () => done(false)
  )

/** `batch` with the retries of `AsyncCaller`, six by default. */
const langchain: Subject = ({ concurrency, url }, rows, done) => {
  const chat = new ChatAnthropic({
    apiKey: "key",
    anthropicApiUrl: url,
    model,
    maxTokens,
    maxRetries: retries,
    streamUsage: false
  })
  const callbacks = [{ handleLLMEnd: () => done(true), handleLLMError: () => done(false) }]
  return chat.batch(
    rows.map(({ prompt }) => prompt),
    { callbacks, maxConcurrency: concurrency ?? 16 },
    { returnExceptions: true }
  )
}

/**
 * Bottleneck with the limits of the account, which the user looked up: requests, and input tokens at 4 characters each.
 * The output is not known before a call; what is refused for it is left to the SDK. The limiters are nested, because
 * `chain` would count the tokens as requests.
 */
const bottleneck: Subject = (task, rows, done) => {
  const ask = sdk(retries)(task)
  const perMinute = (amount: number) =>
    new Bottleneck({
      reservoir: amount,
      reservoirIncreaseAmount: amount / 60,
      reservoirIncreaseInterval: 1000,
      reservoirIncreaseMaximum: amount
    })
  const requests = perMinute(task.limits.requests)
  const input = perMinute(task.limits.input)
  return Promise.all(
    rows.map((row) =>
      input.schedule({ weight: Math.ceil(row.prompt.length / 4) }, () =>
        requests.schedule(() => counted(ask(row), done))
      )
    )
  )
}

const subjects: Readonly<Record<string, Subject>> = {
  sdk: limited(sdk(retries)),
  "sdk default": limited(sdk(2)),
  ai: limited(ai(retries)),
  "ai default": limited(ai(2)),
  langchain,
  bottleneck
}

/** What the subject of this name does. */
export const load = async (name: string): Promise<Subject> => {
  const subject = name === "promptfoo" ? (await import("./promptfoo.ts")).promptfoo : subjects[name]
  if (subject === undefined) throw new Error(`there is no subject "${name}"`)
  return subject
}
