/**
 * Several processes that spend one budget, under random schedules: of calls, of processes that join, end and die, and of
 * answers that cost less than they might have. The API bills a call when it arrives, also if its process dies.
 */
import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import type { SharedAccount } from "../../../src/claude/SpendStore.ts"
import * as Parts from "../../../src/pipeline/journal/Parts.ts"
import { fromUnsafe } from "../../../src/claude/Amount.ts"
import * as Ledger from "../../../src/policy/budget/Ledger.ts"
import * as Purse from "../../../src/policy/budget/Purse.ts"
import { request } from "../../fixtures.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const Call = Schema.Struct({
  /** The most that it may cost, in tokens, and the part of it that it costs, in percent. */
  most: between(1, 400),
  costs: between(0, 100),
  start: between(0, 8000),
  takes: between(1, 2000),
  /** Whether its answer is lost, so that its bill is not known. */
  isLost: Schema.Boolean
})

const Process = Schema.Struct({
  calls: Schema.Array(Call).check(Schema.isMinLength(1), Schema.isMaxLength(15)),
  joins: between(0, 3000),
  /** When it dies, in milliseconds after it has joined; 0 if it lives to its end. */
  dies: Schema.Literals([0, 0, 0, 500, 2000, 5000])
})

const Scenario = Schema.Struct({
  cap: between(100, 3000),
  processes: Schema.Array(Process).check(Schema.isMinLength(1), Schema.isMaxLength(5))
})

describe("processes that share a budget", () => {
  it.effect.prop(
    "never exceed it together, and a call fails only if the rest is spent or lost",
    [Scenario],
    ([{ cap, processes }]) =>
      Effect.gen(function* () {
        const bank = bankOf(cap)
        const running = yield* Effect.forkChild(
          Effect.forEach(processes, (process) => Effect.delay(live(bank, process), process.joins), {
            concurrency: processes.length
          })
        )
        let minutes = 0
        while (running.pollUnsafe() === undefined) {
          yield* TestClock.adjust("100 millis")
          assert.isAtMost(bank.billed, cap)
          minutes += 1 / 600
          assert.isBelow(minutes, 10, "every call ends")
        }
        yield* Fiber.join(running)
      }),
    { arbitrary: { runs: Number(process.env["SCHEDULES"] ?? 60) } }
  )
})

// Builders

const tokens = (amount: number) => BigDecimal.fromBigInt(BigInt(amount))
const numberOf = (amount: BigDecimal.BigDecimal) => BigDecimal.toNumberUnsafe(amount)
const zero = tokens(0)

/** What the database has of a process. */
interface Entry {
  allotted: BigDecimal.BigDecimal
  billed: number
  /** With the most that calls may have cost whose bill is not known. */
  spent: number
  isLiving: boolean
  isWaiting: boolean
  isIdle: boolean
}

/** The database, and what the API has billed. */
const bankOf = (cap: number) => ({ cap: tokens(cap), entries: new Set<Entry>(), billed: 0, working: 0 })

type Bank = ReturnType<typeof bankOf>

type Amounts = Parameters<SharedAccount["allot"]>[0]

/** What is neither spent nor lost. Money that a living process has reserved may come back. */
const rest = ({ cap, entries }: Bank) => {
  let rest = numberOf(cap)
  for (const { allotted, isLiving, spent } of entries) rest -= isLiving ? spent : Math.max(spent, numberOf(allotted))
  return rest
}

/** One process, until its calls have ended or it dies. */
const live = Effect.fnUntraced(function* (bank: Bank, { calls, dies }: typeof Process.Type) {
  const entry: Entry = { allotted: zero, billed: 0, spent: 0, isLiving: true, isWaiting: false, isIdle: false }
  bank.entries.add(entry)
  const others = () => [...bank.entries].filter((one) => one !== entry)
  let regularly: Effect.Effect<void> = Effect.void
  const account = {
    billed: zero,
    unsettled: zero,
    stored: () => zero,
    hold: () => Effect.void,
    atEnd: () => {},
    shared: {
      allot: (amounts: Amounts) =>
        Effect.sync(() => {
          const parts = others().map((other) => ({ ...other, billed: tokens(other.billed) }))
          const answer = Parts.allot(amounts, zero, parts)
          entry.allotted = answer._tag === "granted" ? answer.amount : BigDecimal.min(entry.allotted, amounts.needed)
          const isTaken = answer._tag === "granted" && amounts.waits === "until granted"
          entry.isWaiting = !isTaken && amounts.waits !== "no"
          entry.isIdle = !isTaken && amounts.isIdle
          return answer
        }),
      look: Effect.sync(() => ({
        cap: undefined,
        isWanted: others().some(({ isLiving, isWaiting }) => isLiving && isWaiting)
      })),
      regularly: (effect: Effect.Effect<void>) => {
        regularly = effect
      }
    }
  }
  const ledger = yield* Ledger.open(Purse.make(fromUnsafe(`${numberOf(bank.cap)} tokens`)), account, undefined)
  const perform = ({ costs, isLost, most, takes }: typeof Call.Type) =>
    Effect.gen(function* () {
      const taken = yield* Effect.exit(ledger.take(request, tokens(most)))
      if (Exit.isFailure(taken)) {
        if (!Exit.hasInterrupts(taken)) assert.isAbove(most, rest(bank))
        return
      }
      const cost = Math.floor((most * costs) / 100)
      bank.billed += cost
      const { settle } = taken.value
      // The bill of a call that is interrupted is not known.
      yield* Effect.onInterrupt(Effect.sleep(takes), () => Effect.sync(() => settle(tokens(most))))
      entry.spent += isLost ? most : cost
      if (isLost) return settle(tokens(most))
      entry.billed += cost
      settle(tokens(cost))
    }).pipe(Effect.scoped)
  const work = Effect.forEach(calls, (call) => Effect.delay(perform(call), call.start), { concurrency: calls.length })
  bank.working += 1
  const left = Effect.sync(() => void (bank.working -= 1))
  // A process that has nothing to do lives on while others work.
  const othersWork = Effect.repeat(Effect.sleep("1 second"), { until: () => bank.working === 0 })
  const ends = Effect.raceFirst(
    Effect.andThen(Effect.ensuring(work, left), othersWork),
    Effect.forever(
      Effect.delay(
        Effect.suspend(() => regularly),
        "1 second"
      )
    )
  )
  const died = Effect.sync(() => void (entry.isLiving = false))
  yield* dies === 0 ? ends : Effect.timeoutOrElse(ends, { duration: dies, orElse: () => died })
  // In order, it leaves what it has spent.
  if (entry.isLiving) entry.allotted = tokens(entry.spent)
  entry.isLiving = false
})
