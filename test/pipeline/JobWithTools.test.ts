/**
 * A job whose rows run tools: two turns with three calls in each row, then an answer. Handlers are counted.
 */
import { assert, describe, it } from "@effect/vitest"
import { Claude, Event, Job, Step, Tools } from "effect-claude"
import { Emulator } from "effect-claude/testing"
import { Deferred, Effect, Fiber, FileSystem, Layer, Schema, Stream } from "effect"
import { Tool, Toolkit } from "effect/ai"
import { TestClock } from "effect/testing"
import { lookups } from "./lookups.ts"
import { inFolder, names, people, type Person } from "./jobs.ts"

describe("a job with tools", () => {
  it.effect("runs each handler once, and none again to check or to repeat the finished rows", () =>
    inFolder(({ runHere, state }) =>
      Effect.gen(function* () {
        const { handled, job } = counting(20)
        assert.deepInclude(yield* inTime(runHere(job)), { done: 20, failed: 0, pending: 0 })
        assert.lengthOf(handled, 60)
        assert.lengthOf(yield* billed, 60)
        assert.deepInclude(yield* inTime(runHere(job)), { done: 20, failed: 0, pending: 0 })
        assert.lengthOf(handled, 60)
        assert.lengthOf(yield* billed, 60)
      }).pipe(Effect.provide(Layer.merge(emulator(), state)))
    )
  )

  it.effect("continues after a stop at any moment without running a finished handler again", () =>
    inFolder(({ output, runHere, state }) =>
      Effect.gen(function* () {
        const { handled, job } = counting(30)
        for (const seconds of [1, 2, 3, 1, 5, 2, 4, 1, 3]) {
          const run = yield* Effect.forkChild(runHere(job, { concurrency: 4 }))
          yield* pass(seconds)
          yield* Fiber.interrupt(run)
        }
        const interrupted = handled.length
        assert.isAbove(interrupted, 10)
        assert.isBelow(interrupted, 90)
        assert.deepInclude(yield* inTime(runHere(job)), { done: 30, failed: 0, pending: 0 })
        assert.lengthOf(handled, 90)
        assert.lengthOf(new Set(handled), 90)
        const answers = new Set(yield* linesOf(output))
        assert.lengthOf(answers, 30)
        assert.lengthOf(new Set((yield* billed).map(({ requestHash }) => requestHash)), 90)
      }).pipe(Effect.provide(Layer.merge(emulator("1 second"), state)))
    )
  )

  it.effect("continues a stream of turns without running a finished handler again", () =>
    inFolder(({ runHere, state }) =>
      Effect.gen(function* () {
        const { handled, streaming } = counting(10)
        for (const seconds of [1, 2, 1, 3]) {
          const run = yield* Effect.forkChild(runHere(streaming, { concurrency: 4 }))
          yield* pass(seconds)
          yield* Fiber.interrupt(run)
        }
        assert.deepInclude(yield* inTime(runHere(streaming)), { done: 10, failed: 0, pending: 0 })
        assert.lengthOf(handled, 30)
        assert.lengthOf(new Set(handled), 30)
      }).pipe(Effect.provide(Layer.merge(emulator("1 second"), state)))
    )
  )

  it.effect("runs the handlers of tools that are marked again in every run of an unfinished row", () =>
    inFolder(({ runHere, state }) =>
      Effect.gen(function* () {
        const { handled, job } = counting(1, (tool) => tool.annotate(Tools.Replay, "again"))
        const run = yield* Effect.forkChild(runHere(job))
        while (handled.length < 2) yield* second
        yield* Fiber.interrupt(run)
        const before = handled.length
        assert.deepInclude(yield* inTime(runHere(job)), { done: 1 })
        assert.lengthOf(handled, before + 3)
        assert.lengthOf(new Set(handled), 3)
        assert.isAtMost((yield* billed).length, 4)
      }).pipe(Effect.provide(Layer.merge(emulator("10 seconds"), state)))
    )
  )

  it.effect("finds no change in a finished row that was asked again after a handler had failed", () =>
    inFolder(({ runHere, state }) =>
      Effect.gen(function* () {
        let isBroken = true
        const failing = Toolkit.make(
          Tool.make("lookup", { parameters: Lookup.parametersSchema, success: Schema.String, failure: Schema.String })
        )
        const lookup = () =>
          Effect.suspend(() => {
            if (!isBroken) return Effect.succeed("known")
            isBroken = false
            return Effect.fail("broken")
          })
        const job = Job.make({
          name: "people",
          source: people(names(1)),
          key: ({ name }) => name,
          step: Step.make("ask", ({ name }: typeof Person.Type) =>
            Claude.generateWithTools(failing, `Who is ${name}?`).pipe(
              Effect.map(({ text }) => text),
              Effect.retry({ times: 1 })
            )
          ),
          output: Schema.String,
          sink: "unused.jsonl",
          layer: failing.toLayer({ lookup })
        })
        assert.deepInclude(yield* inTime(runHere(job)), { done: 1 })
        assert.deepInclude(yield* inTime(runHere(job)), { done: 1 })
        assert.lengthOf(yield* billed, 3)
      }).pipe(Effect.provide(Layer.merge(Emulator.layer({ replies: [unique()] }), state)))
    )
  )

  it.effect("sends one batch for each turn of all rows, and pays half", () =>
    inFolder(({ runHere, state }) =>
      Effect.gen(function* () {
        const batches: Array<number> = []
        const listen = Event.listen((event) =>
          Effect.sync(() => {
            if (event._tag === "batch-sent") batches.push(event.requests)
          })
        )
        const { handled, job } = counting(50)
        assert.deepInclude(yield* listen(inTime(runHere(job), minute)), { done: 50, failed: 0 })
        assert.deepStrictEqual(batches, [50, 50, 50])
        assert.lengthOf(handled, 150)
      }).pipe(Effect.provide(Layer.merge(Claude.stack({ batches: { delay: "1 day" } })(emulator()), state)))
    )
  )

  it.effect("sends the batch of the other rows while a row waits for approval", () =>
    inFolder(({ runHere, state }) =>
      Effect.gen(function* () {
        const asked = yield* Deferred.make<void>()
        const decided = yield* Deferred.make<void>()
        const { approving } = counting(3, (tool) => tool.setNeedsApproval(({ name }) => name === "person 0 1"))
        const waiting = approving(() =>
          Effect.as(Effect.andThen(Deferred.succeed(asked, undefined), Deferred.await(decided)), true)
        )
        const run = yield* Effect.forkChild(runHere(waiting))
        yield* inTime(Deferred.await(asked), minute)
        // Without the approval, the batch would wait for a day.
        for (let minutes = 0; minutes < 60 && (yield* billed).length < 7; minutes++) yield* minute
        assert.isAtLeast((yield* billed).length, 7)
        assert.isUndefined(run.pollUnsafe())
        yield* Deferred.succeed(decided, undefined)
        assert.deepInclude(yield* inTime(Fiber.join(run), minute), { done: 3, failed: 0 })
      }).pipe(Effect.provide(Layer.merge(Claude.stack({ batches: { delay: "1 day" } })(emulator()), state)))
    )
  )

  it.effect("stops while a row waits for approval, and asks again when it resumes", () =>
    inFolder(({ runHere, state }) =>
      Effect.gen(function* () {
        const asked = yield* Deferred.make<void>()
        const { approving, handled, job } = counting(1, (tool) => tool.setNeedsApproval(true))
        const waiting = approving(() => Effect.andThen(Deferred.succeed(asked, undefined), Effect.never))
        const run = yield* Effect.forkChild(runHere(waiting))
        yield* inTime(Deferred.await(asked))
        yield* Fiber.interrupt(run)
        assert.lengthOf(handled, 0)
        assert.deepInclude(yield* inTime(runHere(job)), { done: 1 })
        assert.lengthOf(handled, 3)
        assert.lengthOf(yield* billed, 3)
      }).pipe(Effect.provide(Layer.merge(emulator(), state)))
    )
  )
})

// Builders

const Lookup = Tool.make("lookup", { parameters: Schema.Struct({ name: Schema.String }), success: Schema.String })

type Lookup = typeof Lookup

/** A job whose handlers note their calls. */
const counting = (count: number, change: (tool: Lookup) => Lookup = (tool) => tool) => {
  const handled: Array<string> = []
  const toolkit = Toolkit.make(change(Lookup))
  const handlers = toolkit.toLayer({
    lookup: ({ name }) =>
      Effect.sync(() => {
        handled.push(name)
        return `${name} is known`
      })
  })
  type Needs = Claude.Claude | Tool.Handler<"lookup">
  const asking = <E>(ask: (question: string) => Effect.Effect<string, E, Needs>) =>
    Job.make({
      name: "people",
      source: people(names(count)),
      key: ({ name }) => name,
      step: Step.make("ask", ({ name }: typeof Person.Type) => ask(`Who is ${name}?`)),
      output: Schema.String,
      sink: "unused.jsonl",
      layer: handlers
    })
  const approving = (approve: () => Effect.Effect<boolean>) =>
    asking((question) => Effect.map(Claude.generateWithTools(toolkit, question, { approve }), ({ text }) => text))
  const streaming = asking((question) =>
    Claude.streamWithTools(toolkit, question).pipe(
      Stream.runFold(
        () => "",
        (text, element) => (element._tag === "text" ? text + element.text : text)
      )
    )
  )
  return { handled, approving, streaming, job: approving(() => Effect.succeed(true)) }
}

const emulator = (latency?: "1 second" | "10 seconds") =>
  Emulator.layer({
    batchProcessing: "5 minutes",
    ...(latency !== undefined && { latency }),
    replies: [lookups]
  })

/** Calls `lookup` once, with another id in each answer, as the API does. */
const unique = (): Emulator.Rule => {
  let count = 0
  return {
    when: /^Who is /,
    reply: ({ messages }) => ({
      content: [
        messages.length > 1
          ? { type: "text", text: "Known." }
          : { type: "tool_use", id: `toolu_${++count}`, name: "lookup", input: { name: "Ada" } }
      ]
    })
  }
}

const billed = Effect.flatMap(Emulator.Emulator, ({ ledger }) => ledger)

const linesOf = (path: string) =>
  Effect.map(
    Effect.flatMap(FileSystem.FileSystem, (fs) => fs.readFileString(path)),
    (text) => text.trimEnd().split("\n")
  )

/** Lets the fibers and promises run, and then time pass. */
const tick = (duration: "1 second" | "1 minute") =>
  Effect.andThen(Effect.repeat(Effect.yieldNow, { times: 100 }), TestClock.adjust(duration))
const second = tick("1 second")
const minute = tick("1 minute")

const pass = (seconds: number) => Effect.repeat(second, { times: seconds - 1 })

const inTime = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>, step = second) {
  const fiber = yield* Effect.forkChild(effect)
  while (fiber.pollUnsafe() === undefined) yield* step
  return yield* Fiber.join(fiber)
})
