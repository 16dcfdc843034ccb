import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import type { StreamEvent } from "effect-claude"
import * as Reader from "../../../src/call/object/Reader.ts"
import * as OutputFormat from "../../../src/claude/OutputFormat.ts"

describe("a reader of an answer", () => {
  it.effect("returns a snapshot for each piece, and undefined where nothing is new", () =>
    Effect.gen(function* () {
      const reader = newReader()
      assert.deepStrictEqual(yield* reader.read([text('{"name":"A')]), [{ name: "A" }])
      assert.deepStrictEqual(yield* reader.read([ping]), [undefined])
      assert.deepStrictEqual(yield* reader.read([text("da"), text('"}')]), [{ name: "Ada" }, { name: "Ada" }])
      assert.isTrue(reader.isExact())
      assert.isFalse(reader.hasProse())
    })
  )

  it.effect("shows text that arrives together at most eight times", () =>
    Effect.gen(function* () {
      const pieces = Array.from('{"name":"' + "a".repeat(91), text)
      const snapshots = yield* newReader().read(pieces)
      assert.isAtMost(snapshots.length, 8)
      assert.deepStrictEqual(snapshots.at(-1), { name: "a".repeat(91) })
    })
  )

  it.effect("skips prose before the value, and then is not exact", () =>
    Effect.gen(function* () {
      const reader = newReader()
      assert.deepStrictEqual(yield* reader.read([text("Here it is: "), text('{"name":"Ada"}')]), [{ name: "Ada" }])
      assert.isTrue(reader.hasProse())
      assert.isFalse(reader.isExact())
    })
  )

  it.effect("starts again after a server tool, whose text before is commentary", () =>
    Effect.gen(function* () {
      const reader = newReader()
      yield* reader.read([text('I search for {"name":"no')])
      assert.deepStrictEqual(yield* reader.read([text("body"), search, text('{"name":"Ada"}')]), [{ name: "Ada" }])
      assert.isFalse(reader.hasProse())
      assert.isTrue(reader.isExact())
    })
  )
})

// Builders

const newReader = () => {
  const { part } = Result.getOrThrow(OutputFormat.make(Schema.Struct({ name: Schema.String })))
  return Reader.make(part, "value")
}

const ping: StreamEvent.StreamEvent = { type: "content_block_stop", index: 0 }

const text = (text: string): StreamEvent.StreamEvent => ({
  type: "content_block_delta",
  index: 0,
  delta: { type: "text_delta", text }
})

const search: StreamEvent.StreamEvent = {
  type: "content_block_start",
  index: 1,
  content_block: {
    type: "server_tool_use",
    id: "srvtoolu_1",
    name: "web_search",
    input: {},
    caller: { type: "direct" }
  }
}
