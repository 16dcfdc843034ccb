/**
 * `npm run bench -- trim [--json]`: what rules for trimming a conversation cost, with the prompt cache, on the emulator:
 * 40 turns of 300 tokens each side, a system prompt of 1,000 tokens, prompts of at most 12,000 tokens; and a long
 * conversation with five times as many tokens of each, because the API summarises no prompt below 50,000. The cost is in
 * input tokens: a token that is written to the cache counts 1.25, and one that is read 0.1. The figures are exact and the
 * same in every run.
 */
import { Effect } from "effect"
import { long, measure, rules, short } from "../test/call/conversation/trimming.ts"

const thousands = (tokens: number) => `${Math.round(tokens / 1000)}k`.padStart(6)

for (const [length, size] of Object.entries({ short, long })) {
  for (const [rule, options] of Object.entries(rules)) {
    if (size === short && options === rules["compaction by the API"]) continue
    const figures = await Effect.runPromise(measure(options, size))
    const { cost, longest, output, plain, read, written } = figures
    const words = [length.padEnd(6), rule.padEnd(34), thousands(cost), ` read ${thousands(read)}`]
    const more = { written, plain, output, longest }
    for (const [name, tokens] of Object.entries(more)) words.push(` ${name} ${thousands(tokens)}`)
    console.log(
      process.argv.includes("--json") ? JSON.stringify({ bench: "trim", length, rule, ...figures }) : words.join("")
    )
  }
}
