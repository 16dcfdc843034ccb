/**
 * `npm run bench -- conversation [--json]`: CPU time of a turn of a conversation, with 1, 20 and 200 turns before it,
 * beside `Claude.generateText` with the same messages: through the SDK, with a constant HTTP answer in memory. The figures are medians of 11 rounds, after four to warm up. Compare figures of the same run only.
 */
import { Anthropic } from "@anthropic-ai/sdk"
import { Effect, Layer } from "effect"
import { KeyValueStore } from "effect/persistence"
import { AnthropicClient, Claude, Conversation } from "../src/index.ts"
import { TestClaude } from "../src/testing/index.ts"
import { median } from "./median.ts"

const body = JSON.stringify(TestClaude.message("An answer of some words."))
const headers = { "content-type": "application/json" }
const fetch = () => Promise.resolve(new Response(body, { headers }))
const sdk = new Anthropic({ apiKey: "key", baseURL: "http://localhost", fetch, maxRetries: 0 })
const claude = Claude.layer.pipe(Layer.provide(AnthropicClient.layerFrom(sdk)))

const question = "A question of some words?"
const count = 500

/** Microseconds of CPU for each run of an effect. */
const time = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const before = process.cpuUsage()
    for (let run = 0; run < count; run++) yield* effect
    const { system, user } = process.cpuUsage(before)
    return (system + user) / count
  })

const measure = (turns: number) =>
  Effect.gen(function* () {
    const ask = Effect.fnUntraced(function* <E>(chat: Conversation.Conversation<E>) {
      yield* Conversation.generateText(chat, question)
      yield* Conversation.undo(chat)
    })
    const plain = yield* Conversation.make()
    const trimmed = yield* Conversation.make({ trim: { above: 1_000_000 } })
    for (let turn = 0; turn < turns; turn++) {
      yield* Conversation.generateText(plain, question)
      yield* Conversation.generateText(trimmed, question)
    }
    const stored = yield* Conversation.persist(plain, `${turns}`)
    const messages = [...(yield* plain.messages), { role: "user" as const, content: question }]
    const subjects = {
      generateText: Claude.generateText({ messages }),
      "a turn and undo": ask(plain),
      "with trim": ask(trimmed),
      "stored in memory": ask(stored)
    }
    const taken: Record<string, Array<number>> = {}
    for (let round = 0; round < 15; round++) {
      for (const [name, effect] of Object.entries(subjects)) {
        const micros = yield* time(effect)
        if (round >= 4) (taken[name] ??= []).push(micros)
      }
    }
    for (const [subject, all] of Object.entries(taken)) {
      const micros = Math.round(median(all) * 10) / 10
      const ratio = median(all.map((one, round) => one / (taken["generateText"]?.[round] ?? NaN)))
      const row = { bench: "conversation", turns, subject, micros, toGenerateText: Math.round(ratio * 100) / 100 }
      const line = [`${turns} turns`.padEnd(10), subject.padEnd(18), `${micros} µs`.padStart(10)]
      console.log(
        process.argv.includes("--json") ? JSON.stringify(row) : [...line, `${row.toGenerateText} ×`].join("  ")
      )
    }
  })

for (const turns of [1, 20, 200]) {
  await Effect.runPromise(Effect.provide(measure(turns), [claude, KeyValueStore.layerMemory]))
}
