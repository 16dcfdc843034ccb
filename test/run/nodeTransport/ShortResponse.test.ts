import { assert, describe, it } from "@effect/vitest"
import { ShortResponse } from "../../../src/run/nodeTransport/ShortResponse.ts"

const raw = { "content-type": "application/json", "request-id": "req_1", "set-cookie": ["a=1", "b=2"] }
const body = '{"text":"grüße"}'

/** The same answer in both forms. */
const both = (text = body) => {
  const bytes = new TextEncoder().encode(text)
  const headers: Array<[string, string]> = [
    ["content-type", "application/json"],
    ["request-id", "req_1"],
    ["set-cookie", "a=1"],
    ["set-cookie", "b=2"]
  ]
  return [new ShortResponse(raw, "OK", bytes), new Response(bytes, { statusText: "OK", headers })] as const
}

describe("a short response reads as Node's own does", () => {
  it("in its status and its kind", () => {
    const [short, node] = both()
    assert.isTrue(short instanceof Response && short.headers instanceof Headers)
    for (const name of ["status", "ok", "statusText", "type", "url", "redirected", "bodyUsed"] as const) {
      assert.strictEqual(short[name], node[name], name)
    }
  })

  it("in its headers, whatever the case of a name", () => {
    const [short, node] = both()
    for (const name of ["request-id", "Request-Id", "set-cookie", "absent", "constructor", "to-string"]) {
      assert.strictEqual(short.headers.get(name), node.headers.get(name), name)
      assert.strictEqual(short.headers.has(name), node.headers.has(name), name)
    }
    assert.deepStrictEqual([...short.headers], [...node.headers])
    assert.deepStrictEqual([...new Headers(short.headers)], [...node.headers])
    assert.deepStrictEqual(short.headers.getSetCookie(), ["a=1", "b=2"])
    assert.throws(() => short.headers.get("no name"), TypeError)
  })

  it.each(["text", "json", "arrayBuffer", "bytes", "blob"] as const)("in its body: %s, once", async (name) => {
    const [short, node] = both()
    assert.deepStrictEqual(await short[name](), await node[name]())
    assert.strictEqual(short.bodyUsed, true)
    const again = await short[name]().catch((error: unknown) => error)
    assert.instanceOf(again, TypeError)
  })

  it("in a body that begins with a byte order mark, or is not UTF-8", async () => {
    const [short, node] = both("\uFEFF{}")
    assert.strictEqual(await short.text(), await node.text())
    const broken = new ShortResponse(raw, "OK", new Uint8Array([0x61, 0xff]))
    assert.strictEqual(await broken.text(), "a\uFFFD")
  })

  it("as a stream, and as a copy", async () => {
    const [short] = both()
    const copy = short.clone()
    assert.strictEqual(await new Response(short.body).text(), body)
    assert.strictEqual(await copy.text(), body)
  })
})
