import { assert, describe, it } from "@effect/vitest"
import { CallSite, Claude, type Event, Request } from "effect-claude"
import { TestClaude } from "effect-claude/testing"
import { Clock, Context, Effect, Exit } from "effect"
import { ReplyStoreFailed } from "../../src/claude/ReplyStore.ts"
import * as InFlight from "../../src/pipeline/InFlight.ts"
import * as Minutes from "../../src/pipeline/Minutes.ts"
import * as Reach from "../../src/pipeline/Reach.ts"
import * as RowCalls from "../../src/pipeline/RowCalls.ts"

describe("RowCalls", () => {
  it.effect.each([
    ["fails", Effect.fail(new ReplyStoreFailed({ detail: "the disk is full" }))],
    ["dies", Effect.die("the lock is lost")]
  ] as const)("abandons a row whose store %s, also where its step takes any failure", ([, store]) =>
    Effect.gen(function* () {
      let interruptions = 0
      const row = { key: "a", ordinal: 0, hasFailed: false, replies: [] }
      const calls = RowCalls.make(run(store), row, () => void (interruptions += 1))
      const request = yield* Request.resolve("Hello")
      const reply = yield* Claude.create("Hello")
      const call = { row: "a", path: "", hash: Request.hash(request), occurrence: 0 }
      const exit = yield* Effect.exit(calls.save({ call, request, reply }))
      assert.isTrue(Exit.isFailure(exit))
      assert.strictEqual(interruptions, 1)
    }).pipe(Effect.provide(TestClaude.layer("Hello.")))
  )
})

describe("a row of a run that has stopped", () => {
  it.effect("is abandoned if it has called nothing, and may end if it has its answer", () =>
    Effect.gen(function* () {
      const reply = yield* Claude.create("Hello")
      for (const [begin, expected] of [
        [() => undefined, 1],
        [(calls: RowCalls.RowCalls) => calls.replayed(reply), 0]
      ] as const) {
        let isStopped = false
        let interruptions = 0
        const row = { key: "a", ordinal: 0, hasFailed: false, replies: [] }
        const shared = { ...run(Effect.void), hasStopped: () => isStopped }
        const calls = RowCalls.make(shared, row, () => void (interruptions += 1))
        begin(calls)
        calls.check()
        assert.strictEqual(interruptions, 0)
        isStopped = true
        calls.check()
        calls.check()
        assert.strictEqual(interruptions, expected)
      }
    }).pipe(Effect.provide(TestClaude.layer("Hello.")))
  )
})

describe("a row whose lease is lost", () => {
  it.effect("is abandoned at its next call, which is not sent", () =>
    Effect.gen(function* () {
      const { calls, interruptions, lose } = leased()
      assert.isDefined(calls.begin(call, yield* Request.resolve("Hello")))
      lose()
      assert.isUndefined(calls.begin(call, yield* Request.resolve("Hello")))
      assert.strictEqual(interruptions(), 1)
    })
  )

  it.effect("does not send a call that waited while the lease was lost", () =>
    Effect.gen(function* () {
      const { calls, interruptions, lose } = leased()
      const sending = calls.begin(call, yield* Request.resolve("Hello"))
      lose()
      const exit = yield* Effect.exit(sending?.listener(sent) ?? Effect.void)
      assert.isTrue(Exit.hasInterrupts(exit))
      assert.strictEqual(interruptions(), 1)
    })
  )

  it.effect("is abandoned after its call on the wire has ended", () =>
    Effect.gen(function* () {
      const { calls, interruptions, lose } = leased()
      const sending = calls.begin(call, yield* Request.resolve("Hello"))
      yield* sending?.listener(sent) ?? Effect.void
      lose()
      calls.check()
      assert.strictEqual(interruptions(), 0)
      sending?.end()
      assert.strictEqual(interruptions(), 1)
    })
  )
})

describe("a row with tools", () => {
  it("begins no handler without its lease, or when the run has stopped", () => {
    const { calls, interruptions, lose } = leased()
    assert.isTrue(calls.handlers.mayRun())
    lose()
    assert.isFalse(calls.handlers.mayRun())
    assert.strictEqual(interruptions(), 1)
  })

  it("is abandoned after its handlers have ended, also where one of them waits for approval", () => {
    const { calls, interruptions, lose } = leased()
    const ends = [calls.handlers.runs(), calls.handlers.runs()]
    const decided = calls.handlers.waits()
    lose()
    calls.check()
    assert.strictEqual(interruptions(), 0)
    ends[0]?.()
    assert.strictEqual(interruptions(), 1)
    decided()
    ends[1]?.()
    assert.strictEqual(interruptions(), 1)
  })

  it("is abandoned at once where it only waits for an approval", () => {
    const { calls, interruptions, lose } = leased()
    calls.handlers.runs()
    lose()
    calls.handlers.waits()
    assert.strictEqual(interruptions(), 1)
  })
})

// Builders

const call = { row: "a", path: "", hash: "0a1b", occurrence: 0 }

const sent: Event.Event = {
  _tag: "call-sent",
  attempt: 1,
  model: "claude-haiku-4-5",
  site: CallSite.CallSite.defaultValue()
}

/** The calls of a row, whose lease can be lost. */
const leased = () => {
  let isHeld = true
  let interruptions = 0
  const row = { key: "a", ordinal: 0, hasFailed: false, replies: [], lease: { isHeld: () => isHeld } }
  const calls = RowCalls.make(run(Effect.void), row, () => void (interruptions += 1))
  return { calls, interruptions: () => interruptions, lose: () => void (isHeld = false) }
}

const run = (save: Effect.Effect<void, ReplyStoreFailed>): RowCalls.Run => ({
  hasStopped: () => false,
  inFlight: InFlight.make(Effect.succeed(1)),
  save: () => save,
  reject: () => Effect.void,
  spend: () => Effect.void,
  lost: () => Effect.void,
  reach: Reach.make(Context.get(Context.empty(), Clock.Clock)),
  unreachable: () => Effect.void,
  minutes: Minutes.make(() => {}),
  clock: Context.get(Context.empty(), Clock.Clock)
})
