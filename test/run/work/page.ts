/** Reads pages of a server on this machine, and finds a port for one. */
import { Effect } from "effect"
import { type Agent, createServer, get } from "node:http"

export interface Page {
  /** Undefined where no server answers. */
  readonly status: number | undefined
  readonly type: string | undefined
  readonly text: string
}

export const page = (port: number, path: string, agent?: Agent) =>
  Effect.callback<Page>((resume) => {
    const request = get({ port, path, ...(agent !== undefined && { agent }) }, (response) => {
      let text = ""
      response.setEncoding("utf8")
      response.on("data", (data) => (text += data))
      response.on("end", () =>
        resume(Effect.succeed({ status: response.statusCode, type: response.headers["content-type"], text }))
      )
    })
    request.on("error", () => resume(Effect.succeed({ status: undefined, type: undefined, text: "" })))
  })

/** A port that no server has. */
export const freePort = Effect.callback<number>((resume) => {
  const server = createServer()
  server.listen(0, () => {
    const address = server.address()
    const port = address !== null && typeof address === "object" ? address.port : 0
    server.close(() => resume(Effect.succeed(port)))
  })
})
