import { assert, describe, it } from "@effect/vitest"
import { ClaudeError } from "effect-claude"
import * as Redact from "../../src/claude/Redact.ts"
import * as StopRules from "../../src/pipeline/StopRules.ts"
import * as Advice from "../../src/run/Advice.ts"

describe("the advice for a run of map", () => {
  it("has flags where the message of the error has code", () => {
    const error = new ClaudeError.ClaudeError({ reason: truncated })
    const { message } = StopRules.hopeless(error, Redact.redact)
    assert.match(message, /raise max_tokens; or catch this error in the step, to continue past such rows$/)
    assert.match(
      Advice.inFlags(message, 4096),
      /: run it with --max-tokens 8192 --keep$|; run it with --max-tokens 8192 --keep$/
    )
  })
})

const truncated = new ClaudeError.OutputTruncated({ detail: "the answer was cut off", text: "" })
