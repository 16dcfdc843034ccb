/**
 * What `RateLimit` costs where no limit binds: calls that are answered at once, one after the other, with the policy and
 * without it, in alternating rounds of one process. The answers report limits, as those of the API do. CPU time, because
 * other load on the machine disturbs it less.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Claude, Concurrency, RateLimit } from "../../src/index.ts"
import { TestClaude } from "../../src/testing/index.ts"
import { median } from "../median.ts"
import { maxTokens, model } from "./rows.ts"

/** CPU microseconds for a call: medians of the rounds, and of the differences within the rounds. */
export interface Overhead {
  readonly without: number
  readonly with: number
  readonly difference: number
}

const calls = 20_000
const warmUp = 5
const rounds = 21

const limits = { limit: 1_000_000_000, remaining: 999_999_000, reset: "2026-11-28T12:00:00Z" }
const rateLimits = { requests: limits, inputTokens: limits, outputTokens: limits }
const reply = { message: TestClaude.message("Hello."), requestId: "req_bench", origin: "api", rateLimits } as const

const instant = Layer.succeed(Claude.Claude, {
  create: () => Effect.succeed(reply),
  stream: () => Stream.die("no streams"),
  countTokens: () => Effect.die("no counts"),
  capacity: Effect.succeed(64)
})

const request = { model, max_tokens: maxTokens, messages: [{ role: "user" as const, content: "Why? ".repeat(80) }] }

/** CPU microseconds for each of many calls. */
const round = (layer: Layer.Layer<Claude.Claude>) =>
  Claude.Claude.use(({ create }) =>
    Effect.gen(function* () {
      const start = process.cpuUsage()
      for (let call = 0; call < calls; call++) yield* create(request)
      const { system, user } = process.cpuUsage(start)
      return (system + user) / calls
    })
  ).pipe(Effect.provide(layer), Effect.runPromise)

export const measure = async (): Promise<Overhead> => {
  const bare = instant.pipe(Concurrency.policy(64))
  const limited = bare.pipe(RateLimit.policy())
  const taken: Array<Overhead> = []
  for (let number = 0; number < warmUp + rounds; number++) {
    const without = await round(bare)
    const spent = await round(limited)
    if (number >= warmUp) taken.push({ without, with: spent, difference: spent - without })
  }
  const of = (figure: keyof Overhead) => median(taken.map((overhead) => overhead[figure]))
  return { without: of("without"), with: of("with"), difference: of("difference") }
}
