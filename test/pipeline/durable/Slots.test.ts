import { assert, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Slots from "../../../src/pipeline/durable/Slots.ts"
import * as StoredReply from "../../../src/claude/StoredReply.ts"
import { message } from "../../fixtures.ts"

it("identical calls have the numbers from 0, and each path and request has its own", () => {
  const slots = Slots.make([], "replay")
  const numbers = [
    slots.take("a", "x"),
    slots.take("a", "x"),
    slots.take("b", "x"),
    slots.take("a", "y"),
    slots.take("a", "x")
  ]
  assert.deepStrictEqual(
    numbers.map(({ occurrence }) => occurrence),
    [0, 1, 0, 0, 2]
  )
})

it.prop("a call takes the smallest free number", [Schema.Array(Schema.Boolean)], ([steps]) => {
  const slots = Slots.make([], "replay")
  const open: Array<Slots.Slot> = []
  for (const takes of steps) {
    const taken = open.map(({ occurrence }) => occurrence)
    if (takes) {
      const free = [...taken.keys(), taken.length].find((number) => !taken.includes(number))
      open.push(slots.take("a", "x"))
      assert.strictEqual(open.at(-1)?.occurrence, free)
    } else open.splice(Math.floor(open.length / 2), 1).forEach(({ release }) => release())
  }
})

it("a call gets the stored reply of its number", () => {
  const slots = Slots.make([stored(1), stored(0, { isRejected: true })], "replay")
  assert.deepStrictEqual(
    [slots.take("a", "x"), slots.take("a", "x"), slots.take("a", "x")].map(({ stored }) => stored?.requestId),
    ["req_0", "req_1", undefined]
  )
})

it("calls skip the numbers of rejected replies where they are not wanted", () => {
  const slots = Slots.make([stored(0, { isRejected: true }), stored(1), stored(2, { isRejected: true })], "skip")
  const taken = [slots.take("a", "x"), slots.take("a", "x")]
  assert.deepStrictEqual(
    taken.map(({ occurrence, stored }) => [occurrence, stored?.requestId]),
    [
      [1, "req_1"],
      [3, undefined]
    ]
  )
})

// Builders

const stored = (occurrence: number, { isRejected = false } = {}): Slots.Stored => ({
  path: "a",
  hash: "x",
  occurrence,
  isRejected,
  reply: StoredReply.encode({ message: message(), requestId: `req_${occurrence}` })
})
