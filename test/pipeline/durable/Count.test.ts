import { assert, it } from "@effect/vitest"
import * as Cost from "../../../src/claude/Cost.ts"
import * as StoredReply from "../../../src/claude/StoredReply.ts"
import * as Count from "../../../src/pipeline/durable/Count.ts"
import { message } from "../../fixtures.ts"

it("a count survives its store, costs nothing, and is not taken for a message", () => {
  const reply = Count.toReply(42)
  const restored = StoredReply.decode(StoredReply.encode(reply))
  assert.strictEqual(restored && Count.fromReply({ ...reply, ...restored }), 42)
  assert.isTrue(restored && Count.isCount({ ...reply, ...restored }))
  assert.isFalse(Count.isCount({ ...reply, message: message() }))
  assert.strictEqual(Cost.format(Cost.billed(reply, new Date(0))), "$0.00")
})
