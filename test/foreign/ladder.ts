/**
 * `npm run ladder [-- --json]`: what becomes of 2,000 damaged answers, here, with `jsonrepair` alone and with the AI SDK.
 * Prints how many become the value that was meant without a second call, how many after one more ask, and how many become
 * another value. Exits with 1 if ours accepts a wrong value.
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { extractJsonMiddleware, generateObject, generateText, Output, parsePartialJson, wrapLanguageModel } from "ai"
import { MockLanguageModelV4 } from "ai/test"
import { jsonrepair } from "jsonrepair"
import { z } from "zod"
import { Claude } from "../../src/index.ts"
import { TestClaude } from "../../src/testing/index.ts"
import { damages, Ticket } from "../call/object/Damage.ts"

/** Asks once. The answers are used in order; a contestant without a ladder uses only the first. */
type Ask = (answers: ReadonlyArray<string>) => Promise<unknown>

/** Marks an answer that was refused. */
const refused = Symbol("refused")

const ours =
  (options: { readonly reask: number }): Ask =>
  (answers) =>
    Claude.generateObject(Ticket, "Go.", options).pipe(
      Effect.map(({ value }) => value),
      Effect.result,
      Effect.map(Result.getOrElse(() => refused)),
      // The list of replies dies if one is not used.
      Effect.provide(
        TestClaude.layer(TestClaude.when(/An earlier answer/, answers[1] ?? ""), TestClaude.when(/./, answers[0] ?? ""))
      ),
      Effect.runPromise
    )

const decode = Schema.decodeUnknownOption(Ticket)

const ZodTicket = z.object({
  id: z.string(),
  text: z.string(),
  urgent: z.boolean(),
  stars: z.int().min(1).max(5),
  tags: z.array(z.string()),
  note: z.nullable(z.string()),
  place: z.object({ name: z.string(), floor: z.int() })
})

const model = (text: string) =>
  new MockLanguageModelV4({
    doGenerate: async () => ({
      content: [{ type: "text", text }],
      finishReason: { unified: "stop", raw: "end_turn" },
      usage: {
        inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
        outputTokens: { total: 1, text: 1, reasoning: 0 }
      },
      warnings: []
    })
  })

const orRefused =
  (ask: (text: string) => Promise<unknown>): Ask =>
  async ([text = ""]) =>
    ask(text).catch(() => refused)

/** The SDK gives an unparsable answer to `repairText`, and parses what it returns. */
const withRepair = (repair: (text: string) => Promise<string | null>) =>
  orRefused(
    async (text) =>
      (
        await generateObject({
          model: model(text),
          schema: ZodTicket,
          prompt: "Go.",
          repairText: ({ text }) => repair(text)
        })
      ).object
  )

const contestants: Record<string, Ask> = {
  "effect-claude": ours({ reask: 0 }),
  "jsonrepair alone": orRefused(async (text) => Option.getOrElse(decode(JSON.parse(jsonrepair(text))), () => refused)),
  "ai, Output.object": orRefused(
    async (text) =>
      (await generateText({ model: model(text), output: Output.object({ schema: ZodTicket }), prompt: "Go." })).output
  ),
  "ai, extractJsonMiddleware": orRefused(async (text) => {
    const extracting = wrapLanguageModel({ model: model(text), middleware: extractJsonMiddleware() })
    return (await generateText({ model: extracting, output: Output.object({ schema: ZodTicket }), prompt: "Go." }))
      .output
  }),
  "ai, repairText: its parsePartialJson": withRepair(async (text) => {
    const { value } = await parsePartialJson(text)
    return value === undefined ? null : JSON.stringify(value)
  }),
  "ai, repairText: jsonrepair": withRepair(async (text) => jsonrepair(text))
}

interface Count {
  right: number
  wrong: number
}

const isRight = (value: unknown, ticket: typeof Ticket.Type) =>
  value !== refused && JSON.stringify(decode(value)) === JSON.stringify(Option.some(ticket))

const perDamage = Math.ceil(2000 / damages.length)
const totals = new Map<string, Count>(Object.keys(contestants).map((name) => [name, { right: 0, wrong: 0 }]))
const byDamage = new Map<string, Array<string>>()
let total = 0
let afterOneMore = 0

for (const { damage, name } of damages) {
  const tickets = await Effect.runPromise(
    Arbitrary.sampleEffect(Arbitrary.schema(Ticket), { count: perDamage, seed: name })
  )
  const cells: Array<string> = []
  for (const [contestant, ask] of Object.entries(contestants)) {
    const count: Count = { right: 0, wrong: 0 }
    for (const [index, ticket] of tickets.entries()) {
      const value = await ask([damage(ticket, index)])
      if (isRight(value, ticket)) count.right++
      else if (value !== refused) count.wrong++
    }
    cells.push(count.wrong === 0 ? `${count.right}` : `${count.right} (${count.wrong} wrong)`)
    const sum = totals.get(contestant)
    if (sum !== undefined) Object.assign(sum, { right: sum.right + count.right, wrong: sum.wrong + count.wrong })
  }
  for (const [index, ticket] of tickets.entries()) {
    const value = await ours({ reask: 1 })([damage(ticket, index), JSON.stringify(ticket)])
    if (isRight(value, ticket)) afterOneMore++
  }
  total += tickets.length
  byDamage.set(name, cells)
}

if (process.argv.includes("--json")) {
  for (const [contestant, count] of totals)
    console.log(
      JSON.stringify({ contestant, total, ...count, ...(contestant === "effect-claude" && { afterOneMore }) })
    )
} else {
  console.log(`of ${perDamage} answers each, right without a second call:`)
  const names = Object.keys(contestants)
  console.log(["".padEnd(44), ...names].join(" | "))
  for (const [name, cells] of byDamage)
    console.log([name.padEnd(44), ...cells.map((cell, at) => cell.padEnd(names[at]?.length ?? 0))].join(" | "))
  console.log(`\nof ${total}:`)
  for (const [contestant, { right, wrong }] of totals) {
    // The others have no second question. One that asks again after each refusal gets all but the wrong ones.
    const after = contestant === "effect-claude" ? afterOneMore : total - wrong
    console.log(`${contestant.padEnd(38)} right ${right}, after one more ask ${after}, wrongly accepted ${wrong}`)
  }
}
process.exitCode = totals.get("effect-claude")?.wrong === 0 ? 0 : 1
