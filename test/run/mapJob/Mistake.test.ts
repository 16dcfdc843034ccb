import { assert, it } from "@effect/vitest"
import * as Mistake from "../../../src/run/mapJob/Mistake.ts"

it("shows the line of a mistake with a mark under the place", () => {
  const text = "first line\nsay {{nme}}\tnow"
  assert.strictEqual(
    Mistake.toText("--prompt", text, { at: 15, detail: 'there is no column "nme"' }),
    '--prompt line 2: there is no column "nme"\n  say {{nme}} now\n      ^'
  )
  assert.strictEqual(Mistake.toText("--fields", "a: x", { at: 3, detail: "no" }), "--fields: no\n  a: x\n     ^")
})

it("shows only the neighbourhood of a mistake in a long line", () => {
  const text = `${"a".repeat(1000)}!${"b".repeat(1000)}`
  const [, excerpt = "", mark = ""] = Mistake.toText("--prompt", text, { at: 1000, detail: "no" }).split("\n")
  assert.strictEqual(excerpt[mark.indexOf("^")], "!")
  assert.isBelow(excerpt.length, 110)
})
