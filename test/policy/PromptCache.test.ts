import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Event from "../../src/claude/Event.ts"
import { Claude } from "../../src/claude/Claude.ts"
import { ClaudeError, InvalidRequest } from "../../src/claude/ClaudeError.ts"
import * as Reply from "../../src/claude/Reply.ts"
import * as Request from "../../src/claude/Request.ts"
import type { Usage } from "../../src/claude/Usage.ts"
import * as Dataset from "../../src/pipeline/Dataset.ts"
import * as Job from "../../src/pipeline/Job.ts"
import * as Journal from "../../src/pipeline/Journal.ts"
import * as Progress from "../../src/pipeline/Progress.ts"
import * as Step from "../../src/pipeline/Step.ts"
import * as Concurrency from "../../src/policy/Concurrency.ts"
import * as PromptCache from "../../src/policy/PromptCache.ts"
import * as WarmUp from "../../src/policy/promptCache/WarmUp.ts"
import * as Sqlite from "../../src/run/Sqlite.ts"
import * as Emulator from "../../src/testing/Emulator.ts"
import type * as Prompt from "../../src/testing/emulator/request/Prompt.ts"
import * as Segments from "../../src/testing/emulator/request/Segments.ts"
import { settingBack } from "../clocks.ts"
import { message } from "../fixtures.ts"

describe("place", () => {
  it("marks the last tool and the system prompt, and not a single message, which differs in the next call", () => {
    const placed = PromptCache.place({ ...question, tools: [tool("a"), tool("b")], system: long })
    assert.deepStrictEqual(placed, {
      ...question,
      tools: [tool("a"), { ...tool("b"), cache_control: fiveMinutes }],
      system: [{ type: "text", text: long, cache_control: fiveMinutes }]
    })
  })

  it("marks the last message of a conversation, and the last message of the turn before", () => {
    const messages = [user(long), assistant("Yes."), user("Really?"), assistant("No."), user("Why?")]
    assert.deepStrictEqual(PromptCache.place({ ...question, messages }).messages, [
      user(long),
      assistant("Yes."),
      { role: "user", content: [{ type: "text", text: "Really?", cache_control: fiveMinutes }] },
      assistant("No."),
      { role: "user", content: [{ type: "text", text: "Why?", cache_control: fiveMinutes }] }
    ])
  })

  it("does not count a prefilled answer as a turn", () => {
    const request = { ...question, messages: [user(long), assistant("{")] }
    assert.strictEqual(PromptCache.place(request), request)
  })

  it("returns the same request if it is shorter than the minimum of the model", () => {
    for (const [model, characters, marked] of [
      ["claude-haiku-4-5", 3 * 4096 + 100, 1],
      ["claude-haiku-4-5", 3 * 4096 - 100, 0],
      ["claude-sonnet-5-5", 3 * 512 + 100, 1],
      ["claude-sonnet-5-5", 3 * 512 - 100, 0],
      ["of a later year", 3 * 512 + 100, 1]
    ] as const) {
      const request = { ...question, model, system: "x".repeat(characters) }
      const placed = PromptCache.place(request)
      assert.lengthOf(marksOf(placed), marked, `${model} ${characters}`)
      assert.strictEqual(placed === request, marked === 0)
    }
  })

  it("skips blocks that cannot carry a breakpoint: deferred tools, empty texts, thinking", () => {
    const tools = [tool("a"), { ...tool("b"), defer_loading: true }]
    const thinking = { type: "thinking", thinking: "Hm.", signature: "s" } as const
    const placed = PromptCache.place({
      ...question,
      tools,
      system: [text(long), text("")],
      messages: [
        user("One?"),
        { role: "assistant", content: [text("Yes."), thinking] },
        { role: "user", content: [text("Two?"), text("")] }
      ]
    })
    assert.sameMembers(
      marksOf(placed).map(({ path }) => path),
      ["tools.0", "system.0", "messages.0.content.0", "messages.2.content.0"]
    )
  })

  it("marks for an hour if the ttl is 1h", () => {
    assert.deepStrictEqual(ttlsOf(PromptCache.place({ ...question, system: long }, { ttl: "1h" })), ["1h"])
  })

  it("does not change tools, system or messages that contain a breakpoint of the caller", () => {
    const system = [{ ...text(long), cache_control: fiveMinutes }, text("Be brief.")]
    const messages = [
      { role: "user" as const, content: [{ ...text("A book."), cache_control: fiveMinutes }, text("?")] }
    ]
    const placed = PromptCache.place({ ...question, tools: [tool("a")], system, messages })
    assert.deepStrictEqual([placed.system, placed.messages], [system, messages])
    assert.sameMembers(
      marksOf(placed).map(({ path }) => path),
      ["tools.0", "system.0", "messages.0.content.0"]
    )
  })

  it("keeps hour breakpoints before five-minute breakpoints, as the API requires", () => {
    const withTools = (ttl: "5m" | "1h") => ({
      ...question,
      tools: [{ ...tool("a"), cache_control: { type: "ephemeral", ttl } } as const],
      system: long
    })
    assert.deepStrictEqual(ttlsOf(PromptCache.place(withTools("5m"), { ttl: "1h" })), ["5m", "5m"])
    assert.deepStrictEqual(ttlsOf(PromptCache.place(withTools("1h"))), ["1h", "5m"])
    const hour = { ...question, cache_control: { type: "ephemeral", ttl: "1h" }, system: long } as const
    assert.deepStrictEqual(ttlsOf(PromptCache.place(hour)), ["1h", "1h"])
  })

  it("only sets the cache_control of the request with automatic caching", () => {
    const request = { ...question, tools: [tool("a")], system: long }
    const cache_control = { type: "ephemeral", ttl: "1h" } as const
    assert.deepStrictEqual(PromptCache.place(request, { automatic: true, ttl: "1h" }), { ...request, cache_control })
    const own = { ...request, messages: [{ role: "user" as const, content: [{ ...text("Hi"), cache_control }] }] }
    assert.strictEqual(PromptCache.place(own, { automatic: true }), own)
  })

  it.effect.prop(
    "places at most four breakpoints, keeps the caller's, passes validation, and does not change the hash",
    [Outline, Schema.Literals(["5m", "1h"]), Schema.Boolean],
    ([outline, ttl, automatic]) =>
      Effect.gen(function* () {
        const request = requestOf(outline)
        const placed = PromptCache.place(request, { ttl, automatic })
        yield* Segments.read(fieldsOf(placed))
        assert.isAtMost(marksOf(placed).length, 4)
        assert.includeDeepMembers([...marksOf(placed)], [...marksOf(request)])
        assert.strictEqual(Request.hash(placed), Request.hash(request))
        assert.deepStrictEqual(PromptCache.place(placed, { ttl, automatic }), placed, "there is no more to do")
      })
  )
})

describe("policy", () => {
  it.effect("each of 20 turns reads the request of the turn before, and the reported savings are exact", () =>
    Effect.gen(function* () {
      const plain = yield* measure(conversation, Emulator.layer())
      const cached = yield* measure(conversation, Emulator.layer().pipe(PromptCache.policy()))
      assert.lengthOf(cached.usages, 20)
      assert.strictEqual(plain.progress.cacheReadTokens, 0)
      for (const [turn, { cacheRead }] of cached.usages.entries()) {
        const before = cached.usages[turn - 1]
        assert.strictEqual(cacheRead, before ? before.cacheRead + before.cacheWrite5m : 0, `turn ${turn}`)
      }
      assertSaved(plain, cached)
      assert.isAbove(cached.progress.cacheReadTokens, 0.85 * cached.progress.inputTokens)
    })
  )

  it.effect("a turn of 40 blocks reads what the turn before wrote, which automatic caching does not find", () =>
    Effect.gen(function* () {
      const [, placed] = (yield* measure(turnOfTools, Emulator.layer().pipe(PromptCache.policy()))).usages
      const automatic = PromptCache.policy({ automatic: true })
      const [first, found] = (yield* measure(turnOfTools, Emulator.layer().pipe(automatic))).usages
      assert.isAbove(placed?.cacheRead ?? 0, 5000)
      assert.isAbove(first?.cacheWrite5m ?? 0, 5000)
      assert.strictEqual(found?.cacheRead, 0)
    })
  )

  it.effect("places breakpoints in streams too, but not in countTokens", () =>
    Effect.gen(function* () {
      const seen: Array<number> = []
      const see = (request: Request.Request) => Effect.sync(() => seen.push(marksOf(request).length))
      const layer = Layer.mock(Claude)({
        create: (request) => Effect.as(see(request), reply),
        stream: (request) => Stream.drain(Stream.fromEffect(see(request))),
        countTokens: (request) => Effect.as(see(request), 1)
      })
      const request = { ...question, system: long }
      yield* Claude.use((claude) =>
        Effect.all([claude.create(request), Stream.runDrain(claude.stream(request)), claude.countTokens(request)])
      ).pipe(Effect.provide(PromptCache.policy()(layer)))
      assert.deepStrictEqual(seen, [1, 1, 0])
    })
  )

  it.effect("a prompt that is sent once costs more", () =>
    Effect.gen(function* () {
      const once = Claude.use((claude) => claude.create({ ...question, system: long }))
      const { progress } = yield* measure(once, Emulator.layer().pipe(PromptCache.policy()))
      assert.match(
        `${Progress.promptCache(progress)}`,
        /^prompt cache: 0 tokens read, .*k written: cost \$0\.00\d+ more/
      )
    })
  )
})

describe("warming up", () => {
  it.effect("50 concurrent calls write their prefix once; without a warm-up, each of them writes it", () =>
    Effect.gen(function* () {
      const slow = Emulator.layer({ latency: "2 seconds", timeToFirstToken: "1 second" })
      const cold = yield* measure(asking("a", 50), PromptCache.policy()(slow))
      const warm = yield* measure(asking("a", 50), PromptCache.policy({ warmUp: "1 minute" })(slow))
      assert.deepStrictEqual([writers(cold), writers(warm)], [50, 1])
      assert.deepStrictEqual([cold.took, warm.took], [2000, 4000])
      assert.isTrue(BigDecimal.isNegative(cold.progress.cacheSaved))
      assert.isTrue(BigDecimal.isPositive(warm.progress.cacheSaved))
    })
  )

  it.effect("one call goes first for each prefix, and the others wait until its stream has a first token", () =>
    Effect.gen(function* () {
      const slow = Emulator.layer({ timeToFirstToken: "1 second", tokensPerSecond: 1 })
      const prefixes = Effect.all([streaming("a", 10), streaming("b", 10)], { concurrency: 2 })
      const warm = yield* measure(prefixes, PromptCache.policy({ warmUp: "1 minute" })(slow))
      const longest = Math.max(...warm.usages.map(({ output }) => output))
      assert.strictEqual(writers(warm), 2)
      assert.strictEqual(warm.took, 1000 + 1000 + longest * 1000)
    })
  )

  it.effect("the next call goes first when the first one fails or is interrupted", () =>
    Effect.gen(function* () {
      const ends = [Effect.fail(notYou), Effect.interrupt, Effect.succeed(reply)]
      const api = recording((call) => ends[call] ?? Effect.succeed(reply))
      yield* measure(asking("a", 5), PromptCache.policy({ warmUp: "1 minute" })(api.layer))
      assert.deepStrictEqual(api.starts, [0, 1000, 2000, 3000, 3000])
    })
  )

  it.effect("a wait is reported with its duration, and only by calls that waited", () =>
    Effect.gen(function* () {
      const waits: Array<readonly [string, number]> = []
      const listener: Event.Listener = (event) =>
        Effect.sync(() => {
          if (event._tag === "call-waited") waits.push([event.for, Duration.toSeconds(event.duration)])
        })
      const api = recording(() => Effect.succeed(reply))
      yield* measure(Event.listen(listener)(asking("a", 3)), PromptCache.policy({ warmUp: "1 minute" })(api.layer))
      assert.deepStrictEqual(waits, [
        ["warm-up", 1],
        ["warm-up", 1]
      ])
    })
  )

  it.effect("a call waits at most `warmUp`, and holds no permit while it waits", () =>
    Effect.gen(function* () {
      const api = recording(() => Effect.delay(Effect.succeed(reply), "1 hour"))
      const layer = api.layer.pipe(Concurrency.policy(3), PromptCache.policy({ warmUp: "1 minute" }))
      yield* measure(Effect.all([asking("a", 3), asking("b", 2)], { concurrency: 2 }), layer)
      assert.deepStrictEqual(api.starts.slice(0, 3), [0, 0, 60_000])
    })
  )

  it.effect("a call waits no longer if the clock is set back meanwhile", () =>
    Effect.gen(function* () {
      const api = recording(() => Effect.delay(Effect.succeed(reply), "1 hour"))
      const layer = api.layer.pipe(PromptCache.policy({ warmUp: "1 minute" }))
      yield* measure(settingBack("1 hour", asking("a", 2)), layer)
      assert.deepStrictEqual(api.starts, [0, 60_000 - 3_600_000])
    })
  )

  it.effect("one call goes first again when the entry has expired, five minutes after its last use", () =>
    Effect.gen(function* () {
      const api = recording(() => Effect.succeed(reply))
      const rounds = Effect.gen(function* () {
        for (const minutes of [0, 4, 4, 6]) yield* Effect.andThen(Effect.sleep(minutes * 60_000), asking("a", 2))
      })
      yield* measure(rounds, PromptCache.policy({ warmUp: "1 minute" })(api.layer))
      const [a, b, ...rest] = api.starts
      assert.deepStrictEqual([a, b], [0, 1000])
      const gaps = rest.map((at, index) => at - (rest[index - 1] ?? 0))
      assert.deepStrictEqual([gaps[1], gaps[3], gaps[5]], [0, 0, 1000])
    })
  )
})

describe("a job of 500 rows with a long system prompt", () => {
  it.live("writes it once and reads it 499 times, and the reported savings are exact", () =>
    Effect.gen(function* () {
      const slow = Emulator.layer({ latency: "20 millis", timeToFirstToken: "10 millis" })
      const plain = yield* running(slow.pipe(Concurrency.policy(64)))
      const cached = yield* running(slow.pipe(Concurrency.policy(64), PromptCache.policy({ warmUp: "1 minute" })))
      const [first, second] = cached.usages
      assert.strictEqual(writers(cached), 1)
      assert.strictEqual(cached.progress.cacheReadTokens, 499 * (first?.cacheWrite5m ?? 0))
      assert.strictEqual(second?.cacheRead, first?.cacheWrite5m)
      assert.strictEqual(plain.progress.cacheReadTokens, 0)
      assertSaved(plain, cached)
    })
  )
})

describe("the warm-up remembers", () => {
  it.effect("a limited number of entries, and evicts the least recently used one", () =>
    Effect.gen(function* () {
      const { layer, starts } = recording(() => Effect.succeed(reply))
      const next = yield* Claude.pipe(Effect.provide(layer))
      const warm = WarmUp.make(next, "1 minute", 2)
      const first = (name: string) => rows(name, 1)[0] ?? question
      const ask = (name: string) =>
        Effect.gen(function* () {
          const two = Effect.all([warm.create(marked(first(name))), warm.create(marked(first(name)))], {
            concurrency: 2
          })
          const begun = starts.length
          const running = yield* Effect.forkChild(two)
          yield* TestClock.adjust("2 seconds")
          yield* Fiber.join(running)
          const [one = 0, other = 0] = starts.slice(begun)
          return one === other ? "warm" : "cold"
        })
      const seen: Array<string> = []
      for (const name of ["a", "b", "a", "c", "a", "b"]) seen.push(`${name} ${yield* ask(name)}`)
      assert.deepStrictEqual(seen, ["a cold", "b cold", "a warm", "c cold", "a warm", "b cold"])
    })
  )
})

// Builders

const marked = (request: Request.Request) => PromptCache.place(request)

const fiveMinutes = { type: "ephemeral" } as const
const text = (text: string) => ({ type: "text" as const, text })
const user = (content: string) => ({ role: "user" as const, content })
const assistant = (content: string) => ({ role: "assistant" as const, content })
const tool = (name: string) => ({ name, description: long, input_schema: { type: "object" as const } })

/** About 5,000 tokens. */
const sentences = Array.from(
  { length: 400 },
  (_, line) => `The rule number ${line} of this house is to answer briefly.`
)
const long = sentences.join(" ")

const question: Request.Request = { model: "claude-sonnet-5-5", max_tokens: 200, messages: [user("What is rule 7?")] }
const reply: Reply.Reply = { message: message(), requestId: "req_1", origin: "api", rateLimits: undefined }
const notYou = new ClaudeError({ reason: new InvalidRequest({ detail: "not you" }) })

interface FoundMark {
  readonly path: string
  readonly ttl: string
}

/** All breakpoints of a request, with their paths; a text counts as one block. */
const marksOf = (value: unknown, path: ReadonlyArray<string> = []): ReadonlyArray<FoundMark> => {
  if (!Predicate.isObjectOrArray(value)) return []
  return Object.entries(value).flatMap(([key, inner]) => {
    if (key !== "cache_control") return marksOf(inner, [...path, key])
    return [{ path: path.join("."), ttl: Predicate.hasProperty(inner, "ttl") ? `${inner.ttl}` : "5m" }]
  })
}

const ttlsOf = (request: Request.Request) => marksOf(request).map(({ ttl }) => ttl)

/** The request in the form in which the API receives it. */
const fieldsOf = (request: Request.Request): Prompt.Fields => JSON.parse(JSON.stringify(request))

/** Outlines of requests of every kind: the number of words of each block, and the caller's breakpoint on it. */
const Part = Schema.Struct({
  words: Schema.Literals([0, 1, 200, 2000]),
  own: Schema.Literals(["none", "none", "5m", "1h"]),
  thinking: Schema.Boolean
})
const Outline = Schema.Struct({
  tools: Schema.Array(Part).check(Schema.isMaxLength(4)),
  system: Schema.Array(Part).check(Schema.isMaxLength(3)),
  isText: Schema.Boolean,
  messages: Schema.Array(Schema.Array(Part).check(Schema.isMaxLength(4))).check(Schema.isMaxLength(7))
})

/** The caller has at most four breakpoints, and hour breakpoints come before five-minute ones. */
const requestOf = ({ isText, messages, system, tools }: typeof Outline.Type): Request.Request => {
  let placed = 0
  let shortest: "5m" | "1h" = "1h"
  const own = ({ own, words }: typeof Part.Type) => {
    if (own === "none" || words === 0 || placed === 4) return {}
    placed += 1
    if (own === "5m") shortest = "5m"
    return { cache_control: { type: "ephemeral" as const, ttl: shortest } }
  }
  const block = (part: typeof Part.Type) => ({ ...text("word ".repeat(part.words)), ...own(part) })
  const thought = { type: "thinking" as const, thinking: "Hm.", signature: "s" }
  return {
    model: "claude-sonnet-5-5",
    max_tokens: 100,
    tools: tools.map((part, at) => ({
      ...tool(`t${at}`),
      description: "word ".repeat(part.words),
      ...(part.thinking ? { defer_loading: true } : own(part))
    })),
    system: isText ? "word ".repeat(system[0]?.words ?? 1000) : system.map(block),
    messages: messages.map((parts, at) =>
      at % 2 === 0
        ? { role: "user", content: isText ? "word ".repeat(parts[0]?.words ?? 1) : parts.map(block) }
        : { role: "assistant", content: parts.map((part) => (part.thinking ? thought : block(part))) }
    )
  }
}

interface Measured {
  readonly progress: Progress.Progress
  readonly usages: ReadonlyArray<Usage>
  /** Milliseconds. */
  readonly took: number
}

/** Runs a program, and returns its totals and the usage of each call. */
const measured = <A, E, R>(program: Effect.Effect<A, E, R>): Effect.Effect<Measured, E, R> =>
  Effect.gen(function* () {
    let progress = Progress.empty
    const usages: Array<Usage> = []
    const listener: Event.Listener = (event) =>
      Effect.sync(() => {
        progress = Progress.update(progress, event)
        if (event._tag === "call-finished") usages.push(event.usage)
      })
    const start = yield* Clock.currentTimeMillis
    yield* Event.listen(listener)(program)
    return { progress, usages, took: (yield* Clock.currentTimeMillis) - start }
  })

/** `measured`, in virtual time. */
const measure = <A, E, E2>(program: Effect.Effect<A, E, Claude>, layer: Layer.Layer<Claude, E2>) =>
  Effect.gen(function* () {
    const running = yield* measured(program).pipe(Effect.provide(layer), Effect.forkChild)
    yield* TestClock.adjust("1 day")
    return yield* Fiber.join(running)
  })

const writers = ({ usages }: Measured) => usages.filter(({ cacheWrite5m }) => cacheWrite5m > 0).length

/** Asserts that both have the same tokens, and that the reported savings are the difference in cost. */
const assertSaved = (plain: Measured, cached: Measured) => {
  assert.strictEqual(cached.progress.outputTokens, plain.progress.outputTokens)
  assert.strictEqual(cached.progress.inputTokens, plain.progress.inputTokens)
  const saved = BigDecimal.subtract(plain.progress.cost, cached.progress.cost)
  assert.isTrue(BigDecimal.equals(cached.progress.cacheSaved, saved))
  assert.isTrue(BigDecimal.isPositive(saved))
}

const conversation = Effect.gen(function* () {
  const messages: Array<Request.Request["messages"][number]> = []
  for (let turn = 1; turn <= 20; turn++) {
    messages.push(user(`What is rule ${turn * 17}? ${sentences.slice(0, 20).join(" ")}`))
    const request = { ...question, system: long, messages: [...messages] }
    const { message } = yield* Claude.use((claude) => claude.create(request))
    messages.push(assistant(Reply.text(message)))
    yield* Effect.sleep("1 minute")
  }
})

/** Two requests; the second adds 20 tool calls and their results. */
const turnOfTools = Effect.gen(function* () {
  const ids = Array.from({ length: 20 }, (_, at) => `toolu_${at}`)
  const calls = ids.map((id) => ({ type: "tool_use" as const, id, name: "look_up", input: {} }))
  const results = ids.map((id) => ({ type: "tool_result" as const, tool_use_id: id, content: "Found." }))
  const tools = [{ name: "look_up", input_schema: { type: "object" as const } }]
  const first = { ...question, tools, messages: [user(long), assistant("Yes?"), user("Look it up.")] }
  const second = {
    ...first,
    messages: [
      ...first.messages,
      { role: "assistant" as const, content: calls },
      { role: "user" as const, content: results }
    ]
  }
  const { create } = yield* Claude
  yield* create(first)
  yield* create(second)
})

const rows = (name: string, count: number): ReadonlyArray<Request.Request> =>
  Array.from({ length: count }, (_, row) => ({
    ...question,
    system: `${name} ${long}`,
    messages: [user(`What is rule ${row}?`)]
  }))

/** Concurrent calls that share a system prompt. */
const asking = (name: string, count: number) =>
  Claude.use((claude) =>
    Effect.forEach(rows(name, count), (row) => Effect.exit(claude.create(row)), { concurrency: "unbounded" })
  )

const streaming = (name: string, count: number) =>
  Claude.use((claude) =>
    Effect.forEach(rows(name, count), (row) => Stream.runDrain(claude.stream(row)), { concurrency: "unbounded" })
  )

/** A Claude that ends each call after a second, and the start times of the calls in milliseconds. */
const recording = (end: (call: number) => Effect.Effect<Reply.Reply, ClaudeError>) => {
  const starts: Array<number> = []
  const layer = Layer.mock(Claude)({
    create: () =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        const call = starts.push(now) - 1
        return Effect.delay(end(call), "1 second")
      })
  })
  return { layer, starts }
}

const house = Job.make({
  name: "house",
  source: Dataset.fromIterable(
    "rows",
    Schema.Struct({ row: Schema.Int }),
    Array.from({ length: 500 }, (_, row) => ({ row }))
  ),
  key: ({ row }) => `${row}`,
  step: Step.text("ask", ({ row }: { readonly row: number }) => ({ system: long, messages: [user(`Rule ${row}?`)] })),
  output: Schema.String,
  sink: "unused.jsonl"
})

/** Runs the job in a temporary folder. */
const running = <E>(layer: Layer.Layer<Claude, E>) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const output = `${yield* fs.makeTempDirectoryScoped()}/out.jsonl`
    return yield* measured(Job.run(house, { output }))
  }).pipe(
    Effect.scoped,
    Effect.provide([
      layer,
      Journal.layer({ job: house.name, shape: Job.shape(house) }).pipe(Layer.provide(Sqlite.layerMemory))
    ]),
    Effect.provide(NodeServices.layer)
  )
