/**
 * The emulator with the limits of a variant and answers that are as long as the rows ask. Its books watch from outside, so
 * output in flight at the end counts as unused: up to 4 % of 3 minutes.
 */
import type { Options } from "../../src/testing/Emulator.ts"
import * as Meter from "./meter.ts"
import { sizesIn } from "./rows.ts"
import type { Variant } from "./standIn.ts"

export const optionsOf = ({ acceleration, latency, limits }: Variant): Options => ({
  timeToFirstToken: latency[0],
  tokensPerSecond: 1000 / latency[1],
  limits: {
    requestsPerMinute: limits.requests,
    inputTokensPerMinute: limits.input,
    outputTokensPerMinute: limits.output,
    acceleration
  },
  replies: [
    {
      when: /row \d+ input/,
      reply: ({ messages }) => {
        const { output } = sizesIn(JSON.stringify(messages))
        return { content: [{ type: "text", text: "word ".repeat(output) }], usage: { output_tokens: output } }
      }
    }
  ]
})

/** The headers of its clients. */
export const headers = { "content-type": "application/json", "anthropic-version": "2023-06-01", "x-api-key": "key" }

/** Books that take each response: when the call came, when it was answered, and with what. */
export const watch = (variant: Variant) => {
  const { admit, refuse, state } = Meter.make(variant.limits, variant)
  const answered = (came: number, now: number, status: number, body: string) => {
    if (status === 429) return refuse()
    const { usage } = JSON.parse(body)
    admit(came, usage.input_tokens, usage.output_tokens)(now, 1)
  }
  return { answered, state }
}
