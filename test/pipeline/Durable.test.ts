import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { create, countTokens } from "../../src/call/message.ts"
import { generateObject } from "../../src/call/object.ts"
import { generateText, streamText } from "../../src/call/text.ts"
import * as CallSite from "../../src/claude/CallSite.ts"
import { Claude, wrap } from "../../src/claude/Claude.ts"
import { ClaudeError, Overloaded } from "../../src/claude/ClaudeError.ts"
import * as Event from "../../src/claude/Event.ts"
import { discard } from "../../src/claude/Reply.ts"
import { CurrentCall, ReplyStore } from "../../src/claude/ReplyStore.ts"
import * as Durable from "../../src/pipeline/Durable.ts"
import * as TestClaude from "../../src/testing/TestClaude.ts"
import { makeDisk, makeLife, storeOf } from "../policy/messageBatches/processes.ts"
import { asRow, makeStore, type Store } from "./rows.ts"

type Kind = "create" | "stream"
const kinds: ReadonlyArray<Kind> = ["create", "stream"]

describe.each(kinds)("%s", (kind) => {
  it.effect("stores the reply, and the next run replays it at no cost and without an attempt", () => {
    const store = makeStore()
    const run = asRow(store)(textOf(kind, "Hi"))
    return Effect.gen(function* () {
      assert.strictEqual(yield* run, "one")
      const events: Array<Event.Event> = []
      const listener: Event.Listener = (event) => Effect.sync(() => void events.push(event))
      assert.strictEqual(yield* Event.listen(listener)(run), "one")
      assert.lengthOf(yield* TestClaude.calls, 1)
      assert.deepStrictEqual(
        events.map((event) => [event._tag, "reply" in event && event.reply.origin]),
        [["call-hit", "journal"]]
      )
    }).pipe(Effect.provide(TestClaude.layer(["one"])))
  })

  it.effect("reports that a call begins and ends, whether it is answered, fails or is interrupted", () => {
    const run = asRow(makeStore())
    const tags: Array<Event.Event["_tag"]> = []
    const listener: Event.Listener = ({ _tag }) => Effect.sync(() => void tags.push(_tag))
    return Effect.gen(function* () {
      yield* run(textOf(kind, "answered"))
      yield* Effect.exit(run(textOf(kind, "fails")))
      yield* Effect.timeoutOption(run(textOf(kind, "hangs")), 0)
      const ends = ["call-finished", "call-failed", "call-interrupted"] as const
      assert.deepStrictEqual(
        tags.filter((tag) => tag !== "call-first-token"),
        ends.flatMap((end) => ["call-begun", "call-sent", end, "call-ended"] as const)
      )
    }).pipe(
      Event.listen(listener),
      Effect.provide(
        TestClaude.layer((request) => {
          if (TestClaude.promptText(request) === "answered") return Effect.succeed("one")
          return TestClaude.promptText(request) === "hangs"
            ? Effect.never
            : new ClaudeError({ reason: new Overloaded({ detail: "busy" }) })
        })
      )
    )
  })

  it.effect("gives identical calls a reply each, in the same order in every run", () => {
    const store = makeStore()
    const run = asRow(store)(Effect.all([textOf(kind, "Hi"), textOf(kind, "Hi")]))
    return Effect.gen(function* () {
      assert.deepStrictEqual(yield* run, ["one", "two"])
      assert.deepStrictEqual(yield* run, ["one", "two"])
    }).pipe(Effect.provide(TestClaude.layer(["one", "two"])))
  })

  it.effect("pays in the next run for a reply that the kill lost, and only for that", () => {
    const store = makeStore()
    const run = asRow(store)(Effect.all([textOf(kind, "a"), textOf(kind, "b")], { concurrency: 2 }))
    let hangs = true
    return Effect.gen(function* () {
      yield* Effect.timeoutOption(run, 0)
      hangs = false
      assert.deepStrictEqual(yield* run, ["to a", "to b"])
      assert.deepStrictEqual(yield* TestClaude.prompts, ["a", "b", "b"])
    }).pipe(
      Effect.provide(
        TestClaude.layer(
          TestClaude.when(/a/, "to a"),
          TestClaude.when(/b/, () => (hangs ? Effect.never : "to b"))
        )
      )
    )
  })

  it.effect("stores a reply that arrives although a listener interrupts its call at this moment", () => {
    const store = makeStore()
    const run = asRow(store)(textOf(kind, "Hi"))
    return Effect.gen(function* () {
      const arrived = yield* Deferred.make<void>()
      const running = yield* run.pipe(
        Event.listen((event) =>
          event._tag === "call-finished" ? Effect.asVoid(Deferred.succeed(arrived, undefined)) : Effect.void
        ),
        Effect.forkChild
      )
      yield* Deferred.await(arrived)
      yield* Fiber.interrupt(running)
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(running)))
      assert.strictEqual(yield* run, "one")
    }).pipe(Effect.provide(TestClaude.layer(["one"])))
  })

  it.effect("stores no reply that a policy below has replaced by another attempt", () => {
    const store = makeStore()
    const run = asRow(store)(textOf(kind, "Hi"))
    const again = wrap((next) =>
      Effect.succeed({
        ...next,
        create: (request) => Effect.andThen(next.create(request), next.create(request)),
        stream: (request) => Stream.unwrap(Effect.as(Stream.runDrain(next.stream(request)), next.stream(request)))
      })
    )
    let answered = 0
    return Effect.gen(function* () {
      const running = yield* Effect.forkChild(run)
      yield* Effect.repeat(Effect.yieldNow, { until: () => answered === 2 })
      yield* Fiber.interrupt(running)
      assert.deepStrictEqual(occurrences(store), [])
    }).pipe(Effect.provide(TestClaude.layer(() => (answered++ === 0 ? "one" : Effect.never)).pipe(again)))
  })

  it.effect("gives the number of a failed call to the call that repeats it", () => {
    const store = makeStore()
    const run = asRow(store)(Effect.retry(textOf(kind, "Hi"), { times: 1 }))
    return Effect.gen(function* () {
      yield* run
      assert.deepStrictEqual(occurrences(store), [0])
      assert.strictEqual(yield* run, "one")
    }).pipe(Effect.provide(TestClaude.layer([new Overloaded({ detail: "busy" }), "one"])))
  })

  it.effect("does not store or replay calls outside of a row", () => {
    const call = Claude.use((claude) => Effect.provideService(textOf(kind, "Hi"), Claude, Durable.wrap(claude)))
    return Effect.gen(function* () {
      assert.deepStrictEqual([yield* call, yield* call], ["one", "two"])
    }).pipe(Effect.provide(TestClaude.layer(["one", "two"])))
  })

  it.effect("sends nothing once the run has stopped, and still replays", () => {
    const store = makeStore()
    const stopped = asRow(store, { isStopped: true })
    return Effect.gen(function* () {
      yield* asRow(store)(textOf(kind, "a"))
      assert.strictEqual(yield* stopped(textOf(kind, "a")), "one")
      const waiting = yield* Effect.forkChild(stopped(textOf(kind, "b")))
      yield* Fiber.interrupt(waiting)
      assert.lengthOf(yield* TestClaude.calls, 1)
    }).pipe(Effect.provide(TestClaude.layer(["one"])))
  })

  it.effect("is stored once where the wrapper is applied twice, and the policies below know the call", () => {
    const store = makeStore()
    const keys: Array<typeof CurrentCall.Service> = []
    const noting = (next: Claude["Service"]): Claude["Service"] => ({
      ...next,
      create: (request) => Effect.andThen(CurrentCall, (key) => (keys.push(key), next.create(request))),
      stream: (request) => Stream.unwrap(Effect.map(CurrentCall, (key) => (keys.push(key), next.stream(request))))
    })
    const twice = Claude.use((claude) =>
      Effect.provideService(textOf(kind, "Hi"), Claude, Durable.wrap(noting(claude)))
    )
    return Effect.gen(function* () {
      yield* CallSite.within("greet")(asRow(store)(CallSite.within("politely")(twice)))
      assert.deepStrictEqual(
        keys.map((key) => [key?.row, key?.path, key?.occurrence]),
        [["row", "greet/politely", 0]]
      )
      assert.deepStrictEqual(occurrences(store), [0])
    }).pipe(Effect.provide(TestClaude.layer(["one"])))
  })
})

describe("a rejected reply", () => {
  const Answer = Schema.Struct({ name: Schema.String })
  const valid = '{"name":"Ann"}'
  const ask = Effect.map(generateObject(Answer, "Who?", { reask: 0 }), ({ value }) => value.name)

  it.effect("is replayed for a row that was killed, so that the program takes the same path", () => {
    const store = makeStore()
    const step = Effect.retry(ask, { times: 1 })
    return Effect.gen(function* () {
      assert.strictEqual(yield* asRow(store)(step), "Ann")
      assert.strictEqual(yield* asRow(store)(step), "Ann")
      assert.deepStrictEqual(
        Array.from(store.replies.values(), ({ isRejected }) => isRejected),
        [true, false]
      )
    }).pipe(Effect.provide(TestClaude.layer(["no JSON", valid])))
  })

  it.effect("is replayed with the answer that was asked for after it, so that nothing is paid again", () => {
    const store = makeStore()
    const step = Effect.map(generateObject(Answer, "Who?"), ({ value }) => value.name)
    return Effect.gen(function* () {
      assert.strictEqual(yield* asRow(store)(step), "Ann")
      assert.strictEqual(yield* asRow(store)(step), "Ann")
      assert.deepStrictEqual(
        Array.from(store.replies.values(), ({ isRejected }) => isRejected),
        [false, false]
      )
    }).pipe(Effect.provide(TestClaude.layer(["no JSON", valid])))
  })

  it.effect("is not replayed for a row that failed, so that Claude is asked again for just this one", () => {
    const store = makeStore()
    const step = Effect.zipWith(
      Effect.map(generateText("Hi"), ({ text }) => text),
      ask,
      (greeting, name) => `${greeting} ${name}`
    )
    return Effect.gen(function* () {
      yield* Effect.flip(asRow(store)(step))
      assert.strictEqual(yield* asRow(store, { hasFailed: true })(step), "hello Ann")
      // Killed and started again, it pays nothing.
      assert.strictEqual(yield* asRow(store, { hasFailed: true })(step), "hello Ann")
    }).pipe(Effect.provide(TestClaude.layer(["hello", "no JSON", valid])))
  })

  it.effect("is also discarded by the cache below", () => {
    const store = makeStore()
    const discarded: Array<string> = []
    const cached = Claude.use((claude) =>
      Effect.gen(function* () {
        const reply = yield* asRow(store)(create("Hi"))
        yield* discard(reply)
        assert.deepStrictEqual(discarded, ["cache"])
      }).pipe(
        Effect.provideService(Claude, {
          ...claude,
          create: (request) =>
            Effect.map(claude.create(request), (reply) => ({
              ...reply,
              discard: () => Effect.sync(() => void discarded.push("cache"))
            }))
        })
      )
    )
    return Effect.provide(cached, TestClaude.layer(["one"]))
  })
})

describe("a stream", () => {
  it.effect("is stored before its end is passed on", () => {
    const store = makeStore()
    return Effect.gen(function* () {
      const claude = yield* Claude
      const stored: Array<number> = []
      yield* Stream.runForEach(claude.stream({ model: "m", max_tokens: 1, messages: [] }), ({ type }) =>
        Effect.sync(() => {
          if (type === "message_stop") stored.push(store.replies.size)
        })
      )
      assert.deepStrictEqual(stored, [1])
    }).pipe(asRow(store), Effect.provide(TestClaude.layer(["one"])))
  })

  it.effect("gives its number back if its reader leaves early", () => {
    const store = makeStore()
    return Effect.gen(function* () {
      yield* Stream.runDrain(Stream.take(streamText("Hi"), 1))
      assert.strictEqual(yield* textOf("stream", "Hi"), "two words")
      assert.deepStrictEqual(occurrences(store), [0])
    }).pipe(asRow(store), Effect.provide(TestClaude.layer(Stream.rechunk(Stream.make("two", " words"), 1))))
  })

  it.effect("shares its stored reply with `create`", () => {
    const store = makeStore()
    return Effect.gen(function* () {
      yield* asRow(store)(textOf("stream", "Hi"))
      assert.strictEqual(yield* asRow(store)(textOf("create", "Hi")), "one")
    }).pipe(Effect.provide(TestClaude.layer(["one"])))
  })
})

describe("the reply of a batch", () => {
  const replyOfBatch = (store: Store) =>
    Claude.use((claude) =>
      Effect.provideService(asRow(store)(create("Hi")), Claude, {
        ...claude,
        create: (request) => Effect.map(claude.create(request), (reply) => ({ ...reply, origin: "batch" as const }))
      })
    ).pipe(Effect.provide(TestClaude.layer(["one"])))

  it.effect("is left to the policy that has stored it", () => {
    const store = makeStore()
    return replyOfBatch(store).pipe(
      Effect.provideService(ReplyStore, storeOf(makeDisk(), makeLife())),
      Effect.map(() => assert.strictEqual(store.replies.size, 0))
    )
  })

  it.effect("is stored where there is no store for batches", () => {
    const store = makeStore()
    return Effect.map(replyOfBatch(store), () => assert.strictEqual(store.replies.size, 1))
  })
})

describe("countTokens", () => {
  it.effect("is asked once, has numbers apart from those of messages, and is no hit", () => {
    const store = makeStore()
    const events: Array<string> = []
    let counted = 0
    const counting = Claude.use((claude) =>
      asRow(store)(Effect.all([countTokens("Hi"), create("Hi")])).pipe(
        Event.listen((event) => Effect.sync(() => void events.push(event._tag))),
        Effect.provideService(Claude, {
          ...claude,
          countTokens: () => Effect.sync(() => ++counted + 41)
        })
      )
    )
    return Effect.gen(function* () {
      assert.strictEqual((yield* counting)[0], 42)
      assert.strictEqual((yield* counting)[0], 42)
      assert.deepStrictEqual(events, ["call-begun", "call-sent", "call-finished", "call-ended", "call-hit"])
      assert.strictEqual(yield* asRow(store)(textOf("create", "Hi")), "one")
    }).pipe(Effect.provide(TestClaude.layer(["one"])))
  })
})

describe("any program", () => {
  const Op = Schema.Struct({
    kind: Schema.Literals(["create", "stream", "count", "twice", "reask", "leave"]),
    prompt: Schema.Literals(["a", "b", "c"]),
    failures: Schema.Literals([0, 0, 1, 2])
  })
  const Program = Schema.Array(Schema.Array(Op).check(Schema.isMaxLength(4))).check(Schema.isMaxLength(4))
  const Kills = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 60 }))).check(
    Schema.isMaxLength(6)
  )

  it.effect.prop(
    "that is killed at any moment and run again has the same results, and pays again only for calls in flight",
    [Program, Kills],
    ([program, kills]) =>
      Effect.gen(function* () {
        const undisturbed = makeWorld()
        const expected = yield* undisturbed.run(program)
        const world = makeWorld()
        for (const moment of kills) {
          const running = yield* Effect.forkChild(world.run(program))
          for (let turn = 0; turn < moment; turn++) yield* Effect.yieldNow
          yield* Fiber.interrupt(running)
        }
        assert.deepStrictEqual(yield* world.run(program), expected)
        assert.strictEqual(world.counts.answered, undisturbed.counts.answered)
        // Nothing is left to pay.
        assert.deepStrictEqual(yield* world.run(program), expected)
        assert.strictEqual(world.counts.answered, undisturbed.counts.answered)
      }),
    { arbitrary: { runs: 300 } }
  )

  type Program = typeof Program.Type
  const often = { times: 1000 }

  /** A Claude whose answers take a few turns of the scheduler, and a run of a program that asks it. */
  const makeWorld = () => {
    const store = makeStore()
    const counts = { answered: 0 }
    const failures = new Map<string, number>()
    const answer = Effect.fnUntraced(function* (prompt: string) {
      for (let turn = 0; turn < 3 + ((prompt.at(-1) ?? "").charCodeAt(0) % 3); turn++) yield* Effect.yieldNow
      const left = failures.get(prompt) ?? 0
      if (left > 0) {
        failures.set(prompt, left - 1)
        return yield* new ClaudeError({ reason: new Overloaded({ detail: "busy" }) })
      }
      // A stream whose reader leaves early is paid for each time.
      if (!prompt.startsWith("leave")) counts.answered += 1
      return `to ${prompt}`
    })
    const op = ({ failures: count, kind, prompt: name }: typeof Op.Type): Effect.Effect<unknown, ClaudeError, Claude> =>
      Effect.suspend(() => {
        const prompt = kind === "leave" ? `leave ${name}` : name
        failures.set(prompt, (failures.get(prompt) ?? 0) + count)
        const whole = Effect.retry(textOf("create", prompt), often)
        const streamed = Effect.retry(textOf("stream", prompt), often)
        const asks: Record<typeof kind, Effect.Effect<unknown, ClaudeError, Claude>> = {
          create: whole,
          stream: streamed,
          count: Effect.retry(countTokens(prompt), often),
          twice: Effect.all([whole, streamed], { concurrency: 2 }),
          reask: Effect.andThen(Effect.flatMap(Effect.retry(create(prompt), often), discard), whole),
          leave: Effect.retry(Stream.runCollect(Stream.take(streamText(prompt), 1)), often)
        }
        return asks[kind]
      })
    const claude = TestClaude.layer((request) => answer(TestClaude.promptText(request))).pipe(
      wrap((next) =>
        Effect.succeed({
          ...next,
          countTokens: (request) => Effect.map(answer(TestClaude.promptText(request)), ({ length }) => length)
        })
      )
    )
    return {
      counts,
      run: (program: Program) =>
        Effect.forEach(program, (ops) => Effect.forEach(ops, op), { concurrency: 4 }).pipe(
          asRow(store),
          Effect.provide(claude)
        )
    }
  }
})

// Builders

/** The text of an answer, whole or streamed. */
const textOf = (kind: Kind, prompt: string) =>
  kind === "create" ? Effect.map(generateText(prompt), ({ text }) => text) : Stream.mkString(streamText(prompt))

const occurrences = (store: Store) => Array.from(store.replies.values(), ({ call }) => call.occurrence)
