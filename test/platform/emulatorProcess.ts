/**
 * An emulator with a ledger, in a process of its own, which can be reached from network namespaces. It prints its address,
 * and then the number of billed calls whenever it has changed.
 */
import { Context, Effect, Layer } from "effect"
import { Emulator } from "effect-claude/testing"

const { LATENCY = "500", REQUESTS_PER_MINUTE } = process.env

const faults = [
  { kind: 529, rate: 0.01 },
  { kind: "reset", rate: 0.01 }
] as const

const program = Effect.gen(function* () {
  const server = Emulator.layerServer({
    host: "0.0.0.0",
    latency: Number(LATENCY),
    ...(REQUESTS_PER_MINUTE === undefined ? { faults } : { limits: { requestsPerMinute: Number(REQUESTS_PER_MINUTE) } })
  })
  const { ledger, url } = Context.get(yield* Layer.build(server), Emulator.Emulator)
  process.stdout.write(`${url}\n`)
  let last = -1
  const count = Effect.map(ledger, ({ length }) => {
    if (length !== last) process.stdout.write(`${length}\n`)
    last = length
  })
  return yield* Effect.forever(Effect.delay(count, "100 millis"))
})

Effect.runFork(Effect.scoped(program))
