import { assert, describe, it } from "@effect/vitest"
import * as Tickets from "../../../src/policy/rateLimit/Tickets.ts"

describe("the callers in a line", () => {
  it("stand in order of arrival where they are of one job", () => {
    const { next } = Tickets.make()
    assert.deepStrictEqual([next("a"), next("a"), next("a")], [1, 2, 3])
  })

  it("take turns where they are of several jobs, also if many of one wait already", () => {
    const tickets = Tickets.make()
    for (let call = 0; call < 100; call++) tickets.next("large")
    tickets.served(40)
    assert.deepStrictEqual([tickets.next("small"), tickets.next("small"), tickets.next("large")], [41, 42, 101])
  })

  it("save no turns while they are away", () => {
    const tickets = Tickets.make()
    assert.strictEqual(tickets.next("small"), 1)
    for (let call = 0; call < 100; call++) tickets.served(tickets.next("large"))
    assert.deepStrictEqual([tickets.next("small"), tickets.next("large")], [101, 101])
  })
})
