import { spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { createSecureServer } from "node:http2"
import { type AddressInfo, connect, createServer as createTcpServer, type Server, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { brotliCompressSync, constants, createGzip, deflateSync, gzipSync } from "node:zlib"
import { assert, describe, it } from "@effect/vitest"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { generate } from "selfsigned"
import { afterEach } from "vitest"
import * as AnthropicClient from "../../src/claude/AnthropicClient.ts"
import * as Api from "../../src/claude/Api.ts"
import { Claude } from "../../src/claude/Claude.ts"
import * as StreamEvent from "../../src/claude/StreamEvent.ts"
import { Transport } from "../../src/claude/Transport.ts"
import * as NodeTransport from "../../src/run/NodeTransport.ts"
import { firstHalf, message, request, sse } from "../fixtures.ts"

describe("an answer", () => {
  it.live("has the status, every value of every header, and the body", () =>
    Effect.gen(function* () {
      const { url } = yield* serve((_, response) =>
        response.writeHead(418, "Short and stout", ["set-cookie", "a=1", "set-cookie", "b=2"]).end("no coffee")
      )
      const answer = yield* send(url)
      assert.instanceOf(answer, Response)
      assert.strictEqual(answer.status, 418)
      assert.strictEqual(answer.statusText, "Short and stout")
      assert.deepStrictEqual(answer.headers.getSetCookie(), ["a=1", "b=2"])
      assert.strictEqual(yield* attempt(() => answer.text()), "no coffee")
    }).pipe(pooled)
  )

  it.live("has no body if the status allows none", () =>
    Effect.gen(function* () {
      const { url } = yield* serve((_, response) => response.writeHead(204).end())
      assert.strictEqual((yield* send(url)).body, null)
      assert.strictEqual(yield* ask(url), "")
    }).pipe(pooled)
  )

  it.live("is decoded from every known coding, and unchanged with an unknown coding", () =>
    Effect.gen(function* () {
      const coded = new Map([
        ["gzip", gzipSync(text)],
        ["X-GZip", gzipSync(text)],
        ["deflate", deflateSync(text)],
        ["br", brotliCompressSync(text)],
        ["deflate, gzip", gzipSync(deflateSync(text))],
        ["constructor", Buffer.from(text)]
      ])
      const { url } = yield* serve((request, response) => {
        const coding = decodeURIComponent(request.url.slice(1))
        response.writeHead(200, { "content-encoding": coding }).end(coded.get(coding))
      })
      for (const coding of coded.keys()) {
        assert.strictEqual(yield* ask(url + encodeURIComponent(coding)), text, coding)
      }
    }).pipe(pooled)
  )

  it.live("that is coded can be empty or truncated, and has the bytes that arrived", () =>
    Effect.gen(function* () {
      const gzip = gzipSync(text)
      const { url } = yield* serve(({ url }, response) =>
        url === "/empty"
          ? response.writeHead(200, { "content-encoding": "gzip", "content-length": 0 }).end()
          : response.writeHead(200, { "content-encoding": url === "/br" ? "br" : "gzip" }).end(cut.get(url))
      )
      const cut = new Map([
        ["/gzip", gzip.subarray(0, gzip.length - 8)],
        ["/br", brotliCompressSync(text).subarray(0, -1)]
      ])
      assert.strictEqual(yield* ask(`${url}empty`), "")
      assert.strictEqual(yield* ask(`${url}gzip`), text)
      assert.include(text, yield* ask(`${url}br`))
    }).pipe(pooled)
  )

  it.live("emits each event of a coded stream when it arrives", () =>
    Effect.gen(function* () {
      const { url } = yield* serve((_, response) => {
        response.writeHead(200, { "content-encoding": "gzip" })
        const gzip = createGzip({ flush: constants.Z_SYNC_FLUSH })
        gzip.pipe(response)
        gzip.write("first")
      })
      assert.strictEqual(yield* (yield* read(url)).next, "first")
    }).pipe(pooled)
  )

  it.live("is requested uncoded by a call and coded by a download, unless the caller chooses", () =>
    Effect.gen(function* () {
      const { url, received } = yield* serve((_, response) => response.end())
      yield* ask(url, post)
      yield* ask(url)
      yield* ask(url, { ...post, headers: { "Accept-Encoding": "br" } })
      const asked = received.map(({ headers }) => headers["accept-encoding"])
      assert.deepStrictEqual(asked, ["identity", "gzip, deflate, br", "br"])
    }).pipe(pooled)
  )

  it.live("follows redirects: 307 and 308 send the body again, the others use GET", () =>
    Effect.gen(function* () {
      const { url, received } = yield* serve((request, response) =>
        request.url === "/there"
          ? response.end("here")
          : response.writeHead(Number(request.url.slice(1)), { location: "/there" }).end("moved")
      )
      for (const status of [301, 302, 303, 307, 308]) {
        assert.strictEqual(yield* ask(url + status, post), "here")
        const again = status > 303 ? { method: "POST", body: "{}" } : { method: "GET", body: "" }
        assert.deepInclude(received.at(-1), { url: "/there", ...again }, `${status}`)
      }
    }).pipe(pooled)
  )

  it.live("fails after too many redirects; a key is not sent to another origin", () =>
    Effect.gen(function* () {
      const endless = yield* serve(({ url }, response) => response.writeHead(307, { location: `${url}x` }).end())
      const error = yield* rejection(ask(endless.url, post))
      assert.match(String(error.cause), /redirect/i)
      assert.strictEqual(endless.received.length, 21)
      const other = yield* serve((_, response) => response.end())
      const { url } = yield* serve((_, response) => response.writeHead(308, { location: other.url }).end())
      yield* ask(url, { ...post, headers: { authorization: "Bearer key", "x-other": "stays" } })
      assert.deepInclude(other.received[0]?.headers, { "x-other": "stays" })
      assert.notProperty(other.received[0]?.headers, "authorization")
    }).pipe(pooled)
  )
})

describe("a request", () => {
  it.live("carries strings, bytes and headers in any form", () =>
    Effect.gen(function* () {
      const { url, received } = yield* serve((_, response) => response.end())
      const bytes = new TextEncoder().encode("bytes")
      yield* ask(`${url}a?b=c#d`, { method: "PUT", body: "gr\u00fcn", headers: new Headers({ "X-Name": "one" }) })
      yield* ask(new URL("/e", url), { method: "POST", body: bytes, headers: [["x-name", "two"]] })
      assert.deepInclude(received[0], { method: "PUT", url: "/a?b=c", body: "gr\u00fcn" })
      assert.deepInclude(received[0]?.headers, { "x-name": "one", "content-length": "5" })
      assert.deepInclude(received[1], { method: "POST", url: "/e", body: "bytes" })
      assert.deepInclude(received[1]?.headers, { "x-name": "two" })
    }).pipe(pooled)
  )

  it.live("uses the global fetch for anything else", () =>
    Effect.gen(function* () {
      const { url, received } = yield* serve((_, response) => response.end("answer"))
      const form = new FormData()
      form.set("file", new Blob(["content"]), "name")
      assert.strictEqual(yield* ask(url, { method: "POST", body: form }), "answer")
      assert.strictEqual(yield* ask(new Request(url, post)), "answer")
      assert.strictEqual(yield* ask(url, { ...post, redirect: "manual" }), "answer")
      assert.match(received[0]?.headers["content-type"] ?? "", /^multipart\/form-data/)
      assert.deepStrictEqual(
        received.map(({ headers }) => headers["sec-fetch-mode"]),
        ["cors", "cors", "cors"]
      )
    }).pipe(pooled)
  )

  it.live("that cannot be sent rejects instead of throwing", () =>
    Effect.gen(function* () {
      assert.instanceOf(yield* rejection(ask("no address")), TypeError)
      assert.instanceOf(yield* rejection(ask("ftp://127.0.0.1/")), TypeError)
      assert.instanceOf(yield* rejection(ask("http://127.0.0.1/", { headers: { "a b": "c" } })), TypeError)
    }).pipe(pooled)
  )
})

describe("connections", () => {
  it.live("are reused", () =>
    Effect.gen(function* () {
      const { url, sockets } = yield* serve((_, response) => response.end(text))
      for (let call = 0; call < 10; call++) yield* ask(url, post)
      // A connection is free shortly after the end of its answer, so a second one may be needed.
      assert.isAtMost(sockets.length, 2)
    }).pipe(pooled)
  )

  it.live("are as many as the calls in flight, so that no call waits for another", () =>
    Effect.gen(function* () {
      const waiting: Array<ServerResponse> = []
      const { url, sockets } = yield* serve((_, response) => {
        if (waiting.push(response) === 256) for (const response of waiting) response.end(text)
      })
      const answers = yield* Effect.replicateEffect(ask(url, post), 256, { concurrency: "unbounded" })
      assert.deepStrictEqual(new Set(answers), new Set([text]))
      assert.strictEqual(sockets.length, 256)
    }).pipe(pooled)
  )

  it.live("speak HTTP/1.1 with a server that also speaks HTTP/2", () =>
    Effect.gen(function* () {
      const { url, versions } = yield* secure
      assert.deepInclude(yield* program(url, yield* trust), { stdout: "secret", code: 0 })
      assert.deepStrictEqual(versions, ["1.1"])
    })
  )

  it.live("that cannot be opened fail with the code of the system", () =>
    Effect.gen(function* () {
      const { url, close } = yield* serve((_, response) => response.end())
      yield* close
      const error = yield* rejection(ask(url, post))
      assert.instanceOf(error, TypeError)
      assert.deepInclude(error.cause, { code: "ECONNREFUSED" })
    }).pipe(pooled)
  )

  it.live("that break in the middle of an answer break its body, with the code", () =>
    Effect.gen(function* () {
      const { url } = yield* serve((_, response) => response.writeHead(200).write("half", () => response.destroy()))
      const { next } = yield* read(url)
      assert.strictEqual(yield* next, "half")
      assert.deepInclude((yield* rejection(next)).cause, { code: "UND_ERR_SOCKET" })
    }).pipe(pooled)
  )

  it.live("that break while the reader waits keep all bytes that arrived", () =>
    Effect.gen(function* () {
      const { url, sockets } = yield* serve((_, response) => {
        response.writeHead(200).write("one")
        setTimeout(() => response.write("two"), 20)
        setTimeout(() => response.destroy(), 40)
      })
      const { next } = yield* read(url)
      assert.strictEqual(yield* next, "one")
      yield* until(() => sockets.length === 1 && open(sockets) === 0)
      yield* Effect.sleep("20 millis")
      assert.strictEqual(yield* next, "two")
      assert.deepInclude((yield* rejection(next)).cause, { code: "UND_ERR_SOCKET" })
    }).pipe(pooled)
  )
})

describe("an abort", () => {
  it.live("before the headers rejects as fetch does, and closes this socket and no other", () =>
    Effect.gen(function* () {
      const others: Array<ServerResponse> = []
      const { url, sockets } = yield* serve((request, response) => {
        if (request.url === "/other") others.push(response)
      })
      const abort = aborting()
      const aborted = yield* Effect.forkChild(rejection(ask(url, { ...post, signal: abort.signal })))
      const other = yield* Effect.forkChild(ask(`${url}other`, post))
      yield* until(() => sockets.length === 2 && others.length === 1)
      abort.abort()
      const error = yield* Fiber.join(aborted)
      assert.instanceOf(error, DOMException)
      assert.strictEqual(error.name, "AbortError")
      yield* until(() => open(sockets) === 1)
      others[0]?.end("whole")
      assert.strictEqual(yield* Fiber.join(other), "whole")
    }).pipe(pooled)
  )

  it.live("while the body is read breaks the body and closes the socket, and keeps its reason", () =>
    Effect.gen(function* () {
      const { url, sockets } = yield* serve((_, response) => response.writeHead(200).write("half"))
      const abort = aborting()
      const { next } = yield* read(url, { ...post, signal: abort.signal })
      assert.strictEqual(yield* next, "half")
      const waiting = yield* Effect.forkChild(rejection(next), { startImmediately: true })
      abort.abort(new RangeError("no longer wanted"))
      assert.strictEqual((yield* Fiber.join(waiting)).message, "no longer wanted")
      yield* until(() => open(sockets) === 0)
    }).pipe(pooled)
  )

  it.live("breaks the body at once, with any number of buffered bytes", () =>
    Effect.gen(function* () {
      const { url } = yield* serve((_, response) => {
        response.writeHead(200).write("one")
        setTimeout(() => response.write("two"), 20)
      })
      const abort = aborting()
      const { next } = yield* read(url, { ...post, signal: abort.signal })
      assert.strictEqual(yield* next, "one")
      yield* Effect.sleep("50 millis")
      abort.abort(new RangeError("no longer wanted"))
      assert.strictEqual((yield* rejection(next)).message, "no longer wanted")
    }).pipe(pooled)
  )

  it.live("before the call, or while it connects, sends nothing and does not wait for the connection", () =>
    Effect.gen(function* () {
      const { url, sockets } = yield* silent
      const early = yield* rejection(ask(url, { signal: AbortSignal.abort() }))
      assert.strictEqual(early.name, "AbortError")
      assert.strictEqual(sockets.length, 0)
      const server = yield* serve((_, response) => response.end())
      for (const address of [url, server.url]) {
        const abort = aborting()
        const call = yield* Effect.forkChild(rejection(ask(address, { ...post, signal: abort.signal })), {
          startImmediately: true
        })
        abort.abort()
        assert.strictEqual((yield* Fiber.join(call)).name, "AbortError")
      }
      yield* until(() => server.sockets.length === 1 && open(server.sockets) === 0)
      assert.strictEqual(server.received.length, 0)
    }).pipe(pooled)
  )

  it.live("after the answer has no effect: the connection stays open", () =>
    Effect.gen(function* () {
      const { url, sockets } = yield* serve((_, response) => response.end(text))
      const abort = aborting()
      yield* ask(url, { ...post, signal: abort.signal })
      abort.abort()
      yield* ask(url, post)
      assert.strictEqual(open(sockets), sockets.length)
    }).pipe(pooled)
  )

  it.live("among many others leaves every other answer complete", () =>
    Effect.gen(function* () {
      const { url } = yield* serve((request, response) => {
        setTimeout(() => response.end(request.url), Number(request.url.slice(1)) % 30)
      })
      const call = (index: number) => {
        const signal = index % 3 === 0 ? AbortSignal.timeout(index % 20) : null
        const name = Effect.catch(ask(url + index, { ...post, signal }), ({ error }) => Effect.succeed(error.name))
        return Effect.map(name, (name) => assert.include([`/${index}`, ...(signal ? ["TimeoutError"] : [])], name))
      }
      yield* Effect.forEach(
        Array.from({ length: 1_000 }, (_, index) => index),
        call,
        { concurrency: 64, discard: true }
      )
    }).pipe(pooled)
  )
})

describe("a reader", () => {
  it.live("that stops closes the socket", () =>
    Effect.gen(function* () {
      const { url, sockets } = yield* serve((_, response) => response.writeHead(200).write("half"))
      const { cancel, next } = yield* read(url)
      assert.strictEqual(yield* next, "half")
      yield* cancel
      yield* until(() => open(sockets) === 0)
    }).pipe(pooled)
  )

  it.live("that pauses makes the server wait, and later reads every byte", () =>
    Effect.gen(function* () {
      const [size, piece] = [64 * 1024 * 1024, 64 * 1024]
      let written = 0
      const { url } = yield* serve((_, response) => {
        const go = (): void => {
          while (written < size) {
            written += piece
            if (!response.write(Buffer.alloc(piece, written / piece))) return void response.once("drain", go)
          }
          response.end()
        }
        go()
      })
      const answer = yield* send(url, post)
      let before = -1
      while (before !== written) {
        before = written
        yield* Effect.sleep("100 millis")
      }
      assert.isBelow(written, size / 2)
      const bytes = new Uint8Array(yield* attempt(() => answer.arrayBuffer()))
      assert.strictEqual(bytes.length, size)
      for (let at = 0; at < size; at += 1_009) assert.strictEqual(bytes[at], (Math.floor(at / piece) + 1) % 256)
    }).pipe(pooled)
  )

  it.live("may request several pieces at once, and provide its own buffer", () =>
    Effect.gen(function* () {
      const { url } = yield* serve((_, response) => {
        response.write("one")
        setTimeout(() => response.write("two"), 50)
        setTimeout(() => response.end(), 100)
      })
      const { next } = yield* read(url)
      assert.deepStrictEqual(yield* Effect.all([next, next, next], { concurrency: 3 }), ["one", "two", undefined])
      const { body } = yield* send(url, post)
      assert.exists(body)
      const own = body.getReader({ mode: "byob" })
      const sizes = [2, 9, 9, 9].map((size) => attempt(() => own.read(new Uint8Array(size))))
      const pieces = yield* Effect.all(sizes)
      assert.deepStrictEqual(
        pieces.map(({ value }) => value?.length),
        [2, 1, 3, 0]
      )
    }).pipe(pooled)
  )
})

describe("the layer", () => {
  it.live("closes its connections, busy or idle, when its scope closes", () =>
    Effect.gen(function* () {
      const { url, sockets } = yield* serve((request, response) => {
        if (request.url === "/done") response.end(text)
        if (request.url === "/half") response.writeHead(200).write("half")
      })
      const [fetch, unanswered, half] = yield* Effect.gen(function* () {
        yield* ask(`${url}done`, post)
        const unanswered = yield* Effect.forkScoped(rejection(ask(`${url}silent`, post)))
        const half = yield* read(`${url}half`)
        assert.strictEqual(yield* half.next, "half")
        return [yield* Transport, unanswered, half] as const
      }).pipe(pooled)
      const late = Effect.provideService(ask(url, post), Transport, fetch)
      for (const failure of [Fiber.join(unanswered), rejection(half.next), rejection(late)]) {
        assert.deepInclude((yield* failure).cause, { code: "UND_ERR_DESTROYED" })
      }
      yield* until(() => open(sockets) === 0)
    })
  )

  it.live("lets a finished program exit, with its scope open or closed", () =>
    Effect.gen(function* () {
      const answer = JSON.stringify(message("answer"))
      const { url } = yield* serve((_, response) => response.writeHead(200, json).end(answer))
      for (const modes of [["create"], ["create", "open"]]) {
        const { idle, ...rest } = yield* program(url, {}, ...modes)
        assert.deepStrictEqual(rest, { code: 0, stdout: "answer", stderr: "" }, modes.join())
        assert.isBelow(idle, 1_500, modes.join())
      }
    })
  )
})

describe("the environment", () => {
  it.live("adds certificates to trust: NODE_EXTRA_CA_CERTS", () =>
    Effect.gen(function* () {
      const { url } = yield* secure
      assert.match((yield* program(url, {})).stdout, /self-signed|unable to verify/)
      assert.deepInclude(yield* program(url, yield* trust), { stdout: "secret", stderr: "" })
    })
  )

  it.live("names proxies, HTTP_PROXY and HTTPS_PROXY, for all hosts except NO_PROXY and this machine", () =>
    Effect.gen(function* () {
      const proxy = yield* forward
      const plain = yield* serve((_, response) => response.end("plain"))
      const { url } = yield* secure
      const env = { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url, ...(yield* trust) }
      assert.deepInclude(yield* program(outside(plain.url), env), { stdout: "plain by proxy", stderr: "" })
      assert.deepInclude(yield* program(outside(url), env), { stdout: "secret", stderr: "" })
      assert.deepStrictEqual(proxy.asked, [outside(plain.url), new URL(outside(url)).host])
      const direct = { ...env, NO_PROXY: "example.com, 0.0.0.0" }
      assert.deepInclude(yield* program(outside(url), direct), { stdout: "secret", stderr: "" })
      assert.deepInclude(yield* program(plain.url, env), { stdout: "plain", stderr: "" })
      assert.strictEqual(proxy.asked.length, 2)
    })
  )

  it.live("with an invalid proxy stops the command line, with the reason", () =>
    Effect.gen(function* () {
      const output = join(yield* folder, "out.jsonl")
      const env = { HTTPS_PROXY: "proxy:8080", ANTHROPIC_API_KEY: "key" }
      const { code, stderr } = yield* node(["src/run/main.ts", "run", "test/run/mails.job.ts", "--output", output], env)
      assert.strictEqual(code, 2)
      assert.match(stderr, /HTTP_PROXY or HTTPS_PROXY is no valid address.*write it as http:\/\/host:port, or unset it/)
    })
  )
})

describe("Claude over it", () => {
  it.live("fails with TimedOut if a proxy opens no tunnel, and leaves no socket open", () =>
    Effect.gen(function* () {
      const proxy = yield* silent
      const before = process.env["HTTPS_PROXY"]
      process.env["HTTPS_PROXY"] = proxy.url.replace("https:", "http:")
      yield* Effect.addFinalizer(() => Effect.sync(() => restore("HTTPS_PROXY", before)))
      const { reason } = yield* Effect.gen(function* () {
        const failed = yield* Effect.flip(create)
        yield* until(() => proxy.sockets.length === 1 && open(proxy.sockets) === 0)
        return failed
      }).pipe(Effect.provide(claude("https://api.example.com", { connectTimeout: "200 millis" })))
      assert.strictEqual(reason._tag, "TimedOut")
    })
  )

  it.live("answers and streams, and reuses its connections", () =>
    Effect.gen(function* () {
      // The body of a stream ends a while after its last event, as it does behind a proxy.
      const { url, sockets } = yield* serve(({ body }, response) => {
        if (!streams(body)) return response.writeHead(200, json).end(JSON.stringify(message()))
        response.writeHead(200, eventStream).write(sse(StreamEvent.fromMessage(message())))
        setTimeout(() => response.end(), 20)
      })
      const both = Effect.gen(function* () {
        assert.deepInclude(yield* create, { message: message(), requestId: "req_1" })
        const [, ...events] = yield* Stream.runCollect(stream)
        assert.deepStrictEqual(events, StreamEvent.fromMessage(message()))
      })
      yield* Effect.provide(Effect.replicateEffect(both, 5), claude(url))
      assert.isAtMost(sockets.length, 2)
    })
  )

  it.live("closes the socket of a call or stream that is interrupted or only partly read", () =>
    Effect.gen(function* () {
      const { url, received, sockets } = yield* serve(({ body }, response) => {
        if (streams(body)) response.writeHead(200, eventStream).write(sse(firstHalf(message())))
      })
      yield* Effect.gen(function* () {
        for (const call of [create, Stream.runDrain(stream)]) {
          const before = received.length
          const fiber = yield* Effect.forkChild(call)
          yield* until(() => received.length > before)
          yield* Effect.sleep("50 millis")
          assert.strictEqual(open(sockets), 1)
          yield* Fiber.interrupt(fiber)
          yield* until(() => open(sockets) === 0)
        }
        assert.strictEqual((yield* Stream.runCollect(Stream.take(stream, 2))).length, 2)
        yield* until(() => open(sockets) === 0)
      }).pipe(Effect.provide(claude(url)))
    })
  )

  it.live("fails with the reason of the status even if the body breaks off", () =>
    Effect.gen(function* () {
      const { url } = yield* serve(({ headers }, response) => {
        const status = Number(headers["x-status"])
        response.writeHead(status, { ...json, "retry-after": "7", "content-length": 500 })
        response.write('{"type":"error"', () => setTimeout(() => response.destroy(), 20))
      })
      for (const [status, tag] of [
        ["429", "RateLimited"],
        ["401", "Unauthenticated"]
      ] as const) {
        const headers = { "x-status": status }
        const call = Claude.use((claude) => claude.create({ ...request, headers }))
        const { reason } = yield* Effect.flip(Effect.provide(call, claude(url)))
        assert.deepInclude(reason, { _tag: tag, status: Number(status), requestId: "req_1" })
      }
    })
  )

  it.live("fails with ConnectionFailed and its code, also if no connection opens in time", () =>
    Effect.gen(function* () {
      const { url, close } = yield* serve(() => {})
      yield* close
      const refused = yield* Effect.flip(Effect.provide(create, claude(url)))
      assert.deepInclude(refused.reason, { _tag: "ConnectionFailed", code: "ECONNREFUSED" })
      const mute = yield* silent
      const late = yield* Effect.flip(Effect.provide(create, claude(mute.url, { connectTimeout: "200 millis" })))
      assert.deepInclude(late.reason, { _tag: "ConnectionFailed", code: "UND_ERR_CONNECT_TIMEOUT" })
    })
  )
})

// Builders

const text = JSON.stringify({ text: "to be or not to be ".repeat(50) })
const post = { method: "POST", body: "{}" } as const
const json = { "content-type": "application/json", "request-id": "req_1" }
const eventStream = { "content-type": "text/event-stream" }
const streams = (body: string) => body.includes('"stream":true')

const pooled = Effect.provide(NodeTransport.layer())

class Rejected extends Data.TaggedError("Rejected")<{ readonly error: Error }> {}

const attempt = <A>(promise: () => Promise<A>) =>
  Effect.tryPromise({
    try: promise,
    catch: (error) => new Rejected({ error: error instanceof Error ? error : new Error(String(error)) })
  })

const rejection = <A>(call: Effect.Effect<A, Rejected>) => Effect.map(Effect.flip(call), ({ error }) => error)

const aborting = () => new AbortController()

const send = (url: string | URL | Request, init?: RequestInit) =>
  Effect.flatMap(Transport, (fetch) => attempt(() => fetch(url, init)))

const ask = (url: string | URL | Request, init?: RequestInit) =>
  Effect.flatMap(send(url, init), (answer) => attempt(() => answer.text()))

/** Reads piece by piece; `undefined` marks the end. */
const read = Effect.fnUntraced(function* (url: string, init: RequestInit = post) {
  const reader = (yield* send(url, init)).body?.getReader()
  assert.exists(reader)
  const next = Effect.map(
    attempt(() => reader.read()),
    ({ value }) => value && new TextDecoder().decode(value)
  )
  return { next, cancel: attempt(() => reader.cancel()) }
})

const until = (condition: () => boolean) =>
  Effect.sleep("5 millis").pipe(
    Effect.repeat({ until: condition }),
    Effect.timeoutOrElse({ duration: "5 seconds", orElse: () => Effect.sync(() => assert.isTrue(condition())) })
  )

afterEach(() => Effect.runPromise(until(() => !process.getActiveResourcesInfo().includes("TCPSocketWrap"))))

/** Starts a server that listens until the test ends. */
const listen = Effect.fnUntraced(function* (server: Server) {
  const sockets: Array<Socket> = []
  server.on("connection", (socket: Socket) => sockets.push(socket))
  yield* Effect.callback<void>((resume) => void server.listen(0, () => resume(Effect.void)))
  const close = Effect.sync(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  yield* Effect.addFinalizer(() => close)
  const { port } = server.address() as AddressInfo // a TCP server has no other kind of address
  return { url: `http://127.0.0.1:${port}/`, sockets, close }
})

const open = (sockets: ReadonlyArray<Socket>) => sockets.filter(({ destroyed }) => !destroyed).length

interface Received {
  readonly url: string
  readonly method: string | undefined
  readonly headers: IncomingMessage["headers"]
  readonly body: string
}

/** A server that reads each request to its end before it answers. */
const serve = Effect.fnUntraced(function* (answer: (received: Received, response: ServerResponse) => unknown) {
  const received: Array<Received> = []
  const server = createServer((incoming, response) => {
    let body = ""
    incoming.setEncoding("utf8").on("data", (text) => (body += text))
    incoming.on("end", () => {
      const { headers, method, url = "" } = incoming
      const request = { headers, method, url, body }
      received.push(request)
      answer(request, response)
    })
  })
  return { ...(yield* listen(server)), received }
})

/** A server that accepts connections and never answers, so that TLS does not start. */
const silent = Effect.map(
  Effect.suspend(() => listen(createTcpServer((socket) => socket.resume().on("error", () => undefined)))),
  (server) => ({
    ...server,
    url: server.url.replace("http:", "https:")
  })
)

const certificate = Effect.runSync(
  Effect.cached(
    Effect.promise(() =>
      generate([{ name: "commonName", value: "localhost" }], {
        keyType: "ec",
        algorithm: "sha256",
        extensions: [
          { name: "basicConstraints", cA: true },
          {
            name: "subjectAltName",
            altNames: [
              { type: 2, value: "localhost" },
              { type: 7, ip: "0.0.0.0" }
            ]
          }
        ]
      })
    )
  )
)

/** A server behind TLS that speaks HTTP/2 and HTTP/1.1. */
const secure = Effect.gen(function* () {
  const { cert, private: key } = yield* certificate
  const versions: Array<string> = []
  const server = createSecureServer({ key, cert, allowHTTP1: true }, ({ httpVersion }, response) => {
    versions.push(httpVersion)
    response.end("secret")
  })
  const { url } = yield* listen(server)
  return { url: url.replace("http://127.0.0.1", "https://localhost"), versions }
})

/** An address of this machine other than loopback. */
const outside = (url: string) => url.replace(/localhost|127\.0\.0\.1/, "0.0.0.0")

/** A proxy that answers plain HTTP, and opens tunnels for HTTPS. */
const forward = Effect.gen(function* () {
  const asked: Array<string> = []
  const server = createServer(({ url = "" }, response) => {
    asked.push(url)
    response.end("plain by proxy")
  })
  server.on("connect", ({ url = "" }, socket) => {
    asked.push(url)
    const there = connect(Number(new URL(`http://${url}`).port), "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n")
      there.pipe(socket)
      socket.pipe(there)
    })
    there.on("error", () => socket.destroy())
    socket.on("error", () => there.destroy())
  })
  return { ...(yield* listen(server)), asked }
})

const restore = (name: string, value: string | undefined) => {
  if (value === undefined) delete process.env[name]
  else process.env[name] = value
}

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-claude-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

const trust = Effect.gen(function* () {
  const path = join(yield* folder, "cert.pem")
  writeFileSync(path, (yield* certificate).cert)
  return { NODE_EXTRA_CA_CERTS: path }
})

/** Runs a program that calls one address and prints the answer; `idle` is the time from the answer to its exit. */
const program = (url: string, env: Record<string, string>, ...modes: ReadonlyArray<string>) =>
  node(["test/run/ask.ts", url, ...modes], env)

const node = (args: ReadonlyArray<string>, env: Record<string, string>) =>
  Effect.callback<{ code: number | null; stdout: string; stderr: string; idle: number }>((resume) => {
    const child = spawn(process.execPath, ["--conditions=effect-claude-source", ...args], {
      env: { PATH: process.env["PATH"] ?? "", ...env }
    })
    let [stdout, stderr, printed] = ["", "", 0]
    child.stdout.on("data", (chunk) => {
      stdout += chunk
      printed = Date.now()
    })
    child.stderr.on("data", (chunk) => (stderr += chunk))
    child.on("close", (code) => resume(Effect.succeed({ code, stdout, stderr, idle: Date.now() - printed })))
    return Effect.sync(() => child.kill())
  })

const claude = (baseURL: string, options?: NodeTransport.Options) =>
  Api.layer.pipe(
    Layer.provide(Layer.orDie(AnthropicClient.layer({ apiKey: Redacted.make("sk-ant-test"), baseURL }))),
    Layer.provideMerge(Layer.orDie(NodeTransport.layer(options)))
  )

const create = Claude.use((claude) => claude.create(request))
const stream = Stream.unwrap(Claude.useSync((claude) => claude.stream(request)))
