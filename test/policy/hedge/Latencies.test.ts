import { assert, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Latencies from "../../../src/policy/hedge/Latencies.ts"

it("knows nothing before 20 answers, and keeps kinds apart", () => {
  const latencies = Latencies.make(0.95)
  for (let millis = 1; millis < 20; millis++) latencies.add("a", millis)
  assert.isUndefined(latencies.quantile("a"))
  latencies.add("a", 20)
  assert.strictEqual(latencies.quantile("a"), 19)
  assert.isUndefined(latencies.quantile("b"))
})

it("forgets the kind that came first, beyond 1,000", () => {
  const latencies = Latencies.make(0.5)
  for (let kind = 0; kind <= 1000; kind++) for (let count = 0; count < 20; count++) latencies.add(`${kind}`, 1)
  assert.isUndefined(latencies.quantile("0"))
  assert.strictEqual(latencies.quantile("1"), 1)
})

const millis = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1000 }))

it.prop(
  "is the quantile of the last 200 answers",
  [Schema.Array(millis).check(Schema.isMinLength(20), Schema.isMaxLength(500)), Schema.Literals([0.5, 0.9, 0.95, 1])],
  ([all, share]) => {
    const latencies = Latencies.make(share)
    for (const each of all) latencies.add("kind", each)
    const sorted = all.slice(-200).toSorted((a, b) => a - b)
    const below = sorted.filter((each) => each <= (latencies.quantile("kind") ?? 0)).length
    assert.isAtLeast(below, share * sorted.length)
    assert.include(sorted, latencies.quantile("kind"))
    assert.strictEqual(latencies.quantile("kind"), sorted[Math.ceil(share * sorted.length) - 1])
  }
)
