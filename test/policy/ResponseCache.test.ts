import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { BackingPersistence, type BackingPersistenceStore, PersistenceError } from "effect/persistence/Persistence"
import * as Event from "../../src/claude/Event.ts"
import * as CallSite from "../../src/claude/CallSite.ts"
import { Claude, Timeouts } from "../../src/claude/Claude.ts"
import { ClaudeError, InvalidRequest, Overloaded, TimedOut } from "../../src/claude/ClaudeError.ts"
import * as Cost from "../../src/claude/Cost.ts"
import * as Redact from "../../src/claude/Redact.ts"
import { discard, type Reply, text as textOf } from "../../src/claude/Reply.ts"
import * as Request from "../../src/claude/Request.ts"
import * as StreamEvent from "../../src/claude/StreamEvent.ts"
import { generateObject } from "../../src/call/object.ts"
import { generateText, streamText } from "../../src/call/text.ts"
import * as ResponseCache from "../../src/policy/ResponseCache.ts"
import { Lease } from "../../src/policy/responseCache/Lease.ts"
import * as TestClaude from "../../src/testing/TestClaude.ts"
import { message, request } from "../fixtures.ts"

describe("a repeated identical call", () => {
  it.effect("is answered from the cache, costs nothing, and reports its savings", () =>
    Effect.gen(function* () {
      const events: Array<Event.Event> = []
      const listen = Event.listen((event) => Effect.sync(() => events.push(event)))
      const [first, second, asked] = yield* listen(Effect.all([generateText("Hi"), generateText("Hi"), calls])).pipe(
        Effect.provide(cached("Hello."))
      )
      assert.deepStrictEqual([first.origin, second.origin, asked], ["api", "cache", 1])
      assert.deepStrictEqual(second.message, first.message)
      assert.strictEqual(second.requestId, first.requestId)
      assert.strictEqual(Cost.format(second.cost), "$0.00")
      const hits = events.filter((event) => event._tag === "call-hit")
      assert.deepStrictEqual(
        hits.map(({ model, usage }) => [model, usage]),
        [["claude-sonnet-5-5", first.usage]]
      )
      assert.isTrue(first.cost !== undefined && BigDecimal.isGreaterThan(first.cost, BigDecimal.fromBigInt(0n)))
      assert.deepStrictEqual(hits[0]?.saved, first.cost)
    })
  )

  it.effect("streams the stored message, whether the first call streamed or not", () =>
    Effect.gen(function* () {
      const read = Stream.runCollect(stream(request))
      const events = yield* Effect.andThen(create(request), read).pipe(Effect.provide(cached("One two three.")))
      assert.deepInclude(events[0], { type: "stream_start", origin: "cache" })
      assert.strictEqual(events.map(StreamEvent.text).join(""), "One two three.")
      assert.strictEqual(events.at(-1)?.type, "message_stop")

      const reply = yield* Effect.andThen(read, create(request)).pipe(Effect.provide(cached("One two three.")))
      assert.strictEqual(reply.origin, "cache")
      assert.deepStrictEqual(
        reply.message.content.map((block) => block.type === "text" && block.text),
        ["One two three."]
      )
    })
  )

  it.effect("is sent again after the time to live", () =>
    Effect.gen(function* () {
      let asked = 0
      const layer = yield* Layer.build(TestClaude.layer(() => String(++asked)).pipe(inMemory({ timeToLive: "1 hour" })))
      const texts = yield* Effect.all([
        text,
        TestClock.adjust("59 minutes"),
        text,
        TestClock.adjust("2 minutes"),
        text
      ]).pipe(Effect.provide(layer))
      assert.deepStrictEqual(texts, ["1", undefined, "1", undefined, "2"])
    })
  )

  it.effect.each([
    ["continues a thread on the server", { thread: { type: "create" } }],
    ["continues in a container", { container: "container_1" }],
    ["continues in a container with skills", { container: { id: "container_1", skills: [] } }]
  ])("is sent each time if it %s", ([, more]) =>
    Effect.gen(function* () {
      // Only callers of the beta API can send a thread.
      const call = Claude.use((claude) => claude.create({ ...request, ...(more as object) }))
      const [, , asked] = yield* Effect.all([call, call, calls]).pipe(Effect.provide(cached("Hi.")))
      assert.strictEqual(asked, 2)
    })
  )

  it.effect("fails as it does without a cache if its request is not valid JSON", () =>
    Effect.gen(function* () {
      const block = { type: "tool_use" as const, id: "t1", name: "count", input: { big: 1n } }
      const call = create({ ...request, messages: [{ role: "assistant", content: [block] }] })
      const reason = new InvalidRequest({ detail: "no JSON" })
      const layer = TestClaude.layer(reason).pipe(inMemory())
      assert.deepStrictEqual((yield* Effect.flip(Effect.provide(call, layer))).reason, reason)
    })
  )

  it.effect("is sent each time if the time to live is zero", () =>
    Effect.gen(function* () {
      const layer = TestClaude.layer("Hi.").pipe(inMemory({ timeToLive: 0 }))
      const [, , asked] = yield* Effect.all([text, text, calls]).pipe(Effect.provide(layer))
      assert.strictEqual(asked, 2)
    })
  )

  it.effect("is sent again after the memory evicts its answer", () =>
    Effect.gen(function* () {
      const layer = TestClaude.layer("Hi.").pipe(
        ResponseCache.policy(),
        Layer.provide(ResponseCache.layerMemory({ capacity: 1 }))
      )
      const [, , , asked] = yield* Effect.all([ask("a"), ask("b"), ask("a"), calls]).pipe(Effect.provide(layer))
      assert.strictEqual(asked, 3)
    })
  )
})

describe("two requests", () => {
  it.effect.prop("share an entry if and only if their canonical forms are equal", [Variant, Variant], ([one, other]) =>
    Effect.gen(function* () {
      const layer = TestClaude.layer((request) => Request.hash(request)).pipe(inMemory())
      const [, second, asked] = yield* Effect.all([say(one), say(other), calls]).pipe(Effect.provide(layer))
      const equal = Request.canonical(variant(one)) === Request.canonical(variant(other))
      assert.strictEqual(second, Request.hash(variant(other)))
      assert.strictEqual(asked, equal ? 1 : 2)
    })
  )
})

describe("an answer is not stored", () => {
  it.effect.each([
    ["was refused", { stop_reason: "refusal" }],
    ["was truncated", { stop_reason: "max_tokens" }],
    ["filled the context window", { stop_reason: "model_context_window_exceeded" }],
    ["was paused", { stop_reason: "pause_turn" }],
    ["is of another model, as after a fallback", { model: "claude-haiku-5-5" }]
  ] as const)("that %s", ([, fields]) =>
    Effect.gen(function* () {
      const both = [create(request), Stream.runDrain(stream(request)), create(request), calls] as const
      const [, , , asked] = yield* Effect.all(both).pipe(Effect.provide(cached(message(fields))))
      assert.strictEqual(asked, 3)
    })
  )

  it.effect.each([
    ["an emulator gave", "claude-sonnet-5-5", "req_emulated_1", "give this cache another storeId"],
    ["another model gave", "claude-haiku-5-5", "req_1", "claude-haiku-5-5 answered a request for claude-sonnet-5-5"]
  ] as const)("that %s, and the reason is logged once", ([, model, requestId, why]) =>
    Effect.gen(function* () {
      const logged: Array<string> = []
      const api = Layer.mock(Claude)({
        create: () => Effect.succeed({ message: message({ model }), ...facts, requestId })
      })
      yield* Effect.all([create(request), create(request), create({ ...request, max_tokens: 7 })]).pipe(
        Effect.provide([inMemory()(api), Logger.layer([Logger.make(({ message }) => logged.push(String(message)))])])
      )
      assert.lengthOf(logged, 1)
      assert.include(logged[0], why)
    })
  )

  it.effect("that failed", () =>
    Effect.gen(function* () {
      const [, second] = yield* Effect.all([Effect.exit(text), text]).pipe(
        Effect.provide(TestClaude.layer([overloaded, "Now."]).pipe(inMemory()))
      )
      assert.strictEqual(second, "Now.")
    })
  )

  it.effect("that a verb rejected, so the next call asks the API again", () =>
    Effect.gen(function* () {
      const City = Schema.Struct({ city: Schema.String })
      const layer = TestClaude.layer(['{"town":"Rome"}', '{"city":"Rome"}']).pipe(inMemory())
      const find = generateObject(City, "Where?", { reask: 0 })
      const [first, second, third] = yield* Effect.all([Effect.flip(find), find, find]).pipe(Effect.provide(layer))
      assert.strictEqual(first.reason._tag, "OutputInvalid")
      assert.deepStrictEqual([second.value.city, second.origin], ["Rome", "api"])
      assert.deepStrictEqual([third.value.city, third.origin], ["Rome", "cache"])
    })
  )

  it.effect("that the program discards, streamed or not", () =>
    Effect.gen(function* () {
      const layer = TestClaude.layer(["1", "2", "3"]).pipe(inMemory())
      const texts = yield* Effect.all([
        Effect.tap(generateText("Hi"), discard),
        Stream.runDrain(streamText("Hi", { onFinish: discard })),
        generateText("Hi"),
        generateText("Hi")
      ]).pipe(Effect.provide(layer))
      assert.deepStrictEqual(
        texts.map((reply) => reply?.text),
        ["1", undefined, "3", "3"]
      )
    })
  )

  it.effect("that the program discards, nor in a cache below", () =>
    Effect.gen(function* () {
      const far = TestClaude.layer(["1", "2"]).pipe(ResponseCache.policy({ storeId: "far" }))
      const layer = far.pipe(inMemory({ storeId: "near" }))
      const rejected = Effect.map(Effect.tap(generateText("Hi"), discard), (reply) => reply.text)
      const texts = yield* Effect.all([text, rejected, rejected, text, text]).pipe(Effect.provide(layer))
      assert.deepStrictEqual(texts, ["1", "1", "1", "2", "2"])
    })
  )

  it.effect("that an emulator gave, unless the cache has a separate storeId", () =>
    Effect.gen(function* () {
      const emulated = Layer.mock(Claude)({
        create: () => Effect.succeed({ message: message(), ...facts, requestId: "req_emulated_00000001" })
      })
      const store = yield* Layer.build(ResponseCache.layerMemory())
      const behind = (options?: ResponseCache.Options) =>
        Effect.andThen(create(request), create(request)).pipe(
          Effect.map(({ origin }) => origin),
          Effect.provide(emulated.pipe(ResponseCache.policy(options), Layer.provide(Layer.succeedContext(store))))
        )
      assert.deepStrictEqual(yield* Effect.all([behind(), behind({ storeId: "emulator" })]), ["api", "cache"])
    })
  )

  it.effect("unless `keep` accepts it and no verb rejects it", () =>
    Effect.gen(function* () {
      const refused = message({ stop_reason: "refusal", content: ["No."] })
      const origin = Effect.map(create(request), ({ origin }) => origin)
      const seen = yield* Effect.all([origin, origin, Effect.flip(generateText(request)), origin, calls]).pipe(
        Effect.provide(cached(refused, { keep: ({ stop_reason }) => stop_reason === "refusal" })),
        Effect.map(([first, second, { reason }, third, asked]) => [first, second, reason._tag, third, asked])
      )
      assert.deepStrictEqual(seen, ["api", "cache", "Refused", "api", 2])
    })
  )
})

describe("an answer that another program stored", () => {
  it.effect("is not used if the `keep` of this cache rejects it", () =>
    Effect.gen(function* () {
      const store = yield* Layer.build(ResponseCache.layerMemory())
      const behind = (options?: ResponseCache.Options) =>
        TestClaude.layer(message({ stop_reason: "max_tokens" })).pipe(
          ResponseCache.policy(options),
          Layer.provide(Layer.succeedContext(store))
        )
      yield* Effect.provide(create(request), behind({ keep: () => true }))
      const again = yield* Effect.provide(create(request), behind({ keep: () => true }))
      const other = yield* Effect.provide(create(request), behind())
      assert.deepStrictEqual([again.origin, other.origin], ["cache", "api"])
    })
  )
})

describe("identical concurrent calls", () => {
  it.effect("share one request: of 1,000 calls, 999 are hits", () =>
    Effect.gen(function* () {
      let hits = 0
      const listen = Event.listen((event) => Effect.sync(() => (hits += event._tag === "call-hit" ? 1 : 0)))
      const api = slow()
      const texts = yield* many(1000, text).pipe(listen, Effect.provide(api.layer), afterASecond)
      assert.deepStrictEqual([api.asked(), hits, new Set(texts).size], [1, 999, 1])
    })
  )

  it.effect("share one request, streams included", () =>
    Effect.gen(function* () {
      const api = slow()
      const streamed = Stream.mkString(streamText("Hi"))
      const texts = yield* Effect.all([text, streamed, text, streamed], { concurrency: "unbounded" }).pipe(
        Effect.provide(api.layer),
        afterASecond
      )
      assert.deepStrictEqual([api.asked(), texts], [1, ["answer 1", "answer 1", "answer 1", "answer 1"]])
    })
  )

  it.effect("share one stream: of 1,000 calls, streamed or not, 999 are hits", () =>
    Effect.gen(function* () {
      let hits = 0
      const listen = Event.listen((event) => Effect.sync(() => (hits += event._tag === "call-hit" ? 1 : 0)))
      const api = slow()
      const streamed = Stream.mkString(streamText("Hi"))
      const all = Effect.all([streamed, many(499, streamed), many(500, text)], { concurrency: "unbounded" })
      const [first, others, whole] = yield* all.pipe(listen, Effect.provide(api.layer), afterASecond)
      assert.deepStrictEqual([api.asked(), hits], [1, 999])
      assert.deepStrictEqual(new Set([first, ...others, ...whole]), new Set(["answer 1"]))
    })
  )

  it.effect("report origin api for the first stream, and cache for the others", () =>
    Effect.gen(function* () {
      const twice = Effect.all([Stream.runCollect(stream(request)), Stream.runCollect(stream(request))], {
        concurrency: 2
      })
      const streams = yield* twice.pipe(Effect.provide(slow().layer), afterASecond)
      assert.deepStrictEqual(
        streams.map(([start]) => start?.type === "stream_start" && start.origin),
        ["api", "cache"]
      )
      assert.deepStrictEqual(streams[0]?.slice(1), streams[1]?.slice(1))
    })
  )

  it.effect("do not wait for a slow or stopped reader of the shared stream", () =>
    Effect.gen(function* () {
      const streamed = streamText("Hi").pipe(Stream.rechunk(1))
      const never = Effect.forkChild(Stream.runForEach(streamed, () => Effect.never))
      const both = Stream.runDrain(Stream.zip(streamed, streamed))
      const within = Stream.runDrain(Stream.mapEffect(streamed, () => text))
      for (const program of [Effect.andThen(never, Stream.runDrain(streamed)), both, within]) {
        const api = slow()
        yield* program.pipe(Effect.provide(api.layer), afterASecond)
        assert.strictEqual(api.asked(), 1)
      }
    })
  )

  it.effect("hold one lease for a stream, so that other processes wait for it", () =>
    Effect.gen(function* () {
      let leases = 0
      const counting = Layer.succeed(Lease, {
        hold: () => Effect.sync(() => ++leases > 0),
        release: () => Effect.sync(() => leases--)
      })
      const store = Layer.merge(ResponseCache.layerMemory(), counting)
      const api = slow()
      const layer = yield* Layer.build(api.uncached.pipe(ResponseCache.policy(), Layer.provide(store)))
      const reading = yield* Effect.forkChild(Effect.provide(Stream.runDrain(streamText("Hi")), layer))
      yield* TestClock.adjust("500 millis")
      assert.strictEqual(leases, 1)
      yield* TestClock.adjust("500 millis")
      yield* Fiber.join(reading)
      assert.strictEqual(leases, 0)
    })
  )

  it.effect("get copies from memory, streams included, until the entry is invalidated", () =>
    Effect.gen(function* () {
      const api = slow()
      const program = Effect.gen(function* () {
        const { message: first } = yield* create(request)
        first.content.length = 0
        const { message: second, origin } = yield* create(request)
        assert.deepStrictEqual([textOf(second), origin], ["answer 1", "cache"])
        second.content.length = 0
        const events = yield* Stream.runCollect(stream(request))
        assert.strictEqual(events.map(StreamEvent.text).join(""), "answer 1")
        yield* ResponseCache.invalidate({ model: request.model })
        assert.strictEqual(textOf((yield* create(request)).message), "answer 2")
        yield* ResponseCache.invalidate({ key: Request.hash(request) })
        assert.strictEqual(textOf((yield* create(request)).message), "answer 3")
      })
      const running = yield* program.pipe(
        Effect.provide(api.uncached.pipe(ResponseCache.policy(), Layer.provideMerge(ResponseCache.layerMemory()))),
        Effect.forkChild
      )
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(running)
    })
  )

  it.effect(
    "of another process wait as long as the call runs, beyond its first lease, and take over from a killed process",
    () =>
      Effect.gen(function* () {
        const leases = new Map<string, { readonly holder: string; readonly until: number }>()
        const lease: Lease = {
          hold: (key, holder, time) =>
            Effect.map(Clock.currentTimeMillis, (now) => {
              const held = leases.get(key)
              if (held !== undefined && held.holder !== holder && held.until > now) return false
              leases.set(key, { holder, until: now + Duration.toMillis(time) })
              return true
            }),
          release: (key) => Effect.sync(() => leases.delete(key))
        }
        const store = yield* Layer.build(Layer.merge(ResponseCache.layerMemory(), Layer.succeed(Lease, lease)))
        const asked: Array<string> = []
        const process = (name: string) => {
          const reply = { ...facts, message: message() }
          const api = Layer.mock(Claude)({
            create: () =>
              Effect.delay(
                Effect.suspend(() => Effect.succeed((asked.push(name), reply))),
                "65 seconds"
              )
          })
          return Layer.build(api.pipe(ResponseCache.policy(), Layer.provide(Layer.succeedContext(store))))
        }
        const [one, other] = [yield* process("one"), yield* process("other")]
        const first = yield* Effect.forkChild(Effect.provide(create(request), one))
        yield* TestClock.adjust("1 second")
        const second = yield* Effect.forkChild(Effect.provide(create(request), other))
        yield* TestClock.adjust("2 minutes")
        assert.strictEqual((yield* Fiber.join(first)).origin, "api")
        assert.strictEqual((yield* Fiber.join(second)).origin, "cache")
        assert.deepStrictEqual(asked, ["one"])

        const another = { ...request, max_tokens: 99 }
        leases.set(`effect-claude-lease-${Request.hash(another)}`, { holder: "killed", until: 150_000 })
        const waiting = yield* Effect.forkChild(Effect.provide(create(another), other))
        yield* TestClock.adjust("2 minutes")
        assert.strictEqual((yield* Fiber.join(waiting)).origin, "api")
        assert.deepStrictEqual(asked, ["one", "other"])
      })
  )

  it.effect("continue beside a refresh, which sends a request of its own", () =>
    Effect.gen(function* () {
      const both = Effect.all([text, ResponseCache.refresh(text)], { concurrency: 2 })
      assert.deepStrictEqual(yield* both.pipe(Effect.provide(slow().layer), afterASecond), ["answer 1", "answer 2"])
    })
  )

  it.effect("do not share a request if their time-outs differ", () =>
    Effect.gen(function* () {
      const timedOut = new TimedOut({ detail: "no answer in 100 ms" })
      const hasty = text.pipe(Effect.provideService(Timeouts, { call: "100 millis", idle: "1 second" }), Effect.flip)
      const both = Effect.all([hasty, text], { concurrency: 2 })
      const [error, answer] = yield* both.pipe(Effect.provide(slow([timedOut]).layer), afterASecond)
      assert.deepStrictEqual([error.reason, answer], [timedOut, "answer 2"])
    })
  )

  it.effect("continue when the caller that sent the request is interrupted", () =>
    Effect.gen(function* () {
      const api = slow()
      const layer = yield* Layer.build(api.layer)
      const leader = yield* Effect.forkChild(Effect.provide(text, layer))
      yield* TestClock.adjust("500 millis")
      const streamed = Stream.mkString(streamText("Hi"))
      const others = yield* Effect.forkChild(
        Effect.provide(Effect.all([many(10, text), streamed], { concurrency: 2 }), layer)
      )
      yield* TestClock.adjust("100 millis")
      yield* Fiber.interrupt(leader)
      yield* TestClock.adjust("1 second")
      const [texts, last] = yield* Fiber.join(others)
      assert.deepStrictEqual(new Set([...texts, last]), new Set(["answer 1"]))
      assert.strictEqual(api.asked(), 1)
    })
  )

  it.effect("stop when the last caller is interrupted, and the next call sends a new request", () =>
    Effect.gen(function* () {
      const api = slow()
      const layer = yield* Layer.build(api.layer)
      const asking = yield* Effect.forkChild(Effect.provide(many(2, text), layer))
      yield* TestClock.adjust("500 millis")
      yield* Fiber.interrupt(asking)
      assert.strictEqual(api.stopped(), 1)
      assert.strictEqual(yield* text.pipe(Effect.provide(layer), afterASecond), "answer 2")
    })
  )

  it.effect("report how long they waited for the shared request", () =>
    Effect.gen(function* () {
      const waits: Array<Event.Event> = []
      const listen = Event.listen((event) =>
        Effect.sync(() => (event._tag === "call-waited" ? waits.push(event) : undefined))
      )
      const both = Effect.all([text, Effect.delay(text, "400 millis")], { concurrency: 2 })
      yield* both.pipe(listen, Effect.provide(slow().layer), afterASecond)
      assert.deepStrictEqual(
        waits.map((wait) => wait._tag === "call-waited" && [wait.for, Duration.toMillis(wait.duration)]),
        [["equal-call", 600]]
      )
    })
  )

  it.effect("share a stream that continues while it has a reader, and stops after the last one", () =>
    Effect.gen(function* () {
      const api = slow()
      const layer = yield* Layer.build(api.layer)
      const half = streamText("Hi").pipe(Stream.take(1), Stream.runCollect)
      const staying = Effect.all([half, Stream.mkString(streamText("Hi"))], { concurrency: 2 })
      const [[first], all] = yield* staying.pipe(Effect.provide(layer), afterASecond)
      assert.deepStrictEqual([first, all, api.asked()], ["answer", "answer 1", 1])

      const other = streamText("Ho").pipe(Stream.take(1), Stream.runDrain)
      const leaving = Effect.all([other, other], { concurrency: 2 })
      yield* leaving.pipe(Effect.provide(layer), afterASecond)
      assert.strictEqual(api.stopped(), 1)
      assert.strictEqual(yield* ask("Ho").pipe(Effect.provide(layer), afterASecond), "answer 3")
    })
  )

  it.effect("all fail when their shared stream breaks, and the next call sends a new request", () =>
    Effect.gen(function* () {
      const layer = yield* Layer.build(slow([overloaded]).layer)
      const streamed = Effect.flip(Stream.mkString(streamText("Hi")))
      const all = Effect.all([streamed, streamed, Effect.flip(text)], { concurrency: "unbounded" })
      const errors = yield* all.pipe(Effect.provide(layer), afterASecond)
      assert.deepStrictEqual(
        errors.map(({ reason }) => reason),
        [overloaded, overloaded, overloaded]
      )
      assert.strictEqual(yield* text.pipe(Effect.provide(layer), afterASecond), "answer 2")
    })
  )

  it.effect("all fail when their shared request fails, and the next call sends a new one", () =>
    Effect.gen(function* () {
      const layer = yield* Layer.build(slow([overloaded]).layer)
      const streamed = Stream.mkString(streamText("Hi"))
      const all = Effect.all([many(10, Effect.flip(text)), Effect.flip(streamed)], { concurrency: 2 })
      const [errors, error] = yield* all.pipe(Effect.provide(layer), afterASecond)
      assert.deepStrictEqual(new Set(errors), new Set([error]))
      assert.strictEqual(yield* text.pipe(Effect.provide(layer), afterASecond), "answer 2")
    })
  )
})

describe("an interruption", () => {
  it.effect("during a write does not lose the answer", () =>
    Effect.gen(function* () {
      const streamed = Stream.runDrain(streamText("Hi"))
      for (const first of [text, streamed]) {
        let asked = 0
        const storing = storeOf((method, real) => (method === "set" ? Effect.delay(real, "1 second") : real))
        const layer = yield* Layer.build(
          TestClaude.layer(() => String(++asked)).pipe(ResponseCache.policy(), Layer.provide(storing))
        )
        const calling = yield* Effect.forkChild(Effect.provide(first, layer))
        yield* TestClock.adjust("500 millis")
        const interrupting = yield* Effect.forkChild(Fiber.interrupt(calling))
        yield* TestClock.adjust("500 millis")
        yield* Fiber.join(interrupting)
        assert.strictEqual(yield* Effect.provide(text, layer), "1")
      }
    })
  )
})

describe("a mode", () => {
  it.effect("bypass neither reads nor writes", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* inTurn(ResponseCache.bypass(text), text, ResponseCache.bypass(text), text), [
        "1",
        "2",
        "3",
        "2"
      ])
    })
  )

  it.effect("refresh asks the API again, and stores the answer", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* inTurn(text, ResponseCache.refresh(text), text), ["1", "2", "2"])
    })
  )

  it.effect("readOnly reads, and does not write", () =>
    Effect.gen(function* () {
      const { readOnly } = ResponseCache
      assert.deepStrictEqual(yield* inTurn(readOnly(text), text, readOnly(text)), ["1", "2", "2"])
    })
  )

  it.effect("readOnly does not remove answers either", () =>
    Effect.gen(function* () {
      const rejected = ResponseCache.readOnly(Effect.tap(generateText("Hi"), discard))
      assert.deepStrictEqual(yield* inTurn(text, Effect.as(rejected, ""), text), ["1", "", "1"])
    })
  )

  it.effect("applies to streams too", () =>
    Effect.gen(function* () {
      const streamed = Stream.mkString(streamText("Hi"))
      const { bypass, refresh } = ResponseCache
      assert.deepStrictEqual(yield* inTurn(streamed, bypass(streamed), refresh(streamed), streamed), [
        "1",
        "2",
        "3",
        "3"
      ])
    })
  )
})

describe("invalidate", () => {
  const key = Request.hash(Request.fill("Hi", { model: "claude-sonnet-5-5", max_tokens: 4096 }))
  const labelled = CallSite.label("tenant", "t1")(text)

  it.effect("removes one answer by its key", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* inTurn(text, drop({ key: "another" }), text, drop({ key }), text), [
        "1",
        "",
        "1",
        "",
        "2"
      ])
    })
  )

  it.effect("removes only the answers of one model", () =>
    Effect.gen(function* () {
      const other = drop({ model: "claude-haiku-5-5" })
      const own = drop({ model: "claude-sonnet-5-5" })
      const texts = yield* inTurn(text, other, text, own, text, text, own, text)
      assert.deepStrictEqual(texts, ["1", "", "1", "", "2", "2", "", "3"])
    })
  )

  it.effect("removes the answers stored under a label, also for callers without the label", () =>
    Effect.gen(function* () {
      const other = drop({ label: ["tenant", "t2"] })
      const own = drop({ label: ["tenant", "t1"] })
      assert.deepStrictEqual(yield* inTurn(labelled, other, text, own, text, labelled), ["1", "", "1", "", "2", "2"])
    })
  )

  it.effect("removes answers in flight too, by model and by label", () =>
    Effect.gen(function* () {
      for (const target of [{ model: "claude-sonnet-5-5" }, { label: ["tenant", "t1"] }] as const) {
        const layer = yield* Layer.build(slow().layer)
        const flying = yield* Effect.forkChild(Effect.provide(labelled, layer))
        yield* TestClock.adjust("500 millis")
        yield* Effect.provide(ResponseCache.invalidate(target), layer)
        yield* TestClock.adjust("500 millis")
        assert.strictEqual(yield* Fiber.join(flying), "answer 1")
        assert.strictEqual(yield* text.pipe(Effect.provide(layer), afterASecond), "answer 2")
      }
    })
  )

  it.effect("does not change caches with another storeId", () =>
    Effect.gen(function* () {
      const elsewhere = ResponseCache.invalidate({ key }, { storeId: "other" })
      assert.deepStrictEqual(yield* inTurn(text, Effect.as(elsewhere, ""), text), ["1", "", "1"])
    })
  )
})

describe("a store that", () => {
  const down = new PersistenceError({ message: "no route to the store" })
  it.effect.each([
    ["fails", Effect.fail(down), "no route to the store"],
    ["dies", Effect.die(new Error("no such table")), "no such table"],
    ["breaks off", Effect.interrupt, "the operation was interrupted"],
    ["hangs", Effect.never, "timed out after '2s'"]
  ] as const)("%s fails no call, is logged once a minute, and is counted", ([, broken, detail]) =>
    Effect.gen(function* () {
      const logged: Array<string> = []
      const failures: Array<Event.Event> = []
      const logger = Logger.layer([Logger.make(({ message }) => logged.push(String(message)))])
      const layer = TestClaude.layer("Hi.").pipe(ResponseCache.policy(), Layer.provide(storeOf(() => broken)))
      const program = Effect.all([text, Stream.mkString(streamText("Hi")), ResponseCache.refresh(text)]).pipe(
        Event.listen((event) => Effect.sync(() => event._tag === "cache-failed" && failures.push(event)))
      )
      const running = yield* program.pipe(Effect.provide([layer, logger]), Effect.forkChild)
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(yield* Fiber.join(running), ["Hi.", "Hi.", "Hi."])
      assert.strictEqual(failures.length, 3)
      assert.strictEqual(logged.length, 1)
      assert.include(logged[0], `the response cache fails to read: `)
      assert.include(logged[0], detail)
    })
  )

  it.effect.each([
    ["can be interrupted", Effect.never],
    ["cannot be interrupted", Effect.uninterruptible(Effect.sleep("1 hour"))]
  ] as const)("hangs, and %s, delays a call by 2 seconds, and is then skipped for 10 seconds", ([, hanging]) =>
    Effect.gen(function* () {
      let asked = 0
      const broken = storeOf(() =>
        Effect.andThen(
          Effect.sync(() => void asked++),
          Effect.andThen(hanging, Effect.never)
        )
      )
      const layer = TestClaude.layer("Hi.").pipe(ResponseCache.policy(), Layer.provide(broken))
      const five = Effect.all([text, text, text, Effect.sleep("10 seconds"), text])
      const running = yield* five.pipe(Effect.provide([layer, silent]), Effect.forkChild)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(asked, 1)
      yield* TestClock.adjust("12 seconds")
      assert.strictEqual((yield* Fiber.join(running)).at(-1), "Hi.")
      assert.strictEqual(asked, 2)
    })
  )

  it.effect("is skipped does not return an answer that the program discarded meanwhile", () =>
    Effect.gen(function* () {
      let asked = 0
      let hangs = false
      const broken = storeOf((method, real) => (hangs && method === "set" ? Effect.never : real))
      const layer = TestClaude.layer(() => String(++asked)).pipe(ResponseCache.policy(), Layer.provide(broken))
      const program = Effect.gen(function* () {
        const reply = yield* generateText("Hi")
        hangs = true
        yield* ask("Ho")
        yield* discard(reply)
        yield* Effect.sleep("10 seconds")
        return yield* text
      })
      const running = yield* program.pipe(Effect.provide([layer, silent]), Effect.forkChild)
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual(yield* Fiber.join(running), "3")
    })
  )

  it.effect("fails with a secret in its message is logged without the secret", () =>
    Effect.gen(function* () {
      const logged: Array<string> = []
      const logger = Logger.layer([Logger.make(({ message }) => logged.push(String(message)))])
      const broken = storeOf(() => Effect.fail(new PersistenceError({ message: "no key of patient 4711" })))
      const layer = TestClaude.layer("Hi.").pipe(ResponseCache.policy(), Layer.provide(broken))
      yield* text.pipe(
        Effect.provideService(Redact.Redactor, Redact.make({ patterns: [/4711/] })),
        Effect.provide([layer, logger])
      )
      assert.include(logged[0], "no key of patient [redacted]")
    })
  )

  it.effect("fails only to write does not lose the answer", () =>
    Effect.gen(function* () {
      const failures: Array<Event.Event> = []
      const layer = TestClaude.layer("Hi.").pipe(
        ResponseCache.policy(),
        Layer.provide(storeOf((method, real) => (method === "set" ? Effect.fail(down) : real)))
      )
      const listen = Event.listen((event) => Effect.sync(() => event._tag === "cache-failed" && failures.push(event)))
      assert.strictEqual(yield* text.pipe(listen, Effect.provide([layer, silent])), "Hi.")
      assert.deepInclude(failures[0], { operation: "write", detail: "no route to the store" })
    })
  )

  it.effect("cannot read one entry gets the entry written again", () =>
    Effect.gen(function* () {
      let torn = true
      const layer = TestClaude.layer("Hi.").pipe(
        ResponseCache.policy(),
        Layer.provide(
          storeOf((method, real, [keys]) => {
            const ofEntry = Array.isArray(keys) && keys.some((key) => !String(key).startsWith("generation-"))
            return method === "getMany" && ofEntry && torn ? Effect.fail(down) : real
          })
        )
      )
      const mend = Effect.sync(() => String((torn = false)))
      const [, , asked] = yield* Effect.all([text, mend, text.pipe(Effect.andThen(calls))]).pipe(Effect.provide(layer))
      assert.strictEqual(asked, 1)
    })
  )
})

describe("countTokens and capacity", () => {
  it.effect("come from the Claude below", () =>
    Effect.gen(function* () {
      const service = Claude.use((claude) => Effect.all([claude.countTokens(request), claude.capacity]))
      const bare = yield* Effect.provide(service, TestClaude.layer("Hi."))
      assert.deepStrictEqual(yield* Effect.provide(service, cached("Hi.")), bare)
    })
  )
})

// Builders

const overloaded = new Overloaded({ detail: "later" })
const calls = Effect.map(TestClaude.calls, ({ length }) => length)
const create = (request: Request.Request) => Claude.use((claude) => claude.create(request))
const stream = (request: Request.Request) => Stream.unwrap(Claude.useSync((claude) => claude.stream(request)))
const text = Effect.map(generateText("Hi"), (reply) => reply.text)
const ask = (prompt: string) => Effect.map(generateText(prompt), (reply) => reply.text)
const say = (one: typeof Variant.Type) => Effect.map(generateText(variant(one)), (reply) => reply.text)
const silent = Logger.layer([])

const inMemory =
  (options?: ResponseCache.Options) =>
  <A, E, R>(self: Layer.Layer<A | Claude, E, R>) =>
    self.pipe(ResponseCache.policy(options), Layer.provideMerge(ResponseCache.layerMemory()))

const cached = (reply: TestClaude.Given, options?: ResponseCache.Options) =>
  TestClaude.layer(reply).pipe(inMemory(options))

const drop = (target: ResponseCache.Target) => Effect.as(ResponseCache.invalidate(target), "")

const many = <A, E, R>(times: number, call: Effect.Effect<A, E, R>) =>
  Effect.all(
    Array.from({ length: times }, () => call),
    { concurrency: "unbounded" }
  )

const afterASecond = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const running = yield* Effect.forkChild(effect)
  yield* TestClock.adjust("1 second")
  return yield* Fiber.join(running)
})

/** The texts of the calls, run one after the other. The API numbers its answers. */
const inTurn = (
  ...calls: ReadonlyArray<Effect.Effect<string, ClaudeError | PersistenceError, Claude | BackingPersistence>>
) => {
  let asked = 0
  return Effect.all(calls).pipe(Effect.provide(TestClaude.layer(() => String(++asked)).pipe(inMemory())))
}

/** A cache over a Claude that takes a second, numbers its answers, and first fails for these reasons. */
const slow = (failures: ReadonlyArray<Overloaded | TimedOut> = []) => {
  let asked = 0
  let stopped = 0
  const counted = (exit: Exit.Exit<unknown, unknown>) => Effect.sync(() => (stopped += Exit.isSuccess(exit) ? 0 : 1))
  const next = Effect.suspend((): Effect.Effect<Reply, ClaudeError> => {
    const reason = failures[asked++]
    if (reason !== undefined) return Effect.fail(new ClaudeError({ reason }))
    return Effect.succeed({ message: message(`answer ${asked}`), ...facts })
  }).pipe(
    Effect.tap(Effect.sleep("1 second")),
    Effect.tapError(() => Effect.sleep("1 second"))
  )
  // The stream yields between its events, so that a reader can stop halfway.
  const uncached = Layer.mock(Claude)({
    create: () => Effect.onExit(next, counted),
    stream: () =>
      Stream.unwrap(
        Effect.map(next, (reply) =>
          Stream.fromIterable<StreamEvent.StreamEvent>([
            { type: "stream_start", ...facts },
            ...StreamEvent.fromMessage(reply.message)
          ]).pipe(
            Stream.rechunk(1),
            Stream.tap(() => Effect.yieldNow),
            Stream.onExit((exit) => counted(exit))
          )
        )
      )
  })
  return { uncached, layer: inMemory()(uncached), asked: () => asked, stopped: () => stopped }
}

const facts = { requestId: "req_1", origin: "api", rateLimits: undefined } as const

type Method = "getMany" | "set" | "remove"

/** A store in memory whose methods are replaced by `change`. */
const storeOf = (
  change: <A>(
    method: Method,
    real: Effect.Effect<A, PersistenceError>,
    parameters: ReadonlyArray<unknown>
  ) => Effect.Effect<A, PersistenceError>
) =>
  Layer.effect(
    BackingPersistence,
    Effect.map(BackingPersistence, ({ make }) => ({
      make: (storeId: string) =>
        Effect.map(make(storeId), (store): BackingPersistenceStore => ({
          ...store,
          getMany: (keys) => change("getMany", store.getMany(keys), [keys]),
          set: (key, value, ttl) => change("set", store.set(key, value, ttl), [key]),
          remove: (key) => change("remove", store.remove(key), [key])
        }))
    }))
  ).pipe(Layer.provide(ResponseCache.layerMemory()))

/** The parts in which two requests may differ. */
const Variant = Schema.Struct({
  prompt: Schema.Literals(["Hi", "Ho"]),
  maxTokens: Schema.Literals([100, 101]),
  system: Schema.optionalKey(Schema.Literals(["Be brief.", "Be long."])),
  temperature: Schema.optionalKey(Schema.Literals([0, 1])),
  tool: Schema.optionalKey(Schema.Literals(["a", "b"])),
  header: Schema.optionalKey(Schema.Literals(["x-tenant", "anthropic-version"])),
  user: Schema.optionalKey(Schema.String),
  cached: Schema.Boolean,
  spelledOut: Schema.Boolean,
  reversed: Schema.Boolean
})

const variant = (of: typeof Variant.Type): Request.Request => {
  const { cached, header, maxTokens, prompt, reversed, spelledOut, system, temperature, tool, user } = of
  const marked = cached ? { cache_control: { type: "ephemeral" } as const } : {}
  const loose = spelledOut ? { strict: false } : {}
  const whole: Request.Request = {
    model: "claude-sonnet-5-5",
    max_tokens: maxTokens,
    messages: [{ role: "user", content: [{ type: "text", text: prompt, ...marked }] }],
    ...(system && { system }),
    ...(temperature !== undefined && { temperature }),
    ...(tool && { tools: [{ name: tool, input_schema: { type: "object" }, ...loose }] }),
    ...(spelledOut && { service_tier: "auto", stop_sequences: [] }),
    ...(header && { headers: { [header]: "1" } }),
    ...(user !== undefined && { metadata: { user_id: user } })
  }
  // The same entries, in another order.
  return reversed ? (Object.fromEntries(Object.entries(whole).toReversed()) as Request.Request) : whole
}
