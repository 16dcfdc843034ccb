/**
 * The `Transport` for Node: a fetch over a pool of connections, which does half the work of the global fetch. It limits
 * the time for a connection, not for an answer, which `Claude.Timeouts` limits. It uses the proxies that HTTP_PROXY,
 * HTTPS_PROXY and NO_PROXY name. Requests with more than headers and a body of text or bytes use the global fetch.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Duplex } from "node:stream"
import { constants, createBrotliDecompress, createGunzip, createInflate } from "node:zlib"
import { Agent, type Dispatcher, EnvHttpProxyAgent, errors, interceptors, Pool } from "undici"
import { pairs, type RawHeaders, ShortResponse } from "./nodeTransport/ShortResponse.ts"
import { type Fetch, globalFetch, Transport } from "../claude/Transport.ts"

/** The options of the pool. */
export interface Options {
  /**
   * The limit for opening a connection or a proxy's tunnel; then the call fails with `ConnectionFailed`. Default: 10
   * seconds.
   */
  readonly connectTimeout?: Duration.Input | undefined
}

/** The environment names a proxy with an invalid address. */
export class ProxyInvalid extends Schema.TaggedError<ProxyInvalid>()("ProxyInvalid", { detail: Schema.String }) {
  override get message() {
    return `HTTP_PROXY or HTTPS_PROXY is no valid address (${this.detail}); write it as http://host:port, or unset it`
  }
}

/** Sends calls over a pool. The pool closes with the layer's scope, together with all calls in flight. */
export const layer = ({ connectTimeout = "10 seconds" }: Options = {}): Layer.Layer<never, ProxyInvalid> =>
  Layer.effect(
    Transport,
    Effect.acquireRelease(open(Duration.toMillis(connectTimeout)), (pool) => Effect.promise(() => pool.destroy())).pipe(
      Effect.map((pool) => fetchOver(pool.compose(redirect)))
    )
  )

/**
 * HTTP/1.1 only. Over TLS at 64 in flight, HTTP/2 took 1.14 times the work for a call and 0.22 times for an event of a
 * stream. But after many aborts, undici 8.12 over node:http2 sometimes loops forever and allocates memory.
 */
const open = (connectTimeout: number) =>
  Effect.try({
    try: (): Dispatcher => {
      const options = { connectTimeout, allowH2: false, ...patient }
      if (!proxied()) return new Agent(options)
      // The only request to the proxy itself asks for a tunnel: its answer is part of opening a connection.
      const clientFactory = (url: URL, others: object) => new Pool(url, { ...others, headersTimeout: connectTimeout })
      return new EnvHttpProxyAgent({ ...options, clientFactory, noProxy: direct() })
    },
    catch: (error) => new ProxyInvalid({ detail: error instanceof Error ? error.message : String(error) })
  })

/** Whether a proxy is configured. Without one, the simpler pool is faster. */
const proxied = () => ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"].some((name) => process.env[name])

/** The hosts in NO_PROXY, and this machine: a proxy cannot reach the emulator. */
const direct = () => `${process.env["no_proxy"] ?? process.env["NO_PROXY"] ?? ""},localhost,127.0.0.1,[::1]`

/** Sent with each request too: a proxy for plain HTTP does not forward the options of the pool. */
const patient = { headersTimeout: 0, bodyTimeout: 0 }

/** Follows as many redirects as fetch does. It drops credentials when the origin changes. */
const redirect = interceptors.redirect({ maxRedirections: 20, throwOnMaxRedirect: true })

const fetchOver =
  (pool: Dispatcher): Fetch =>
  (input, init = {}) => {
    const { body, headers, method = "GET", signal } = init
    if (input instanceof Request || !isPlain(body) || !Object.keys(init).every((key) => understood.has(key))) {
      return globalFetch(input, init)
    }
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const { origin, path } = addressOf(input)
      const request = { origin, path, method, headers: headersOf(headers, method), body: body ?? null, ...patient }
      pool.dispatch(request, exchange(signal ?? undefined, resolve, reject))
    })
  }

interface Address {
  readonly origin: string
  readonly path: string
}

let lastAddress: { readonly input: string; readonly address: Address } | undefined

/** Most calls go to the same address as the call before. */
const addressOf = (input: string | URL): Address => {
  if (lastAddress !== undefined && lastAddress.input === input) return lastAddress.address
  const { origin, pathname, search } = new URL(input)
  const address = { origin, path: pathname + search }
  if (typeof input === "string") lastAddress = { input, address }
  return address
}

const prepared = new WeakMap<object, Record<string, string>>()

/** Many calls share the same frozen headers, which are prepared once. */
const headersOf = (headers: RequestInit["headers"], method: string): Record<string, string> => {
  const known = headers && prepared.get(headers)
  if (known !== undefined && method === "POST") return known
  const sent = Object.fromEntries(headers instanceof Headers ? headers : new Headers(headers))
  // To decode the answer of a call, a few KB, is as much work again as the call; results of a batch may be 100 MB.
  sent["accept-encoding"] ??= method === "GET" ? "gzip, deflate, br" : "identity"
  if (headers && !(headers instanceof Headers) && Object.isFrozen(headers) && method === "POST")
    prepared.set(headers, sent)
  return sent
}

const understood: ReadonlySet<string> = new Set(["method", "headers", "body", "signal"])

const isPlain = (body: unknown): body is string | Uint8Array | null | undefined =>
  body === null || body === undefined || typeof body === "string" || body instanceof Uint8Array

/**
 * The SDK keeps the code of a failure only where no message says "timeout". The code shows that nothing was sent, so that
 * the call is free, and that another one may fail likewise.
 */
const unconnected = (error: unknown): unknown =>
  error instanceof errors.ConnectTimeoutError
    ? Object.assign(new Error("no connection was opened within the limit"), { code: error.code })
    : error

/**
 * One request and its answer: turns the events of the pool into a `Response`. Its reader sets the pace of the socket.
 */
const exchange = (
  signal: AbortSignal | undefined,
  resolve: (response: Response) => void,
  reject: (reason: unknown) => void
): Dispatcher.DispatchHandler => {
  let socket: Dispatcher.DispatchController | undefined
  let body: ReadableByteStreamController | undefined
  let short: { readonly headers: RawHeaders; readonly statusText: string } | undefined
  let arrived: Array<Uint8Array> = []
  let waiting = 0
  let wanted = false
  let delivering = false
  /** Runs once the reader has all bytes that arrived: the answer is complete, or its connection broke. */
  let end: (() => void) | undefined
  let over = false

  const finish = () => {
    over = true
    signal?.removeEventListener("abort", abort)
  }
  const fail = (reason: unknown) => {
    if (over) return
    finish()
    reject(reason)
    body?.error(reason)
  }
  const abort = () => {
    fail(signal?.reason)
    socket?.abort(signal?.reason)
  }
  const close = () => {
    if (over) return
    finish()
    body?.close()
    body?.byobRequest?.respond(0)
  }
  // All bytes of one read of the socket are delivered as one piece: a piece costs more than its bytes. They wait here
  // until the reader asks, because a body that breaks discards its queue.
  const deliver = () => {
    delivering = false
    if (over) return
    if (arrived.length === 0) end?.()
    else if (wanted) {
      const bytes = joined(arrived)
      arrived = []
      waiting = 0
      wanted = false
      body?.enqueue(bytes)
      if (end === undefined) socket?.resume()
      else if (end === close) close()
    } else if (waiting > enough) socket?.pause()
  }
  const deliverSoon = () => {
    if (!delivering) queueMicrotask(deliver)
    delivering = true
  }

  signal?.addEventListener("abort", abort)
  return {
    onRequestStart: (controller) => {
      socket = controller
      if (over) controller.abort(signal?.reason)
    },
    onResponseStart: (_, status, headers, statusText = "") => {
      if (status < 200) return
      if (isShort(status, headers)) {
        short = { headers, statusText }
        return
      }
      const init = { status, statusText, headers: pairs(headers) }
      const stream = new ReadableStream({
        type: "bytes",
        start: (controller) => {
          body = controller
        },
        pull: () => {
          wanted = true
          deliver()
        },
        cancel: (reason) => {
          finish()
          socket?.abort(reason)
        }
      })
      resolve(new Response(withoutBody.has(status) ? null : decoded(stream, headers["content-encoding"]), init))
    },
    onResponseData: (_, chunk) => {
      arrived.push(chunk)
      waiting += chunk.length
      if (short === undefined) deliverSoon()
    },
    onResponseEnd: () => {
      end = close
      if (short === undefined) return deliverSoon()
      if (over) return
      finish()
      resolve(new ShortResponse(short.headers, short.statusText, joined(arrived)))
    },
    onResponseError: (_, error) => {
      end = () => fail(new TypeError((body ?? short) ? "terminated" : "fetch failed", { cause: unconnected(error) }))
      if (body === undefined) end()
      else deliver()
    }
  }
}

/** The number of bytes that may wait for the reader before the socket pauses. */
const enough = 64 * 1024

/**
 * Whether to deliver the answer in one piece: it declares at most 64 KB, and is no event stream. Most answers qualify,
 * and save the web stream of a body. Failed answers do not, because their status must survive a body that breaks off.
 */
const isShort = (status: number, headers: RawHeaders) =>
  status === 200 &&
  Number(headers["content-length"]) <= enough &&
  headers["content-encoding"] === undefined &&
  !String(headers["content-type"]).includes("event-stream")

type Bytes = ReadableStream<Uint8Array<ArrayBuffer>>

const withoutBody: ReadonlySet<number> = new Set([204, 205, 304])

/** A copy in one piece: a byte stream detaches the memory that it gets, and the socket still needs it. */
const joined = (chunks: ReadonlyArray<Uint8Array>): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0))
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.length
  }
  return bytes
}

/** Decodes the body, the last coding first. With an unknown coding, the body stays as it is. */
const decoded = (body: Bytes, codings: string | ReadonlyArray<string> | undefined): Bytes => {
  if (codings === undefined) return body
  const known = String(codings)
    .split(",")
    .map((coding) => decoders.get(coding.trim().toLowerCase()))
  if (known.includes(undefined)) return body
  return known.reduceRight((body, decoder) => (decoder === undefined ? body : through(body, decoder())), body)
}

// As lenient as fetch: a truncated or empty body gives the bytes that can be decoded.
const zlib = { flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH }
const brotli = { flush: constants.BROTLI_OPERATION_FLUSH, finishFlush: constants.BROTLI_OPERATION_FLUSH }

const decoders: ReadonlyMap<string, () => Duplex> = new Map([
  ["gzip", () => createGunzip(zlib)],
  ["x-gzip", () => createGunzip(zlib)],
  ["deflate", () => createInflate(zlib)],
  ["br", () => createBrotliDecompress(brotli)]
])

// Node's web streams are the global ones with other types.
const through = (body: Bytes, decoder: Duplex): Bytes =>
  body.pipeThrough(Duplex.toWeb(decoder) as ReadableWritablePair<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>)
