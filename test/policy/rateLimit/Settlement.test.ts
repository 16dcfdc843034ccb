import { assert, describe, it } from "@effect/vitest"
import * as Exit from "effect/Exit"
import type { Outcome } from "../../../src/claude/Admission.ts"
import { ClaudeError, ConnectionFailed, Overloaded } from "../../../src/claude/ClaudeError.ts"
import * as Settlement from "../../../src/policy/rateLimit/Settlement.ts"
import { message } from "../../fixtures.ts"

const expected = { requests: 1, inputTokens: 500, outputTokens: 200 }

describe("a call uses", () => {
  it("the tokens of its answer, without those that were read from the prompt cache", () => {
    const cached = message({ usage: { input_tokens: 10, output_tokens: 20, cache_read_input_tokens: 1000 } })
    assert.deepStrictEqual(used({ message: cached }), { requests: 1, inputTokens: 10, outputTokens: 20 })
  })

  it("nothing if a cache answered", () => {
    const facts = { requestId: undefined, origin: "cache", rateLimits: undefined } as const
    assert.deepStrictEqual(used({ facts, message: message() }), Settlement.nothing)
  })

  it("a token for every 4 characters that arrived, if its stream was cut off", () => {
    const cut = message({ usage: { input_tokens: 10, output_tokens: 1 } })
    const outcome = { exit: Exit.interrupt(), message: cut, length: 401 }
    assert.deepStrictEqual(used(outcome), { requests: 1, inputTokens: 10, outputTokens: 101 })
  })

  it("only its request if the API failed, and what was expected if no answer came", () => {
    const overloaded = new ClaudeError({ reason: new Overloaded({ detail: "busy", status: 529 }) })
    const lost = new ClaudeError({ reason: new ConnectionFailed({ detail: "reset" }) })
    assert.deepStrictEqual(used({ exit: Exit.fail(overloaded) }), { requests: 1, inputTokens: 0, outputTokens: 0 })
    assert.deepStrictEqual(used({ exit: Exit.fail(lost) }), expected)
  })
})

const used = (outcome: Partial<Outcome>) =>
  Settlement.of({ exit: Exit.void, facts: undefined, message: undefined, length: 0, ...outcome }, expected)
