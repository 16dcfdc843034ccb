import { assert, describe, it } from "@effect/vitest"
import * as LastWords from "../../../src/call/mcp/LastWords.ts"

describe("the last words of a server", () => {
  it("are the error before the stack and the version of Node", () => {
    const text = `node:internal/modules/cjs/loader:1404
  throw err;
  ^

Error: Cannot find module '/srv/server.js'
    at Module._resolveFilename (node:internal/modules/cjs/loader:1401:15)
    at throwLoadError (node:internal/modules/cjs/loader:1057:27)
    at node:internal/main/run_main_module:36:49 {
  code: 'MODULE_NOT_FOUND',
  requireStack: []
}

Node.js v24.21.0
`
    assert.strictEqual(LastWords.of(text), "Error: Cannot find module '/srv/server.js'")
  })

  it("are the first lines of an error with several, such as npm's", () => {
    const text = `npm warn exec The following package was not found
npm error code E404
npm error 404 Not Found - GET https://registry.npmjs.org/mcp-none - Not found
npm error 404
npm error 404  The requested resource 'mcp-none@*' could not be found.
npm error 404 Note that you can also install from a tarball.
npm notice
npm error A complete log of this run can be found in: /root/.npm/_logs/1.log
`
    assert.strictEqual(
      LastWords.of(text),
      "npm error code E404; npm error 404 Not Found - GET https://registry.npmjs.org/mcp-none - Not found; " +
        "npm error 404  The requested resource 'mcp-none@*' could not be found."
    )
  })

  it("are the last three lines without an error", () => {
    assert.strictEqual(
      LastWords.of("one\ntwo\n\nthree\r\nUsage: server <folder>\n"),
      "two; three; Usage: server <folder>"
    )
    assert.strictEqual(LastWords.of(""), "")
    assert.lengthOf(LastWords.of("x".repeat(4000)), 300)
  })
})
