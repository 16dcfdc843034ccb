/**
 * The `Transport` for Node: a fetch over a pool of connections of its own, at half the work a call of the global one.
 * It waits a limited time for a connection and any time for an answer, since `Claude.Timeouts` has that, and goes
 * through the proxies that HTTP_PROXY, HTTPS_PROXY and NO_PROXY name. What is more than headers with a string or bytes
 * goes through the global fetch.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Duplex } from "node:stream"
import { constants, createBrotliDecompress, createGunzip, createInflate } from "node:zlib"
import { Agent, type Dispatcher, EnvHttpProxyAgent, interceptors, Pool } from "undici"
import { pairs, type RawHeaders, ShortResponse } from "./nodeTransport/ShortResponse.ts"
import { type Fetch, globalFetch, Transport } from "../claude/Transport.ts"

/** What can be changed of the pool. */
export interface Options {
  /** How long a connection, or a proxy's tunnel, may take to come about before the call fails with `TimedOut`. 10 seconds. */
  readonly connectTimeout?: Duration.Input | undefined
}

/** The environment names a proxy that cannot be one. */
export class ProxyInvalid extends Schema.TaggedError<ProxyInvalid>()("ProxyInvalid", { detail: Schema.String }) {
  override get message() {
    return `HTTP_PROXY or HTTPS_PROXY names no proxy (${this.detail}); write it as http://host:port, or unset it`
  }
}

/** Sends calls over a pool for as long as the layer's scope is open; then the pool is closed, whatever is in flight. */
export const layer = ({ connectTimeout = "10 seconds" }: Options = {}): Layer.Layer<never, ProxyInvalid> =>
  Layer.effect(
    Transport,
    Effect.acquireRelease(open(Duration.toMillis(connectTimeout)), (pool) => Effect.promise(() => pool.destroy())).pipe(
      Effect.map((pool) => fetchOver(pool.compose(redirect)))
    )
  )

/**
 * HTTP/1.1 only. Measured over TLS at 64 in flight, a call is 1.14 times the work over HTTP/2 and an event of a stream
 * 0.22 times; but after many aborts undici 8.12 over node:http2 sometimes loops for ever, and takes memory as it does.
 */
const open = (connectTimeout: number) =>
  Effect.try({
    try: (): Dispatcher => {
      const options = { connectTimeout, allowH2: false, ...patient }
      if (!proxied()) return new Agent(options)
      // What goes to a proxy itself is the wish for a tunnel: to wait for its answer is to wait for a connection.
      const clientFactory = (url: URL, others: object) => new Pool(url, { ...others, headersTimeout: connectTimeout })
      return new EnvHttpProxyAgent({ ...options, clientFactory, noProxy: direct() })
    },
    catch: (error) => new ProxyInvalid({ detail: error instanceof Error ? error.message : String(error) })
  })

/** Without a proxy nobody needs to ask of every call which one it takes. */
const proxied = () => ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"].some((name) => process.env[name])

/** What NO_PROXY says, and this machine: a proxy cannot reach the emulator. */
const direct = () => `${process.env["no_proxy"] ?? process.env["NO_PROXY"] ?? ""},localhost,127.0.0.1,[::1]`

/** Said with each request too, since a proxy for plain HTTP does not hand on what the pool was told. */
const patient = { headersTimeout: 0, bodyTimeout: 0 }

/** As often as fetch does. Credentials stay behind when the origin changes. */
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

/** Headers that are frozen are those of many calls: they are prepared once. */
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

/** One request and its answer: what the pool tells becomes a `Response`, whose reader sets the pace of the socket. */
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
  /** What is to happen once all that arrived was handed on: the answer is whole, or its connection broke. */
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
  // What one read of the socket brought goes on in one piece: a piece costs more than its bytes do. It waits here until
  // the reader asks, since a body that breaks forgets what it was given.
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
      end = () => fail(new TypeError((body ?? short) ? "terminated" : "fetch failed", { cause: error }))
      if (body === undefined) end()
      else deliver()
    }
  }
}

/** How much may wait for the reader, in bytes, before the socket has to wait too. */
const enough = 64 * 1024

/**
 * Whether the answer is waited for and given in one piece: it says that it has at most 64 KB, and is no stream of events.
 * Most answers are: this spares them the web stream that a body otherwise is. One that failed says so by its status,
 * which must not be lost when its body breaks off.
 */
const isShort = (status: number, headers: RawHeaders) =>
  status === 200 &&
  Number(headers["content-length"]) <= enough &&
  headers["content-encoding"] === undefined &&
  !String(headers["content-type"]).includes("event-stream")

type Bytes = ReadableStream<Uint8Array<ArrayBuffer>>

const withoutBody: ReadonlySet<number> = new Set([204, 205, 304])

/** A copy, in one piece: a byte stream takes the memory of what it is given, and the socket still needs it. */
const joined = (chunks: ReadonlyArray<Uint8Array>): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0))
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.length
  }
  return bytes
}

/** The body without the codings it was sent in, the last one first. With one that is not known it stays as it is. */
const decoded = (body: Bytes, codings: string | ReadonlyArray<string> | undefined): Bytes => {
  if (codings === undefined) return body
  const known = String(codings)
    .split(",")
    .map((coding) => decoders.get(coding.trim().toLowerCase()))
  if (known.includes(undefined)) return body
  return known.reduceRight((body, decoder) => (decoder === undefined ? body : through(body, decoder())), body)
}

// As lenient as fetch: what was coded and cut short, or is empty, gives what came.
const zlib = { flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH }
const brotli = { flush: constants.BROTLI_OPERATION_FLUSH, finishFlush: constants.BROTLI_OPERATION_FLUSH }

const decoders: ReadonlyMap<string, () => Duplex> = new Map([
  ["gzip", () => createGunzip(zlib)],
  ["x-gzip", () => createGunzip(zlib)],
  ["deflate", () => createInflate(zlib)],
  ["br", () => createBrotliDecompress(brotli)]
])

// Node's web streams are the global ones, under other types.
const through = (body: Bytes, decoder: Duplex): Bytes =>
  body.pipeThrough(Duplex.toWeb(decoder) as ReadableWritablePair<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>)
