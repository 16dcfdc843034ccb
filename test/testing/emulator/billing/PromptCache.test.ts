import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import type * as Models from "../../../../src/claude/Models.ts"
import type * as Prompt from "../../../../src/testing/emulator/request/Prompt.ts"
import * as PromptCache from "../../../../src/testing/emulator/billing/PromptCache.ts"
import * as Segments from "../../../../src/testing/emulator/request/Segments.ts"

describe("PromptCache", () => {
  it.effect("writes the prefix up to a breakpoint, and reads it for another question", () =>
    Effect.gen(function* () {
      const ask = asking()
      const first = yield* ask({ system: [block(5000, "5m")], messages: [user("What is it?")] })
      const second = yield* ask({ system: [block(5000, "5m")], messages: [user("And why?")] })
      assert.deepStrictEqual(summary(first), { rest: 7, read: 0, written5m: 5000, written1h: 0 })
      assert.deepStrictEqual(summary(second), { rest: 6, read: 5000, written5m: 0, written1h: 0 })
      assert.strictEqual(first.cache_creation_input_tokens, 5000)
    })
  )

  it.effect("does nothing without a breakpoint, or below the minimum of the model", () =>
    Effect.gen(function* () {
      for (const [model, tokens, written] of [
        ["claude-haiku-4-5", 4096, 4096],
        ["claude-haiku-4-5", 4095, 0],
        ["claude-haiku-5-5", 512, 512],
        ["claude-haiku-5-5", 511, 0],
        ["claude-sonnet-4-6", 1024, 1024],
        ["claude-sonnet-4-6", 1023, 0]
      ] as const) {
        const { written5m } = summary(yield* asking(model)({ system: [block(tokens, "5m")], messages: [user("Hi")] }))
        assert.strictEqual(written5m, written, `${model} ${tokens}`)
      }
      assert.deepStrictEqual(summary(yield* asking()({ system: [block(5000)], messages: [user("Hi")] })), {
        ...nothing,
        rest: 5005
      })
    })
  )

  it.effect("expires an entry five minutes or an hour after its last use", () =>
    Effect.gen(function* () {
      for (const [ttl, minutes] of [
        ["5m", 5],
        ["1h", 60]
      ] as const) {
        const ask = asking()
        const request = { system: [block(5000, ttl)], messages: [user("Hi")] }
        yield* ask(request)
        yield* TestClock.adjust((minutes - 1) * 60_000)
        assert.strictEqual(summary(yield* ask(request)).read, 5000, "in time, and refreshed")
        yield* TestClock.adjust((minutes - 1) * 60_000)
        assert.strictEqual(summary(yield* ask(request)).read, 5000, "still there")
        yield* TestClock.adjust(minutes * 60_000)
        assert.strictEqual(summary(yield* ask(request)).read, 0, "gone")
      }
    })
  )

  it.effect("bills each segment at the ttl of the breakpoint that ends it", () =>
    Effect.gen(function* () {
      const ask = asking()
      const messages = [{ role: "user", content: [block(300, "5m"), { type: "text", text: "Why?" }] }]
      const first = yield* ask({ system: [block(5000, "1h")], messages })
      assert.deepStrictEqual(summary(first), { rest: 4, read: 0, written5m: 301, written1h: 5000 })
      yield* TestClock.adjust("10 minutes")
      const second = yield* ask({ system: [block(5000, "1h")], messages })
      assert.deepStrictEqual(summary(second), { rest: 4, read: 5000, written5m: 301, written1h: 0 })
    })
  )

  it.effect("moves the automatic breakpoint with the conversation, and reads the entry of the last turn", () =>
    Effect.gen(function* () {
      const ask = asking()
      const cache_control = { type: "ephemeral" }
      const opening = [user("x".repeat(20_000))]
      const longer = [...opening, { role: "assistant", content: "y".repeat(400) }, user("z".repeat(40))]
      assert.deepStrictEqual(summary(yield* ask({ cache_control, messages: opening })), {
        ...nothing,
        rest: 3,
        written5m: 5001
      })
      assert.deepStrictEqual(summary(yield* ask({ cache_control, messages: longer })), {
        ...nothing,
        rest: 3,
        read: 5001,
        written5m: 118
      })
    })
  )

  it.effect("counts a few tokens after the last breakpoint as input, as the API does", () =>
    Effect.gen(function* () {
      const ask = asking()
      const request = { messages: [{ role: "user", content: [block(5000, "5m")] }] }
      assert.deepStrictEqual(summary(yield* ask(request)), { ...nothing, rest: 3, written5m: 5001 })
      assert.deepStrictEqual(summary(yield* ask(request)), { ...nothing, rest: 3, read: 5001 })
    })
  )

  it.effect("looks back twenty blocks from a breakpoint, and no further", () =>
    Effect.gen(function* () {
      for (const [added, read] of [
        [19, 5000],
        [20, 0]
      ] as const) {
        const ask = asking()
        yield* ask({ system: [block(5000, "5m")], messages: [user("Hi")] })
        const blocks = Array.from({ length: added - 1 }, () => block(1))
        const { read: found } = summary(
          yield* ask({ system: [block(5000)], messages: [{ role: "user", content: [...blocks, block(1, "5m")] }] })
        )
        assert.strictEqual(found, read, `${added} blocks later`)
      }
    })
  )

  it.effect("keeps the entries of tools and system when tool_choice changes, and shares none with other models", () =>
    Effect.gen(function* () {
      const tools = [{ name: "look_up", description: "d".repeat(20_000), cache_control: { type: "ephemeral" } }]
      const messages = [{ role: "user", content: [block(300, "5m")] }]
      const cache = PromptCache.make(0)
      const ask = asking("claude-haiku-4-5", cache)
      const first = yield* ask({ tools, messages })
      const other = summary(yield* ask({ tools, messages, tool_choice: { type: "none" } }))
      assert.strictEqual(other.read, first.cache_creation_input_tokens - 301)
      assert.strictEqual(other.written5m, 301)
      assert.strictEqual(summary(yield* asking("claude-opus-4-5", cache)({ tools, messages })).read, 0)
    })
  )

  it.effect("makes an entry readable when the answer that writes it starts", () =>
    Effect.gen(function* () {
      const ask = asking("claude-haiku-4-5", PromptCache.make(2000))
      const request = { system: [block(5000, "5m")], messages: [user("Hi")] }
      yield* ask(request)
      yield* TestClock.adjust(1999)
      assert.strictEqual(summary(yield* ask(request)).written5m, 5000)
      yield* TestClock.adjust(1)
      assert.strictEqual(summary(yield* ask(request)).read, 5000)
    })
  )
})

const asking =
  (model = "claude-haiku-4-5", cache = PromptCache.make(0)) =>
  (fields: Prompt.Fields) =>
    Effect.gen(function* () {
      const segments = yield* Segments.read(fields)
      const input = yield* cache(model, segments)
      const { cache_creation_input_tokens, cache_read_input_tokens, input_tokens } = input
      const total = input_tokens + cache_creation_input_tokens + cache_read_input_tokens
      assert.strictEqual(total, Segments.count(segments), "the parts are the whole")
      return input
    })

const block = (tokens: number, ttl?: Models.CacheTtl) => ({
  type: "text",
  text: "word".repeat(tokens),
  ...(ttl !== undefined && { cache_control: { type: "ephemeral", ttl } })
})

const user = (content: string) => ({ role: "user", content })

const nothing = { rest: 0, read: 0, written5m: 0, written1h: 0 }

const summary = ({ cache_creation, cache_read_input_tokens, input_tokens }: PromptCache.Input) => ({
  rest: input_tokens,
  read: cache_read_input_tokens,
  written5m: cache_creation.ephemeral_5m_input_tokens,
  written1h: cache_creation.ephemeral_1h_input_tokens
})
