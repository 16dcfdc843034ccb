import { assert, describe, it } from "@effect/vitest"
import { AnthropicClient, Budget, Claude, MessageBatches } from "effect-claude"
import { Emulator } from "effect-claude/testing"
import * as BigDecimal from "effect/BigDecimal"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import { hash, type Request } from "../../src/claude/Request.ts"
import * as BatchSender from "../../src/pipeline/BatchSender.ts"
import type { Sender, WantedCall } from "../../src/pipeline/Journal.ts"
import { request } from "../fixtures.ts"
import { type Disk, makeDisk, makeLife, storeOf } from "../policy/messageBatches/processes.ts"

describe("the sender of batches", () => {
  it.effect("sends what workers want once all of them wait, stores the replies, and then settles the calls", () =>
    Effect.gen(function* () {
      const disk = makeDisk()
      const { sender, settled, want } = senderOf(disk)
      const fiber = yield* running(() => sender)
      want("a")
      want("b")
      yield* pass(20)
      assert.deepStrictEqual([...settled].toSorted(), ["a: answered", "b: answered"])
      assert.lengthOf(disk.saved, 2)
      assert.lengthOf(yield* billed, 2)
      yield* Fiber.interrupt(fiber)
    }).pipe(Effect.provide(emulator))
  )

  it.effect("sends nothing while it does not know whether it holds the lock, as after a freeze", () =>
    Effect.gen(function* () {
      const { sender, want } = senderOf(makeDisk())
      let isFrozen = false
      const fiber = yield* running(() => ({
        ...sender,
        take: (count) =>
          isFrozen ? Effect.never : Effect.tap(sender.take(count), () => Effect.sync(() => (isFrozen = true))),
        isQuiet: Effect.succeed(false)
      }))
      want("a")
      yield* pass(120)
      assert.lengthOf(yield* billed, 0)
      yield* Fiber.interrupt(fiber)
    }).pipe(Effect.provide(emulator))
  )

  it.effect.each([
    ["waits for five seconds after one that has died", true, 5000],
    ["begins at once after one that has ended in order", false, 0]
  ] as const)("%s", ([, hasDied, wait]) =>
    Effect.gen(function* () {
      const { sender } = senderOf(makeDisk())
      let begun: number | undefined
      const take: Sender["take"] = (count) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) => {
          begun ??= now
          return sender.take(count)
        })
      const fiber = yield* running(() => ({ ...sender, take, hasDied }))
      yield* pass(10)
      assert.strictEqual(begun, wait)
      yield* Fiber.interrupt(fiber)
    }).pipe(Effect.provide(emulator))
  )

  it.effect("ends in order when it is interrupted, and gives a call whose money is spent its reason", () =>
    Effect.gen(function* () {
      const { ends, sender, settled, want } = senderOf(makeDisk())
      const fiber = yield* running(() => sender, "0.000001 USD")
      want("a")
      yield* pass(20)
      assert.deepStrictEqual(settled, ["a: BudgetExceeded"])
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(ends, ["signal"])
    }).pipe(Effect.provide(emulator))
  )
})

// Builders

/** Its client uses the transport of the program, as that of the command line does. */
const emulator = Layer.provideMerge(
  Claude.layer.pipe(
    Layer.provideMerge(
      AnthropicClient.layer({ apiKey: Redacted.make("emulator"), baseURL: "http://emulator.invalid" }).pipe(Layer.orDie)
    )
  ),
  Emulator.transport()
)

const zero = BigDecimal.fromBigInt(0n)

/** A sender on a disk. */
const senderOf = (disk: Disk) => {
  const wanted: Array<WantedCall> = []
  const settled: Array<string> = []
  const ends: Array<string> = []
  const none = { USD: zero, tokens: zero }
  const sender: Sender = {
    hasDied: false,
    take: (count) => Effect.sync(() => wanted.splice(0, count)),
    settle: ({ call }, outcome) =>
      Effect.sync(() => {
        settled.push(`${call.row}: ${Result.isFailure(outcome) ? outcome.failure.reason._tag : "answered"}`)
      }),
    isQuiet: Effect.sync(() => wanted.length === 0),
    journal: {
      replies: storeOf(disk, makeLife()),
      spending: Effect.succeed({
        billed: none,
        unsettled: none,
        stored: () => zero,
        hold: () => Effect.void,
        shared: undefined
      }),
      end: ({ outcome }) => Effect.sync(() => void ends.push(outcome))
    }
  }
  const want = (row: string) => {
    const asked: Request = { ...request, messages: [{ role: "user", content: `Greet ${row}.` }] }
    const call = { row, path: "greet", hash: hash(asked), occurrence: 0 }
    wanted.push({ call, request: asked, id: { row: wanted.length, key: row } })
  }
  return { ends, sender, settled, want }
}

/** A process that is the sender whenever `elect` gives one. */
const running = (elect: () => Sender, budget = "9 USD") =>
  Effect.flatMap(Effect.context<Claude.Claude | AnthropicClient.AnthropicClient>(), (api) => {
    const chunks = { elect: Effect.sync(elect), limits: Effect.succeed({ budget }), settings: {} }
    const cap = budget === "9 USD" ? "9 USD" : "0.000001 USD"
    const claude = Layer.succeedContext(api).pipe(MessageBatches.policy({ shortestPoll: 300 }), Budget.policy(cap))
    return Effect.forkChild(BatchSender.run("letters", chunks, () => claude))
  })

const billed = Effect.flatMap(Emulator.Emulator, ({ ledger }) => ledger)

/** Lets the fibers and promises run, and then half a second pass. */
const pass = (seconds: number) =>
  Effect.andThen(Effect.repeat(Effect.yieldNow, { times: 50 }), TestClock.adjust("500 millis")).pipe(
    Effect.repeat({ times: 2 * seconds - 1 })
  )
