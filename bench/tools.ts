/**
 * `npm run bench -- tools [--json]`: CPU time of a turn of `Claude.generateWithTools`, with one call and with three calls
 * in each turn, beside `Claude.generateText` with the same requests and with answers of the same length: through the SDK,
 * with HTTP in memory. A loop has 10 turns. The figures are medians of 11 rounds, after four to warm up. Compare figures
 * of the same run only.
 */
import { Anthropic } from "@anthropic-ai/sdk"
import { Effect, Layer, Schema } from "effect"
import { Tool, Toolkit } from "effect/ai"
import { AnthropicClient, Claude, type Request } from "../src/index.ts"
import { TestClaude } from "../src/testing/index.ts"
import { median } from "./median.ts"

const turns = 10
const loops = 60
const headers = { "content-type": "application/json" }

/** Claude whose answers are in memory: calls until the last turn, or texts of the same length. */
const claudeOf = (calls: number, as: "calls" | "texts") => {
  const answer = JSON.stringify(TestClaude.message("An answer of some words."))
  const tools = Array.from({ length: turns }, (_, turn) =>
    JSON.stringify(
      TestClaude.message({
        content: Array.from({ length: calls }, (_, at) => ({
          type: "tool_use" as const,
          id: `toolu_${turn}_${at}`,
          name: "add",
          input: { a: turn, b: at },
          caller: { type: "direct" as const }
        }))
      })
    )
  )
  const lengthOf = (body: string) => body.length - answer.length
  const texts = tools.map((body) => JSON.stringify(TestClaude.message("a word ".repeat(lengthOf(body) / 7))))
  let turn = 0
  const fetch = () => {
    const body = turn === turns - 1 ? answer : (as === "calls" ? tools : texts)[turn]
    turn = (turn + 1) % turns
    return Promise.resolve(new Response(body, { headers }))
  }
  const sdk = new Anthropic({ apiKey: "key", baseURL: "http://localhost", fetch, maxRetries: 0 })
  return Claude.layer.pipe(Layer.provide(AnthropicClient.layerFrom(sdk)))
}

const toolkit = Toolkit.make(
  Tool.make("add", {
    description: "Adds two numbers",
    parameters: Schema.Struct({ a: Schema.Int, b: Schema.Int }),
    success: Schema.Int
  })
)
const handlers = toolkit.toLayer({ add: ({ a, b }) => Effect.succeed(a + b) })
const question = "A question of some words?"

/** The requests of a loop. */
const requestsOf = (calls: number) =>
  Effect.gen(function* () {
    const requests: Array<Request.Request> = []
    const noting = Layer.effect(
      Claude.Claude,
      Effect.map(Claude.Claude, (next) => ({
        ...next,
        create: (request: Request.Request) => {
          requests.push(request)
          return next.create(request)
        }
      }))
    ).pipe(Layer.provide(claudeOf(calls, "calls")))
    yield* Effect.provide(Claude.generateWithTools(toolkit, question), [noting, handlers])
    return requests
  })

/** Microseconds of CPU for each turn. */
const time = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const before = process.cpuUsage()
    for (let run = 0; run < loops; run++) yield* effect
    const { system, user } = process.cpuUsage(before)
    return (system + user) / loops / turns
  })

const measure = (calls: number) =>
  Effect.gen(function* () {
    const requests = yield* requestsOf(calls)
    const claude = yield* Layer.build(claudeOf(calls, "calls"))
    const texts = yield* Layer.build(claudeOf(calls, "texts"))
    const subjects = {
      generateText: Effect.provide(
        Effect.forEach(requests, (request) => Claude.generateText(request)),
        texts
      ),
      generateWithTools: Effect.provide(Claude.generateWithTools(toolkit, question), claude)
    }
    const taken: Record<string, Array<number>> = {}
    for (let round = 0; round < 15; round++) {
      for (const [name, effect] of Object.entries(subjects)) {
        const micros = yield* time(effect)
        if (round >= 4) (taken[name] ??= []).push(micros)
      }
    }
    for (const [subject, all] of Object.entries(taken)) {
      const micros = Math.round(median(all))
      const ratio = median(all.map((one, round) => one / (taken["generateText"]?.[round] ?? NaN)))
      const row = { bench: "tools", calls, subject, micros, toGenerateText: Math.round(ratio * 100) / 100 }
      const line = [`${calls} calls a turn`.padEnd(16), subject.padEnd(18), `${micros} µs`.padStart(8)]
      console.log(
        process.argv.includes("--json") ? JSON.stringify(row) : [...line, `${row.toGenerateText} ×`].join("  ")
      )
    }
  }).pipe(Effect.scoped, Effect.provide(handlers))

for (const calls of [1, 3]) await Effect.runPromise(measure(calls))
