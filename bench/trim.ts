/**
 * `npm run bench -- trim [--json]`: what rules for trimming a conversation cost, with the prompt cache, on the emulator:
 * 40 turns of 300 tokens each side, a system prompt of 1,000 tokens, prompts of at most 12,000 tokens. The cost is in
 * input tokens: a token that is written to the cache counts 1.25, and one that is read 0.1. The figures are exact and the
 * same in every run.
 */
import { Effect } from "effect"
import { measure, rules } from "../test/call/conversation/trimming.ts"

const thousands = (tokens: number) => `${Math.round(tokens / 1000)}k`.padStart(6)

for (const [rule, options] of Object.entries(rules)) {
  const figures = await Effect.runPromise(measure(options))
  const { cost, longest, output, plain, read, written } = figures
  const parts = [`read ${thousands(read)}`, `written ${thousands(written)}`, `plain ${thousands(plain)}`]
  const line = [
    rule.padEnd(36),
    thousands(cost),
    ...parts,
    `output ${thousands(output)}`,
    `longest ${thousands(longest)}`
  ]
  console.log(process.argv.includes("--json") ? JSON.stringify({ bench: "trim", rule, ...figures }) : line.join("  "))
}
