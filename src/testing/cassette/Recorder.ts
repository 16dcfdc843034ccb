/**
 * A fetch that records its requests and responses. It passes each chunk on as it arrives, and reads a chunk only when
 * the client asks for one. Aborting a request closes the socket. Cancelling an event stream closes it too; any other
 * response that is cancelled is read to its end first, so that the recording is complete.
 */
import type { Fetch } from "../../claude/Transport.ts"
import * as Recording from "./Recording.ts"
import * as Secrets from "./Secrets.ts"

/** A fetch, and its recordings so far, in the order of the requests. */
export interface Recorder {
  readonly fetch: Fetch
  /**
   * Every exchange with a complete response, also if the client cancelled it: clients cancel an error response before a
   * retry. An event stream that broke off or was cancelled is included up to that point, where its replay ends too. A
   * response that the client neither read nor cancelled is left out, because its body is unknown.
   */
  readonly exchanges: () => ReadonlyArray<Recording.Exchange>
  /** The credentials in the headers of the requests. */
  readonly credentials: () => ReadonlyArray<Secrets.Secret>
}

/** A request, and the response as far as it has arrived. `head` is set once the headers have arrived. */
interface Call {
  readonly began: number
  readonly chunks: Array<Recording.Chunk>
  head?: Pick<Recording.Exchange, "request"> & { readonly response: Omit<Recording.Exchange["response"], "body"> }
  complete: boolean
}

/** Records the calls of `transport`. `now` is the time in milliseconds. */
export const make = (transport: Fetch, now: () => number): Recorder => {
  const calls: Array<Call> = []
  const credentials: Array<Secrets.Secret> = []

  const fetch: Fetch = (input, init) => {
    const call: Call = { began: now(), chunks: [], complete: false }
    calls.push(call)
    const request = new Request(input, init)
    credentials.push(...Secrets.ofHeaders(request.headers))
    // A body that is not a string can be read once only, and `request` holds it now.
    const text = typeof init?.body === "string" ? init.body : request.body === null ? "" : undefined
    const body = text ?? request.clone().text()
    const answer = text === undefined ? transport(request) : transport(input, init)
    return Promise.all([answer, body]).then(([response, body]) => {
      const { headers, status } = response
      call.head = {
        request: Recording.request({ ...sent(request), body }),
        response: { at: now() - call.began, status, headers: Recording.responseHeaders(headers) }
      }
      if (response.body === null) {
        call.complete = true
        return response
      }
      return new Response(recorded(response.body, call, now), { status, statusText: response.statusText, headers })
    })
  }

  const exchanges = () =>
    calls.flatMap(({ chunks, complete, head }) => {
      if (head === undefined || !(complete || isStream(head.response.headers))) return []
      const { request, response } = head
      return [{ request, response: { ...response, body: Recording.body(chunks) } }]
    })

  return { fetch, exchanges, credentials: () => credentials }
}

const isStream = (headers: Readonly<Record<string, string>>) =>
  headers["content-type"]?.includes("text/event-stream") === true

const sent = ({ headers, method, url }: Request) => {
  const { pathname, search } = new URL(url)
  return { method, path: pathname + search, headers: Object.fromEntries(headers) }
}

const recorded = (body: ReadableStream<Uint8Array>, call: Call, now: () => number): ReadableStream<Uint8Array> => {
  const reader = body.getReader()
  const next = () =>
    reader.read().then(({ value }) => {
      if (value === undefined) call.complete = true
      else call.chunks.push(Recording.chunk(now() - call.began, value))
      return value
    })
  const rest = (): Promise<void> => next().then((value) => (value === undefined ? undefined : rest()))
  return new ReadableStream<Uint8Array>(
    {
      pull: (controller) =>
        next().then((value) => (value === undefined ? controller.close() : controller.enqueue(value))),
      cancel: (reason) =>
        isStream(call.head?.response.headers ?? {}) ? reader.cancel(reason) : rest().catch(() => undefined)
    },
    { highWaterMark: 0 }
  )
}
