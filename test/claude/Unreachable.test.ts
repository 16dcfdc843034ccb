import { assert, describe, it } from "@effect/vitest"
import * as ClaudeError from "../../src/claude/ClaudeError.ts"
import { isUnreachable, neverArrived } from "../../src/claude/Unreachable.ts"

describe("a request", () => {
  it("never arrived where the host has no address, refuses connections, or opens none in time", () => {
    for (const code of ["ENOTFOUND", "ECONNREFUSED", "UND_ERR_CONNECT_TIMEOUT"]) {
      assert.isTrue(isUnreachable(failed({ code })), code)
      assert.isTrue(neverArrived(failed({ code })), code)
    }
  })

  it("never arrived where no connection can come about, although the host is reachable", () => {
    const error = failed({ code: "EPROTO", shouldRetry: false })
    assert.isFalse(isUnreachable(error))
    assert.isTrue(neverArrived(error))
  })

  it("may have arrived where the connection was lost, or the API failed", () => {
    const overloaded = new ClaudeError.ClaudeError({ reason: new ClaudeError.Overloaded({ detail: "busy" }) })
    for (const error of [failed({ code: "ECONNRESET" }), failed({}), overloaded]) {
      assert.isFalse(neverArrived(error))
    }
  })
})

// Builders

const failed = (facts: { readonly code?: string; readonly shouldRetry?: boolean }) =>
  new ClaudeError.ClaudeError({ reason: new ClaudeError.ConnectionFailed({ detail: "no connection", ...facts }) })
