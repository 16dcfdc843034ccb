import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Admission from "../../src/claude/Admission.ts"
import { Claude } from "../../src/claude/Claude.ts"
import { ClaudeError, Overloaded } from "../../src/claude/ClaudeError.ts"
import * as Replay from "../../src/claude/Replay.ts"
import type { StreamEvent } from "../../src/claude/StreamEvent.ts"
import { message, request } from "../fixtures.ts"

type Kind = "create" | "stream"
const kinds: ReadonlyArray<Kind> = ["create", "stream"]

it.effect("a stream that ends without message_stop settles with success", () =>
  Effect.gen(function* () {
    const { admitted, outcomes } = admitting({ ...answering(Effect.never), stream: () => Stream.empty })
    yield* run(admitted, "stream")
    assert.deepStrictEqual(
      outcomes.map(({ exit }) => exit),
      [Exit.void]
    )
  })
)

describe.each(kinds)("%s settles once", (kind) => {
  it.effect("with success and the facts of the answer", () =>
    Effect.gen(function* () {
      const { admitted, outcomes } = admitting(answering(Effect.succeed(reply)))
      yield* run(admitted, kind)
      const [{ exit, facts, length, message } = none, ...more] = outcomes
      assert.lengthOf(more, 0)
      assert.isTrue(Exit.isSuccess(exit))
      assert.deepStrictEqual(
        [facts?.requestId, length, message?.usage.input_tokens, message?.usage.output_tokens],
        ["req_1", 17, 10, 20]
      )
    })
  )

  it.effect.each<[string, Exit.Exit<never, ClaudeError>]>([
    ["a failure", Exit.fail(error)],
    ["a defect", Exit.die("bug")]
  ])("with %s of the call", ([, exit]) =>
    Effect.gen(function* () {
      const { admitted, outcomes } = admitting(answering(exit))
      assert.deepStrictEqual(yield* Effect.exit(run(admitted, kind)), exit)
      assert.deepStrictEqual(
        outcomes.map(({ exit }) => exit),
        [exit]
      )
    })
  )

  it.effect("with a defect of the function that builds the call", () =>
    Effect.gen(function* () {
      const broken = () => {
        throw new Error("bug")
      }
      const { admitted, outcomes } = admitting({ ...answering(Effect.never), create: broken, stream: broken })
      yield* Effect.exit(run(admitted, kind))
      assert.deepStrictEqual(
        outcomes.map(({ exit }) => exit),
        [Exit.die(new Error("bug"))]
      )
    })
  )

  it.effect("with an interruption", () =>
    Effect.gen(function* () {
      const { admitted, outcomes } = admitting(answering(Effect.never))
      yield* Effect.timeoutOption(run(admitted, kind), "1 second").pipe(elapsing("1 second"))
      assert.deepStrictEqual(outcomes.map(isInterruption), [true])
    })
  )

  it.effect("before the scope of its admission closes", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const admitted = Admission.admitting(answering(Effect.succeed(reply)), (request) =>
        Effect.as(
          Effect.addFinalizer(() => Effect.sync(() => log.push("closed"))),
          { request, settle: () => Effect.sync(() => log.push("settled")) }
        )
      )
      yield* run(admitted, kind)
      assert.deepStrictEqual(log, ["settled", "closed"])
    })
  )
})

describe.each(kinds)("%s", (kind) => {
  it.effect("waits until it is admitted, and can be interrupted while it waits", () =>
    Effect.gen(function* () {
      let calls = 0
      const gate = Latch.makeUnsafe()
      const log: Array<string> = []
      const next = answering(Effect.suspend(() => Effect.succeed((calls++, reply))))
      const admitted = Admission.admitting(next, (request) =>
        Effect.gen(function* () {
          yield* Effect.addFinalizer(() => Effect.sync(() => log.push("closed")))
          yield* gate.await
          return { request, settle: () => Effect.sync(() => log.push("settled")) }
        })
      )
      yield* Effect.timeoutOption(run(admitted, kind), "1 second").pipe(elapsing("1 second"))
      assert.deepStrictEqual([calls, log], [0, ["closed"]])
      const waiting = yield* Effect.forkChild(run(admitted, kind))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(calls, 0)
      gate.openUnsafe()
      yield* Fiber.join(waiting)
      assert.deepStrictEqual([calls, log], [1, ["closed", "settled", "closed"]])
    })
  )

  it.effect("is not sent if it is refused", () =>
    Effect.gen(function* () {
      const admitted = Admission.admitting(answering(Effect.die("sent")), () => Effect.fail(error))
      assert.deepStrictEqual(yield* Effect.exit(run(admitted, kind)), Exit.fail(error))
    })
  )
})

describe("a stream", () => {
  it.effect("settles with an interruption if its reader stops halfway or fails", () =>
    Effect.gen(function* () {
      const { admitted, outcomes } = admitting(answering(Effect.succeed(reply)))
      const stream = admitted.stream(request)
      yield* Stream.runDrain(Stream.take(stream, 4))
      yield* Effect.exit(Stream.runForEach(stream, () => Effect.fail("mine")))
      yield* Effect.exit(Stream.runForEach(stream, () => Effect.die("mine")))
      assert.deepStrictEqual(outcomes.map(isInterruption), [true, true, true])
      assert.strictEqual(outcomes[0]?.message?.usage.input_tokens, 10)
    })
  )

  it.effect("settles with success if its reader stops after the end", () =>
    Effect.gen(function* () {
      const { admitted, outcomes } = admitting(answering(Effect.succeed(reply)))
      const read = Stream.takeUntil(admitted.stream(request), ({ type }) => type === "message_stop")
      yield* Stream.runDrain(read)
      assert.deepStrictEqual(
        outcomes.map(({ exit }) => exit),
        [Exit.void]
      )
    })
  )

  it.effect("keeps its admission while it is read, and runs `opened` at its first content", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const note = (entry: string) => Effect.sync(() => log.push(entry))
      const admitted = Admission.admitting(answering(Effect.succeed(reply)), (request) =>
        Effect.succeed({ request, opened: () => note("opened"), settle: () => note("settled") })
      )
      yield* Stream.runForEach(admitted.stream(request), ({ type }) => note(type))
      const types = log.filter((entry) => entry !== "content_block_delta")
      assert.deepStrictEqual(types, [
        "stream_start",
        "message_start",
        "opened",
        "content_block_start",
        "content_block_stop",
        "message_delta",
        "message_stop",
        "settled"
      ])
    })
  )

  it.effect("passes its content to `settle` only if `content` is set", () =>
    Effect.gen(function* () {
      const lengths: Array<number | undefined> = []
      for (const content of [false, true]) {
        const admitted = Admission.admitting(answering(Effect.succeed(reply)), (request) =>
          Effect.succeed({
            request,
            content,
            settle: ({ message }) => Effect.sync(() => lengths.push(message?.content.length))
          })
        )
        yield* run(admitted, "stream")
      }
      assert.deepStrictEqual(lengths, [0, 1])
    })
  )
})

// Builders

const error = new ClaudeError({ reason: new Overloaded({ detail: "later" }) })
const reply = { message: message(), requestId: "req_1", origin: "api", rateLimits: undefined } as const
const none: Admission.Outcome = { exit: Exit.void, facts: undefined, message: undefined, length: 0 }

const isInterruption = ({ exit }: Admission.Outcome) => Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)

/** A Claude whose calls all end with this result; each pull of a stream returns one event. */
const answering = (end: Effect.Effect<typeof reply, ClaudeError>) =>
  Claude.of({
    create: () => end,
    stream: (): Stream.Stream<StreamEvent, ClaudeError> =>
      Stream.unwrap(Effect.map(end, (reply) => Stream.rechunk(Replay.toStream(reply), 1))),
    countTokens: () => Effect.succeed(1),
    capacity: Effect.succeed(64)
  })

/** Admits every call at once, and records the outcomes. */
const admitting = (next: Claude["Service"]) => {
  const outcomes: Array<Admission.Outcome> = []
  const admitted = Admission.admitting(next, (request) =>
    Effect.succeed({ request, settle: (outcome) => Effect.sync(() => outcomes.push(outcome)) })
  )
  return { admitted, outcomes }
}

const run = (claude: Claude["Service"], kind: Kind): Effect.Effect<unknown, ClaudeError> =>
  kind === "create" ? claude.create(request) : Stream.runDrain(claude.stream(request))

const elapsing =
  (time: "1 second") =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.gen(function* () {
      const running = yield* Effect.forkChild(effect)
      yield* TestClock.adjust(time)
      return yield* Fiber.join(running)
    })
