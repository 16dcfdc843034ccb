import { assert, it } from "@effect/vitest"
import * as Nearest from "../../src/run/Nearest.ts"

it("names at most five names, those first that need the fewest changes", () => {
  const names = ["subject", "body", "id", "date", "sender", "receiver"]
  assert.strictEqual(Nearest.named("bdy", names), '"body", "id", "date", "sender", "subject"')
  assert.strictEqual(Nearest.named("Subject", ["a", "subject"]), '"subject", "a"')
  assert.strictEqual(Nearest.named("x", []), "")
})
