import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import { ClaudeError, NotFound, Overloaded, RateLimited, Unauthenticated } from "../../../src/claude/ClaudeError.ts"
import { isOver, pause } from "../../../src/policy/messageBatches/Repeat.ts"

const busy = new ClaudeError({ reason: new Overloaded({ detail: "" }) })

describe("the pause", () => {
  it("doubles from 2 seconds up to the longest, and is never shorter than retry-after", () => {
    const seconds = [1, 2, 3, 8, 100].map((failures) => Duration.toSeconds(pause(busy, failures, Duration.minutes(5))))
    assert.deepStrictEqual(seconds, [2, 4, 8, 256, 300])
    const limited = new ClaudeError({ reason: new RateLimited({ detail: "", retryAfter: Duration.minutes(7) }) })
    assert.strictEqual(Duration.toMinutes(pause(limited, 1, Duration.minutes(5))), 7)
  })
})

describe("the patience", () => {
  it.each([
    ["an hour with an outage", busy, 60],
    ["ten minutes with a batch that is not found", new ClaudeError({ reason: new NotFound({ detail: "" }) }), 10],
    ["no time with a refused key", new ClaudeError({ reason: new Unauthenticated({ detail: "" }) }), 0]
  ] as const)("is %s", (_, error, minutes) => {
    assert.isTrue(isOver(error, 0, minutes * 60_000))
    assert.isFalse(minutes > 0 && isOver(error, 0, minutes * 60_000 - 1))
  })

  it("has no end at a rate limit", () => {
    assert.isFalse(isOver(new ClaudeError({ reason: new RateLimited({ detail: "" }) }), 0, 1e12))
  })
})
