/**
 * A fetch that keeps what goes through it. Every chunk is handed on as it comes, and read only when asked for. Aborting
 * reaches the socket; so does cancelling a stream of events, while any other answer is then read to its end.
 */
import type { Fetch } from "../../claude/Transport.ts"
import * as Recording from "./Recording.ts"
import * as Secrets from "./Secrets.ts"

/** What was recorded so far, in the order of the requests. */
export interface Recorder {
  readonly fetch: Fetch
  /**
   * Every exchange whose answer is complete, also where its reader cancelled it: a client that asks again does so with
   * errors. A stream of events that broke off, or whose reader went away, is kept as far as it came: it ends there when
   * it is played. An answer that was neither read nor cancelled is not known, and dropped.
   */
  readonly exchanges: () => ReadonlyArray<Recording.Exchange>
  /** The credentials that were sent along. */
  readonly credentials: () => ReadonlyArray<Secrets.Secret>
}

/** A request that was sent, and what has come of it. */
interface Call {
  readonly began: number
  readonly chunks: Array<Recording.Chunk>
  head?: Pick<Recording.Exchange, "request"> & { readonly response: Omit<Recording.Exchange["response"], "body"> }
  complete: boolean
}

/** Records what goes through `transport`. `now` is the time in milliseconds. */
export const make = (transport: Fetch, now: () => number): Recorder => {
  const calls: Array<Call> = []
  const credentials: Array<Secrets.Secret> = []

  const fetch: Fetch = (input, init) => {
    const call: Call = { began: now(), chunks: [], complete: false }
    calls.push(call)
    const request = new Request(input, init)
    credentials.push(...Secrets.ofHeaders(request.headers))
    // Any other body can be read once, and `request` has it now.
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
      return new Response(kept(response.body, call, now), { status, statusText: response.statusText, headers })
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

const kept = (body: ReadableStream<Uint8Array>, call: Call, now: () => number): ReadableStream<Uint8Array> => {
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
