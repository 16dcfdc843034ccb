import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { generateText } from "../../../../src/call/text.ts"
import { Claude } from "../../../../src/claude/Claude.ts"
import * as Replay from "../../../../src/claude/Replay.ts"
import type { Request } from "../../../../src/claude/Request.ts"
import * as Usage from "../../../../src/claude/Usage.ts"
import * as Emulator from "../../../../src/testing/Emulator.ts"

describe("a summary before the answer", () => {
  it.effect("comes first, has an iteration, and replaces the prompt in the next request", () =>
    Effect.gen(function* () {
      const claude = yield* Claude
      const { message } = yield* claude.create(request(60_000))
      assert.deepStrictEqual(
        message.content.map(({ type }): string => type),
        ["compaction", "text"]
      )
      const usage = Usage.fromMessage(message.usage)
      assert.isAbove(usage.besides?.[0]?.input ?? 0, 60_000)
      assert.isBelow(Usage.totalInput(usage), 1000)

      const answer = { role: "assistant" as const, content: message.content }
      const { messages } = request(60_000)
      const next = { role: "user" as const, content: "And what is the number?" }
      const later = yield* claude.create(Object.assign(request(60_000), { messages: [...messages, answer, next] }))
      assert.isBelow(Usage.totalInput(Usage.fromMessage(later.message.usage)), 1000)
      assert.isUndefined(Usage.fromMessage(later.message.usage).besides)

      const ledger = yield* (yield* Emulator.Emulator).ledger
      const [first] = ledger
      assert.strictEqual(first && Usage.totalInput(first.usage), Usage.totalInput(Usage.sum(usage, Usage.zero)))
    }).pipe(Effect.provide(Emulator.layer()))
  )

  it.effect("is not written for a shorter prompt", () =>
    Effect.gen(function* () {
      const { message } = yield* Claude.use((claude) => claude.create(request(40_000)))
      assert.deepStrictEqual(
        message.content.map(({ type }) => type),
        ["text"]
      )
    }).pipe(Effect.provide(Emulator.layer()))
  )

  it.effect("is the same in a stream", () =>
    Effect.gen(function* () {
      const claude = yield* Claude
      const streamed = yield* Replay.toReply(claude.stream(request(60_000)))
      const { message } = yield* claude.create(request(60_000))
      assert.deepStrictEqual(streamed?.message.content, message.content)
      assert.deepStrictEqual(Usage.fromMessage(streamed?.message.usage ?? {}), Usage.fromMessage(message.usage))
    }).pipe(Effect.provide(Emulator.layer()))
  )

  it.effect("pauses the turn if the request says so, and the next call answers", () =>
    Effect.gen(function* () {
      const paused = request(60_000, { pause_after_compaction: true })
      const { message } = yield* Claude.use((claude) => claude.create(paused))
      assert.deepStrictEqual([message.stop_reason, message.content.length], ["compaction", 1])
      const reply = yield* generateText(paused)
      assert.deepStrictEqual(
        reply.message.content.map(({ type }): string => type),
        ["compaction", "text"]
      )
      assert.isAbove(reply.usage.input, 60_000)
      assert.lengthOf(yield* (yield* Emulator.Emulator).ledger, 3)
    }).pipe(Effect.provide(Emulator.layer()))
  )
})

// Builders

/** A request of about this many tokens, which the API summarises above 50,000. */
const request = (tokens: number, edit: object = {}): Request => ({
  model: "claude-sonnet-5-5",
  max_tokens: 100,
  betas: ["compact-2026-01-12"],
  context_management: {
    edits: [{ type: "compact_20260112", trigger: { type: "input_tokens", value: 50_000 }, ...edit }]
  },
  messages: [
    { role: "user", content: `The number is seven. ${"It rains. ".repeat((tokens * 4) / 10)}What is the number?` }
  ]
})
