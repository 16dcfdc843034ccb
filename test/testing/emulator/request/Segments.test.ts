import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Models from "../../../../src/claude/Models.ts"
import * as Segments from "../../../../src/testing/emulator/request/Segments.ts"

describe("Segments.read", () => {
  it.effect("splits a request into blocks in the order of the cache, with their breakpoints", () =>
    Effect.gen(function* () {
      const segments = yield* Segments.read({
        messages: [
          { role: "user", content: "Hello" },
          { role: "assistant", content: [{ type: "text", text: "Hi", cache_control: null }] },
          { role: "user", content: [{ type: "text", text: "Why?", cache_control: { type: "ephemeral" } }] }
        ],
        system: "Be brief.",
        tools: [{ name: "noop", cache_control: { type: "ephemeral", ttl: "1h" } }]
      })
      assert.deepStrictEqual(
        segments.map(({ breakpoint, path }) => [path, breakpoint]),
        [
          ["tools.0", "1h"],
          ["system.0", undefined],
          ["messages.0.content.0", undefined],
          ["messages.1.content.0", undefined],
          ["messages.2.content.0", "5m"]
        ]
      )
    })
  )

  it.effect(
    "counts a schema as the API does, with the instructions around it, and no other setting of the output",
    () =>
      Effect.gen(function* () {
        const count = (fields: Partial<Parameters<typeof Segments.read>[0]>) =>
          Effect.map(
            Segments.read({ model: "claude-opus-4-6", messages: [{ role: "user", content: "Hello" }], ...fields }),
            Segments.count
          )
        const plain = yield* count({})
        assert.strictEqual(yield* count({ output_config: {} }), plain)
        const format = { schema: { type: "object" } }
        // As `TokenEstimate` is fitted: 145 for the instructions, and 5.5 for two words and seven signs.
        assert.strictEqual(yield* count({ output_config: { format } }), plain + 151)
        assert.strictEqual(yield* count({ output_format: format }), plain + 151)
      })
  )

  it.effect("treats a string and a block with the same text alike, and ignores breakpoints in the prefix", () =>
    Effect.gen(function* () {
      const plain = yield* Segments.read({ messages: [{ role: "user", content: "Hello" }] })
      const marked = yield* Segments.read({ messages: [{ role: "user", content: [marking({ text: "Hello" })] }] })
      assert.deepStrictEqual(
        plain.map(({ key, tokens }) => ({ key, tokens })),
        marked.map(({ key, tokens }) => ({ key, tokens }))
      )
    })
  )

  it.effect("refuses the breakpoints that the API refuses, with its messages", () =>
    Effect.gen(function* () {
      const five = Array.from({ length: 5 }, () => marking({ text: "x" }))
      const cases: ReadonlyArray<readonly [fields: object, message: string]> = [
        [{ system: five }, "A maximum of 4 blocks with cache_control may be provided. Found 5."],
        [
          { system: five.slice(1), cache_control: { type: "ephemeral" } },
          "A maximum of 4 blocks with cache_control may be provided. Found 5."
        ],
        [
          { system: [marking({ text: "x" }), marking({ text: "x", ttl: "1h" })] },
          "system.1.cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control " +
            "block. Note that blocks are processed in the following order: `tools`, `system`, `messages`."
        ],
        [{ system: [marking({ text: "" })] }, "system.0: cache_control cannot be set for empty text blocks"],
        [{ cache_control: { type: "ephemeral", ttl: "1d" } }, "cache_control.ttl: Input should be '5m' or '1h'"],
        [{ system: [{ type: "text", text: "x", cache_control: {} }] }, "system.0.cache_control.type: Field required"]
      ]
      for (const [fields, message] of cases) {
        const error = yield* Effect.flip(Segments.read({ messages: [{ role: "user", content: "Hi" }], ...fields }))
        assert.deepStrictEqual([error.status, error.message], [400, message])
      }
    })
  )
})

const marking = ({ text, ttl }: { readonly text: string; readonly ttl?: Models.CacheTtl }) => ({
  type: "text",
  text,
  cache_control: { type: "ephemeral", ...(ttl !== undefined && { ttl }) }
})
