/**
 * A server of version 2 of the MCP SDK, whose revision is 2026-07-28, over standard input and output, or over HTTP on the
 * port that is the first argument. It refuses older revisions.
 */
import { createServer } from "node:http"
import { buffer } from "node:stream/consumers"
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server"
import { serveStdio } from "@modelcontextprotocol/server/stdio"
import { z } from "zod"

const make = () => {
  const server = new McpServer({ name: "sums", version: "1.0.0" }, { capabilities: { tools: {} } })
  const inputSchema = z.object({ a: z.number(), b: z.number().optional() })
  server.registerTool("add", { description: "Adds two numbers", inputSchema }, ({ a, b = 0 }) => ({
    content: [{ type: "text", text: String(a + b) }]
  }))
  return server
}

const port = process.argv[2]
if (port === undefined) serveStdio(make, { legacy: "reject" })
else {
  const handler = createMcpHandler(make, { legacy: "reject" })
  createServer(async (request, response) => {
    const { headers, method = "GET", url = "/" } = request
    const body = await buffer(request)
    const asked = new Request(`http://127.0.0.1:${port}${url}`, {
      method,
      headers: Object.entries(headers).flatMap(([name, value]) => (typeof value === "string" ? [[name, value]] : [])),
      ...(body.length > 0 && { body })
    })
    const answer = await handler.fetch(asked)
    response.writeHead(answer.status, Object.fromEntries(answer.headers))
    response.end(Buffer.from(await answer.arrayBuffer()))
  }).listen(Number(port), "127.0.0.1")
}
