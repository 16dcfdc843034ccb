/**
 * A small MCP server of 2025-11-25 over standard input and output. It writes a second, late answer to
 * the first request, and it ends neither with its input nor on SIGTERM.
 */
import { createInterface } from "node:readline"

process.on("SIGTERM", () => {})
setInterval(() => {}, 1000)

const write = (id: unknown, answer: object) =>
  process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", id, ...answer })}\n`)
const error = { code: -32601, message: "Method not found" }
const serverInfo = { name: "lines", version: "1" }

let first: unknown
createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method } = JSON.parse(line)
  first ??= id
  if (method === "server/discover") return write(id, { error })
  if (method !== "initialize") return
  write(first, { error })
  write(id, { result: { protocolVersion: "2025-11-25", capabilities: {}, serverInfo } })
})
