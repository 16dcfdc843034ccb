import { assert, describe, it } from "@effect/vitest"
import {
  Batch,
  Claude,
  ClaudeError,
  Concurrency,
  Event,
  Job,
  Journal,
  Progress,
  ResponseCache,
  Retry,
  Step,
  Usage
} from "effect-claude"
import { Emulator, TestClaude } from "effect-claude/testing"
import { BigDecimal, Context, Deferred, Effect, Fiber, FileSystem, Latch, Layer } from "effect"
import { TestClock } from "effect/testing"
import { ReplyStoreFailed } from "../../src/claude/ReplyStore.ts"
import { Drain } from "../../src/pipeline/Drain.ts"
import { calls, greetings, inFolder, names, notYou, overloaded, type Person } from "./jobs.ts"

describe("a failure that would affect every row", () => {
  for (const reason of [
    new ClaudeError.BillingFailed({ detail: "Your credit balance is too low", status: 400 }),
    new ClaudeError.SpendLimitReached({ detail: "You have reached your specified API usage limits." }),
    new ClaudeError.Unauthenticated({ detail: "invalid x-api-key", status: 401 }),
    new ClaudeError.PermissionDenied({ detail: "no permission to use the specified resource", status: 403 }),
    new ClaudeError.NotFound({ detail: "model: claude-sonet-5-5", status: 404 }),
    new ClaudeError.ConnectionFailed({ detail: "connect ECONNREFUSED", code: "ECONNREFUSED" })
  ]) {
    it.effect(`stops the run at once and leaves all rows pending: ${reason._tag}`, () =>
      inFolder((files) =>
        Effect.gen(function* () {
          const summary = yield* files.run(greetings(names(50)), { concurrency: 4 })
          assert.deepInclude(summary, { done: 0, failed: 0, pending: 50, problems: [] })
          assert.include(summary.stopped, { message: reason.message })
          assert.isAtMost((yield* calls).length, 4)
        })
      ).pipe(Effect.provide(TestClaude.layer(reason)))
    )
  }

  it.effect("stops the run before waiting calls are sent", () => {
    const all = meeting(64)
    return inFolder((files) =>
      Effect.gen(function* () {
        assert.deepInclude(yield* files.run(greetings(names(300))), { done: 0, failed: 0, pending: 300 })
        // 128 rows were at work, and 64 of them waited.
        assert.strictEqual((yield* calls).length, 64)
      })
    ).pipe(
      Effect.provide(TestClaude.layer(() => Effect.andThen(all, Effect.fail(badKey))).pipe(Concurrency.policy(64)))
    )
  })

  it.effect("stops the run before calls are retried", () => {
    const both = meeting(2)
    const after = (reason: ClaudeError.Reason) => () => Effect.andThen(both, Effect.fail(reason))
    return inFolder((files) =>
      Effect.gen(function* () {
        // The clock does not advance, so a retry would never start.
        assert.deepInclude(yield* files.run(greetings(names(2))), { failed: 0, pending: 2 })
        assert.lengthOf(yield* calls, 2)
      })
    ).pipe(
      Effect.provide(
        TestClaude.layer(TestClaude.when(/person 0/, after(overloaded)), after(badKey)).pipe(Retry.policy())
      )
    )
  })

  it.effect("is not recorded for a row that is interrupted with its run", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const failed: Array<string> = []
        const begun = yield* Deferred.make<void>()
        const running = yield* files
          .runHere(greetings(["Ada"]), {}, (journal) => ({
            ...journal,
            fail: (key) => Effect.sync(() => void failed.push(key))
          }))
          .pipe(
            Effect.provide([
              files.state,
              TestClaude.layer(() => Effect.andThen(Deferred.succeed(begun, undefined), Effect.never))
            ]),
            Effect.forkChild
          )
        yield* Deferred.await(begun)
        yield* Fiber.interrupt(running)
        assert.lengthOf(failed, 0)
      })
    )
  )

  it.effect("lets calls in flight finish, and abandons a row where it would send another call", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const answered = yield* Deferred.make<void>()
        const refused = yield* Deferred.make<void>()
        let isRefused = true
        const step = Step.make("ask", ({ name }: typeof Person.Type) =>
          Effect.gen(function* () {
            const { text } = yield* Claude.generateText(name)
            if (name !== "answered") return text
            yield* Deferred.succeed(answered, undefined)
            yield* Effect.sleep(isRefused ? "1 minute" : 0)
            return (yield* Claude.generateText("again")).text
          })
        )
        const job = Job.make({ ...greetings(["answered", "in flight", "refused"]), step })
        const claude = TestClaude.layer(
          TestClaude.when(/refused/, () =>
            isRefused ? Effect.andThen(Deferred.await(answered), Effect.fail(badKey)) : "hi"
          ),
          TestClaude.when(/in flight/, () => Effect.as(Deferred.await(refused), "hi")),
          "hi"
        )
        const running = yield* files.run(job).pipe(
          Event.listen((event) =>
            event._tag === "call-failed" ? Effect.asVoid(Deferred.succeed(refused, undefined)) : Effect.void
          ),
          Effect.provide(claude),
          Effect.forkChild
        )
        yield* Deferred.await(refused)
        yield* TestClock.adjust("1 minute")
        assert.deepInclude(yield* Fiber.join(running), { done: 1, failed: 0, pending: 2 })
        isRefused = false
        yield* Effect.gen(function* () {
          assert.deepInclude(yield* files.run(job), { done: 3, pending: 0 })
          // The first answer of the abandoned row was kept.
          assert.deepStrictEqual([...(yield* TestClaude.prompts)].toSorted(), ["again", "refused"])
        }).pipe(Effect.provide(claude))
      })
    )
  )
})

describe("a host without an address", () => {
  it.effect("stops the run after half a minute, although its calls take turns and none is given up yet", () => {
    const noAddress = new ClaudeError.ConnectionFailed({ detail: "no address", code: "ENOTFOUND" })
    const answer = () => Effect.delay(Effect.fail(noAddress), "5 seconds")
    return inFolder((files) =>
      Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(files.run(greetings(names(300)), { concurrency: 64 }))
        // The journal takes real time, so a second may pass before the next call begins.
        while (fiber.pollUnsafe() === undefined) {
          yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
          yield* TestClock.adjust("1 second")
        }
        const summary = yield* Fiber.join(fiber)
        assert.deepInclude(summary, { done: 0, failed: 0, pending: 300 })
        assert.match(String(summary.stopped), /no address \[ENOTFOUND\]/)
        // Four at once for half a minute, of 64 calls.
        assert.isAtMost((yield* calls).length, 4 * 8)
      })
    ).pipe(Effect.provide(TestClaude.layer(answer).pipe(Concurrency.policy(4), Retry.policy())))
  })
})

describe("consecutive rows that fail alike", () => {
  it.effect("stop the run, and all rows stay pending", () => {
    let count = 0
    const noCredit = (requestId: string) => invalid(`Your credit is too low (${requestId}).`)
    const answer = () => (++count <= 20 ? "hi" : noCredit(`req_${count}`))
    return inFolder((files) =>
      Effect.gen(function* () {
        const summary = yield* files.run(greetings(names(300)), { concurrency: 8 })
        assert.deepInclude(summary, { done: 20, failed: 0, pending: 280, problems: [] })
        assert.instanceOf(summary.stopped, Job.JobHopeless)
        assert.match(String(summary.stopped), /16 consecutive rows failed alike: InvalidRequest \(400\): Your credit/)
        assert.isAtMost((yield* calls).length, 20 + 15 + 8)
        // The next run tries them again.
        count = -300
        assert.deepInclude(yield* files.run(greetings(names(300))), { done: 300, pending: 0, stopped: undefined })
      })
    ).pipe(Effect.provide(TestClaude.layer(answer)))
  })

  it.effect("stop the run after at most 15 requests more than permits", () => {
    const all = meeting(64)
    return inFolder((files) =>
      Effect.gen(function* () {
        assert.deepInclude(yield* files.run(greetings(names(300))), { failed: 0, pending: 300 })
        assert.isAtMost((yield* calls).length, 64 + 15)
      })
    ).pipe(
      Effect.provide(TestClaude.layer(() => Effect.andThen(all, Effect.fail(notYou))).pipe(Concurrency.policy(64)))
    )
  })

  it.effect("stop the run for a bug in the step too, before it pays for every row", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const buggy = Step.text("greet", ({ name }: typeof Person.Type) => name).pipe(
          Step.map((text): string => JSON.parse(text))
        )
        const summary = yield* files.run(Job.make({ ...greetings(names(100)), step: buggy }), { concurrency: 4 })
        assert.deepInclude(summary, { done: 0, failed: 0, pending: 100 })
        assert.match(String(summary.stopped), /16 consecutive rows failed alike: .*JSON.*catch this error in the step/)
        assert.isAtMost((yield* calls).length, 15 + 4)
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("do not stop a run that continues a job with rows that always fail, however many", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const first = yield* files.run(greetings(names(400)), { concurrency: 4, limit: 250 })
        assert.deepInclude(first, { done: 225, failed: 25, stopped: "limit" })
        const before = (yield* calls).length
        const none = yield* files.run(greetings(names(400)), { limit: 0 })
        assert.deepInclude(none, { failed: 0, pending: 175, failedBefore: 25 })
        const second = yield* files.run(greetings(names(400)), { concurrency: 4 })
        assert.deepInclude(second, { done: 360, failed: 40, pending: 0, stopped: undefined })
        const asked = (yield* TestClaude.prompts).slice(before).map((prompt) => numberIn(prompt))
        assert.isTrue(asked.slice(0, 140).every((number) => number >= 250))
        assert.isTrue(asked.slice(160).every((number) => number < 250))
        assert.lengthOf(asked, 175)
        // All rows fail again, each once.
        const retry = yield* files.run(greetings(names(400)), { only: "failed" })
        assert.deepInclude(retry, { done: 360, failed: 40, pending: 0, stopped: undefined })
        assert.lengthOf(yield* calls, before + 175 + 40)
      })
    ).pipe(Effect.provide(TestClaude.layer(everyTenthFails)))
  )

  it.effect("stop a run of rows that failed before, if they now fail for another reason", () => {
    let isBroken = false
    return inFolder((files) =>
      Effect.gen(function* () {
        yield* files.run(greetings(names(400)), { concurrency: 4 })
        isBroken = true
        const retry = yield* files.run(greetings(names(400)), { only: "failed", concurrency: 4 })
        assert.deepInclude(retry, { done: 360, failed: 0, pending: 40 })
        assert.instanceOf(retry.stopped, Job.JobHopeless)
      })
    ).pipe(
      Effect.provide(TestClaude.layer((request) => (isBroken ? Effect.fail(overloaded) : everyTenthFails(request))))
    )
  })

  it.effect("do not stop the run if their reasons differ", () => {
    const words = ["too long", "no such tool", "bad image", "empty prompt", "unknown field", "wrong role", "bad order"]
    const answer = (request: Claude.Request) => {
      const number = Number(/person (\d+)/.exec(TestClaude.promptText(request))?.[1])
      return number < 35 ? invalid(words[number % words.length] ?? "") : "hi"
    }
    return inFolder((files) =>
      Effect.gen(function* () {
        const summary = yield* files.run(greetings(names(40)), { concurrency: 1 })
        assert.deepInclude(summary, { done: 5, failed: 35, pending: 0, stopped: undefined })
      })
    ).pipe(Effect.provide(TestClaude.layer(answer)))
  })

  it.effect("do not stop the run if other rows succeed in between", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const summary = yield* files.run(greetings(names(100)), { concurrency: 4 })
        assert.deepInclude(summary, { done: 90, failed: 10, pending: 0, stopped: undefined })
      })
    ).pipe(Effect.provide(TestClaude.layer(TestClaude.when(/person \d?7\./, invalid("prompt is too long")), "hi")))
  )

  it.effect("are counted in the order in which rows finish, even while a result is being stored", () => {
    // Rows 20 to 60 fail within one turn of the loop, in which no row is stored yet.
    let count = 0
    return inFolder((files) =>
      Effect.gen(function* () {
        const summary = yield* files.run(greetings(names(61)), { concurrency: 61 })
        assert.deepInclude(summary, { done: 20, failed: 0, pending: 41 })
        assert.instanceOf(summary.stopped, Job.JobHopeless)
      })
    ).pipe(Effect.provide(TestClaude.layer(() => (++count <= 20 ? "hi" : notYou))))
  })

  it.effect("do not stop a run whose step catches the error", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const step = Step.make("greet", ({ name }: typeof Person.Type) =>
          Effect.map(Claude.generateText(name), ({ text }) => text).pipe(
            Effect.catchTag("ClaudeError", () => Effect.succeed("no answer"))
          )
        )
        const summary = yield* files.run(Job.make({ ...greetings(names(50)), step }))
        assert.deepInclude(summary, { done: 50, failed: 0, stopped: undefined })
      })
    ).pipe(Effect.provide(TestClaude.layer(badKey)))
  )
})

describe("a run that is asked to stop", () => {
  it.effect("takes no more rows, stores the calls in flight, and interrupts rows that only wait", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const drain = Latch.makeUnsafe()
        const begun = meeting(3)
        const answer = yield* Deferred.make<void>()
        const claude = TestClaude.layer(
          TestClaude.when(/person 0/, () => Effect.andThen(begun, Effect.as(Deferred.await(answer), "hi"))),
          TestClaude.when(/person 1/, () => Effect.andThen(begun, Effect.fail(overloaded)))
        ).pipe(Retry.policy())
        const running = yield* files
          .run(greetings(names(9)), { concurrency: 2 })
          .pipe(Effect.provideService(Drain, drain), Effect.provide(claude), Effect.forkChild)
        yield* begun
        yield* Effect.yieldNow
        drain.openUnsafe()
        yield* TestClock.adjust(0)
        yield* Deferred.succeed(answer, undefined)
        const summary = yield* Fiber.join(running)
        assert.deepInclude(summary, { done: 1, failed: 0, pending: 8, stopped: "signal" })
      })
    )
  )

  it.effect("takes no result from a step that catches everything and cannot be interrupted", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const drain = Latch.makeUnsafe()
        const ask = (prompt: string) => Effect.map(Claude.generateText(prompt), ({ text }) => text)
        const catching = (otherwise: Effect.Effect<string, string>) =>
          Step.make("greet", ({ name }: typeof Person.Type) =>
            Effect.andThen(ask(name), ask("again")).pipe(
              Effect.catchCause(() => otherwise),
              Effect.uninterruptible
            )
          )
        for (const otherwise of [Effect.succeed("no answer"), Effect.fail("no answer")]) {
          const job = Job.make({ ...greetings(["Ann"]), step: catching(otherwise) })
          const summary = yield* files.run(job).pipe(
            Event.listen(({ _tag }) =>
              _tag === "call-sent" ? Effect.andThen(drain.open, Effect.yieldNow) : Effect.void
            ),
            Effect.provideService(Drain, drain)
          )
          assert.deepInclude(summary, { done: 0, failed: 0, pending: 1, stopped: "signal" })
        }
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("still counts the rows that failed before", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const drain = Latch.makeUnsafe()
        const stopping = Effect.as(Effect.andThen(drain.open, Effect.yieldNow), overloaded)
        const claude = TestClaude.layer(
          TestClaude.when(/person 0/, notYou),
          TestClaude.when(/person 1/, () => stopping)
        ).pipe(Retry.policy())
        const summary = yield* files
          .run(greetings(names(9)), { concurrency: 1 })
          .pipe(Effect.provideService(Drain, drain), Effect.provide(claude))
        assert.deepInclude(summary, { done: 0, failed: 1, pending: 8, stopped: "signal" })
      })
    )
  )
})

describe("a store of replies that fails", () => {
  const full = new Journal.JournalFailed({ detail: "disk full" })
  const catching = Step.make("greet", ({ name }: typeof Person.Type) =>
    Effect.catchCause(
      Effect.map(Claude.generateText(name), ({ text }) => text),
      () => Effect.succeed("no answer")
    )
  )
  it.effect("stops the run, and the row neither fails nor ends, whatever its step does with the failure", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const job = Job.make({ ...greetings(names(20)), step: catching })
        const failing = (journal: Journal.Journal["Service"]) => ({
          ...journal,
          replies: { ...journal.replies, save: () => Effect.fail(new ReplyStoreFailed({ detail: full.message })) }
        })
        const summary = yield* files.runHere(job, { concurrency: 4 }, failing)
        assert.deepInclude(summary, { done: 0, failed: 0, pending: 20 })
        assert.instanceOf(summary.stopped, Job.JobBroken)
        assert.match(summary.stopped.message, /disk full/)
        assert.isAtMost((yield* calls).length, 4)
      }).pipe(Effect.provide(files.state))
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("is the reason of a stop that came for another one", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const drain = Latch.makeUnsafe()
        const failing = (journal: Journal.Journal["Service"]) => ({
          ...journal,
          replies: {
            ...journal.replies,
            save: () =>
              drain.open.pipe(
                Effect.andThen(Effect.repeat(Effect.yieldNow, { times: 9 })),
                Effect.andThen(Effect.fail(new ReplyStoreFailed({ detail: full.message })))
              )
          }
        })
        const summary = yield* files
          .runHere(greetings(names(3)), { concurrency: 1 }, failing)
          .pipe(Effect.provideService(Drain, drain))
        assert.deepInclude(summary, { done: 0, failed: 0, pending: 3 })
        assert.instanceOf(summary.stopped, Job.JobBroken)
      }).pipe(Effect.provide(files.state))
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )
})

describe("a failed row", () => {
  const step = Step.make("ask twice", ({ name }: typeof Person.Type) =>
    Effect.gen(function* () {
      const { text } = yield* Claude.generateText(`first ${name}`)
      yield* Claude.generateText(`second ${name}`)
      return text
    })
  )
  const refused = { content: [], stop_reason: "refusal" as const, usage: { input_tokens: 100, output_tokens: 10 } }
  const usage = { ...Usage.zero, input: 1_000_000 }

  it.effect("is listed in a file with its attempts, its replies and their cost, until no row fails", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const job = Job.make({ ...greetings(["Ann", "Bob"]), step })
        const { cost, failuresFile } = yield* files.run(job)
        assert.strictEqual(failuresFile, files.path("out.failures.jsonl"))
        const lines = yield* FileSystem.FileSystem.use((fs) => fs.readFileString(files.path("out.failures.jsonl")))
        assert.deepStrictEqual(JSON.parse(lines), {
          key: "Bob",
          error: "StreamInterrupted",
          message: "StreamInterrupted: cut; send the request again",
          attempts: 2,
          calls: 1,
          // The first reply, and the second, which was billed and lost.
          cost: "2.000016"
        })
        assert.deepInclude(cost, { run: cost.all })
        assert.strictEqual(BigDecimal.format(cost.run.cost), "2.000048")
        assert.deepInclude(yield* files.run(job), { done: 2, failuresFile: undefined })
        assert.notInclude(yield* files.names, "out.failures.jsonl")
      })
    ).pipe(
      Effect.provide(
        TestClaude.layer(
          TestClaude.when(/second Bob/, [new ClaudeError.StreamInterrupted({ detail: "cut", usage }), "hi"]),
          "hi"
        )
      )
    )
  )

  it.effect("is tried again without the replies that were rejected, and pays only for these", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const job = Job.make({ ...greetings(["Ann"]), step })
        const failure = Effect.map(
          FileSystem.FileSystem.use((fs) => fs.readFileString(files.path("out.failures.jsonl"))),
          (line) => JSON.parse(line)
        )
        assert.deepInclude(yield* files.run(job), { failed: 1 })
        assert.deepInclude(yield* failure, { attempts: 2, calls: 2, cost: "0.000316" })
        assert.deepInclude(yield* files.run(job), { failed: 1 })
        // The first reply was paid for in the run before, and the second one twice.
        assert.deepInclude(yield* failure, { attempts: 1, calls: 3, cost: "0.000616" })
        assert.deepInclude(yield* files.run(job, { only: "failed" }), { done: 1 })
        assert.deepStrictEqual(yield* TestClaude.prompts, ["first Ann", "second Ann", "second Ann", "second Ann"])
      })
    ).pipe(Effect.provide(TestClaude.layer(TestClaude.when(/second/, [refused, refused, "hi"]), "hi")))
  )
})

describe("the services of a job's layer", () => {
  class Tagger extends Context.Service<Tagger, { readonly tag: (text: string) => Effect.Effect<string> }>()("Tagger") {}

  it.effect("call a durable Claude, too, and so does a step below policies of the job's own", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const tagger = Layer.effect(
          Tagger,
          Claude.Claude.useSync((claude) => ({
            tag: (text) =>
              Claude.generateText(`tag ${text}`).pipe(
                Effect.provideService(Claude.Claude, claude),
                Effect.map((reply) => reply.text),
                Effect.orDie
              )
          }))
        )
        const step = Step.make("greet", ({ name }: typeof Person.Type) =>
          Effect.gen(function* () {
            const { text } = yield* Claude.generateText(name)
            yield* Tagger.use(({ tag }) => tag(text))
            return yield* Effect.die("not yet")
          })
        )
        const job = Job.make({
          ...greetings(["Ann"]),
          step,
          layer: Layer.merge(tagger, Job.claude.pipe(Retry.policy()))
        })
        yield* files.run(job)
        yield* files.run(job)
        assert.deepStrictEqual(yield* TestClaude.prompts, ["Ann", "tag hi"])
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )

  it.effect("may have a Claude of their own, whose calls are durable", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        const asked: Array<string> = []
        const own = TestClaude.layer((request) => {
          asked.push(TestClaude.promptText(request))
          return "hi"
        })
        const step = Step.make("greet", ({ name }: typeof Person.Type) =>
          Effect.andThen(Claude.generateText(name), Effect.die("not yet"))
        )
        const job = Job.make({ ...greetings(["Ann"]), step, layer: own })
        yield* files.run(job)
        yield* files.run(job)
        assert.deepStrictEqual(asked, ["Ann"])
      })
    ).pipe(Effect.provide(TestClaude.layer("unused")))
  )
})

describe("a row whose step calls Batch", () => {
  it.effect("counts as one row", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        let progress = Progress.empty
        const step = Step.make("greet", ({ name }: typeof Person.Type) =>
          Effect.as(
            Batch.map([1, 2, 3, 4], (item) => Claude.generateText(`${name} ${item}`)),
            "hi"
          )
        )
        yield* files
          .run(Job.make({ ...greetings(["Ann", "Bob"]), step }))
          .pipe(Event.listen((event) => Effect.sync(() => (progress = Progress.update(progress, event)))))
        assert.deepInclude(progress, { total: 2, succeeded: 2, failed: 0, calls: 8 })
      })
    ).pipe(Effect.provide(TestClaude.layer("hi")))
  )
})

describe("an emulator that answers in place of Claude", () => {
  const cached = Emulator.layer().pipe(
    ResponseCache.policy({ storeId: "emulated" }),
    Layer.provide(ResponseCache.layerMemory())
  )

  it.effect("is named in the summary, and reserves the state for emulators, even with cached answers", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        assert.deepInclude(yield* files.run(greetings(names(3))), { done: 3, emulated: true })
        yield* FileSystem.FileSystem.use((fs) => fs.remove(files.path("state.sqlite")))
        const other = { output: files.path("other.jsonl") }
        assert.deepInclude(yield* files.run(greetings(names(3)), other), { done: 3, emulated: true })
        const claude = files.run(greetings(names(4)), other).pipe(Effect.provide(TestClaude.layer("hi")))
        const { done, pending, stopped } = yield* claude
        assert.deepStrictEqual([done, pending], [3, 1])
        assert.instanceOf(stopped, Job.JobBroken)
        assert.match(stopped.message, /state\.sqlite is for the emulator's answers, not Claude's/)
        assert.lengthOf(yield* Emulator.Emulator.use(({ ledger }) => ledger), 3)
      })
    ).pipe(Effect.provide(cached))
  )
})

// Builders

const badKey = new ClaudeError.Unauthenticated({ detail: "invalid x-api-key" })
const numberIn = (text: string) => Number(/person (\d+)/.exec(text)?.[1])

/** The same rows fail in every run. */
const everyTenthFails = (request: Claude.Request) =>
  numberIn(TestClaude.promptText(request)) % 10 === 9 ? invalid("too long") : "hi"

const invalid = (detail: string) => new ClaudeError.InvalidRequest({ detail, status: 400 })

/** Waits until this many fibers wait for it. */
const meeting = (size: number) => {
  const gate = Deferred.makeUnsafe<void>()
  let arrived = 0
  return Effect.suspend(() => (++arrived === size ? Deferred.succeed(gate, undefined) : Deferred.await(gate)))
}
