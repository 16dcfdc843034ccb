import { assert, describe, it } from "@effect/vitest"
import * as Messages from "../../../src/call/mcp/Messages.ts"

const encoder = new TextEncoder()
const decoder = new TextDecoder()

const output =
  '\ufeffServer started on stdio…\n\n{"level":30,"msg":"ready"}\n' +
  '{"jsonrpc":"2.0","id":1,"result":{"text":"Grüße"}}\r\nconnected\n  {"result":{},"id":2,"jsonrpc":"2.0"}\nhalf {'

describe("the standard output of an MCP server", () => {
  it("has its messages, wherever a chunk ends, without the lines for people and the log", () => {
    const bytes = encoder.encode(output)
    for (const size of [1, 2, 3, 7, 50, bytes.length]) {
      let ignored = ""
      const only = Messages.only((line) => {
        ignored += decoder.decode(line)
      })
      let messages = ""
      const all = new TextDecoder()
      for (let at = 0; at < bytes.length; at += size) {
        messages += all.decode(only(bytes.subarray(at, at + size)), { stream: true })
      }
      assert.strictEqual(
        messages,
        '{"jsonrpc":"2.0","id":1,"result":{"text":"Grüße"}}\r\n  {"result":{},"id":2,"jsonrpc":"2.0"}\n'
      )
      assert.strictEqual(ignored, 'Server started on stdio…\n\n{"level":30,"msg":"ready"}\nconnected\n')
    }
  })

  it("is not kept without end where a line does not end", () => {
    let ignored = 0
    const only = Messages.only(({ length }) => {
      ignored += length
    })
    const chunk = encoder.encode("x".repeat(1024 * 1024))
    const passed = Array.from({ length: 40 }, () => only(chunk).length).reduce((sum, length) => sum + length, 0)
    assert.deepStrictEqual([ignored, passed], [34 * 1024 * 1024, 0])
    const message = encoder.encode(`{"jsonrpc":"2.0","id":1,"result":"${"x".repeat(18 * 1024 * 1024)}`)
    assert.strictEqual(Messages.only(() => {})(message).length, message.length)
  })
})
