import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Parts from "../../../src/pipeline/journal/Parts.ts"

describe("the part of a process in a budget of 100", () => {
  it("is what it wants, or what the others leave", () => {
    assert.strictEqual(allot(10, 20, []), "20")
    assert.strictEqual(allot(10, 20, [{ allotted: 85, billed: 0, isLiving: true, isIdle: false }]), "15")
  })

  it("is refused where too little is left, with what living processes may give back", () => {
    const others = [
      { allotted: 60, billed: 25, isLiving: true, isIdle: false },
      { allotted: 30, billed: 10, isLiving: false, isIdle: false }
    ]
    assert.strictEqual(allot(11, 20, others), "10 left, 35 may come back")
  })

  it("is refused without hope where the others have no call in flight", () => {
    assert.strictEqual(
      allot(11, 20, [{ allotted: 90, billed: 25, isLiving: true, isIdle: true }]),
      "10 left, 0 may come back"
    )
  })

  it("counts the bills of a process where they are more than its part", () => {
    assert.strictEqual(
      allot(41, 41, [{ allotted: 10, billed: 60, isLiving: true, isIdle: false }]),
      "40 left, 0 may come back"
    )
  })

  it("counts the bills of a process that has asked for nothing", () => {
    assert.strictEqual(
      allot(41, 41, [{ allotted: null, billed: 60, isLiving: true, isIdle: false }]),
      "40 left, 0 may come back"
    )
  })
})

// Builders

const amount = (value: number) => BigDecimal.fromBigInt(BigInt(value))

const allot = (
  needed: number,
  wanted: number,
  others: ReadonlyArray<{
    readonly allotted: number | null
    readonly billed: number
    readonly isLiving: boolean
    readonly isIdle: boolean
  }>
) => {
  const answer = Parts.allot(
    { cap: amount(100), needed: amount(needed), wanted: amount(wanted) },
    amount(0),
    others.map(({ allotted, billed, isIdle, isLiving }) => ({
      allotted: allotted === null ? null : amount(allotted),
      billed: amount(billed),
      isLiving,
      isIdle
    }))
  )
  return answer._tag === "granted"
    ? BigDecimal.format(answer.amount)
    : `${BigDecimal.format(answer.left)} left, ${BigDecimal.format(answer.returnable)} may come back`
}
