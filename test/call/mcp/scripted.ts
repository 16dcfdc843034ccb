/**
 * An MCP server over HTTP whose answers are scripted: it speaks one revision and refuses others as servers of npm do.
 */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { text } from "node:stream/consumers"
import * as Effect from "effect/Effect"

export interface Script {
  readonly version: string
  readonly tools: ReadonlyArray<object>
  /** Tools of a page of the list. */
  readonly pageSize?: number
  /** The result of a call; undefined never answers. */
  readonly call: (name: string, given: unknown) => object | undefined
  /** The status of every answer. */
  readonly status?: number
}

/** Starts a server. `methods` are the methods that it was asked for. */
export const scripted = ({ call, pageSize = 100, status, tools, version }: Script) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const methods: Array<string> = []
      const server = createServer(async (request, response) => {
        const send = (status: number, body: object) =>
          response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body))
        const { id, method, params = {} } = JSON.parse((await text(request)) || '{"method":"delete"}')
        const answer = (result: object) => send(200, { jsonrpc: "2.0", id, result })
        methods.push(method)
        if (status !== undefined) return send(status, {})
        if (method === "server/discover") {
          return send(400, { jsonrpc: "2.0", error: { code: -32000, message: "Bad Request: Server not initialized" } })
        }
        if (method === "initialize") {
          const serverInfo = { name: "scripted", version: "1" }
          return answer({ protocolVersion: version, capabilities: { tools: {} }, serverInfo })
        }
        if (method === "tools/list") {
          const from = Number(params.cursor ?? 0)
          const next = from + pageSize
          const page = tools.slice(from, next)
          return answer({ tools: page, ...(next < tools.length && { nextCursor: String(next) }) })
        }
        if (method === "tools/call") {
          const result = call(params.name, params.arguments)
          return result === undefined ? undefined : answer(result)
        }
        return response.writeHead(202).end()
      })
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      // The address of a server that listens on a port is an object.
      const { port } = server.address() as AddressInfo
      return { server, methods, url: `http://127.0.0.1:${port}/mcp` }
    }),
    ({ server }) =>
      Effect.sync(() => {
        server.closeAllConnections()
        server.close()
      })
  )
