import { Anthropic } from "@anthropic-ai/sdk"
import { NodeFileSystem } from "@effect/platform-node"
import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import type * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type RequestListener, type Server } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { afterAll } from "vitest"
import type { AnthropicClient } from "../../src/claude/AnthropicClient.ts"
import { Claude } from "../../src/claude/Claude.ts"
import type { Request as ClaudeRequest } from "../../src/claude/Request.ts"
import { type Fetch, Transport } from "../../src/claude/Transport.ts"
import * as Retry from "../../src/policy/Retry.ts"
import * as Cassette from "../../src/testing/Cassette.ts"
import * as Emulator from "../../src/testing/Emulator.ts"
import { failure, firstHalf, message, sse } from "../fixtures.ts"

const apiKey = "sk-ant-api03-recording"
const canary = "canary/4f9b1c7e"
const story = "The cat sat on the mat. Ünïcödé, 猫 and 🐈 sat there too."
const hello = { model: "claude-haiku-4-5", max_tokens: 100 }
const ask: ClaudeRequest = { ...hello, messages: [{ role: "user", content: story }] }

describe("a cassette", () => {
  it.effect("replays the recorded reply, events and token count without the network", () =>
    Effect.gen(function* () {
      const path = fresh()
      const recorded = yield* threeCalls.pipe(Effect.provide(recording(path, yield* emulated())))
      const replayed = yield* threeCalls.pipe(Effect.provide(replaying(path)))
      assert.deepStrictEqual(replayed, recorded)
      assert.isAbove(recorded.events.length, 5)
    })
  )

  it.effect("replays errors with their status, reason, rate limits and retry-after", () =>
    Effect.gen(function* () {
      const path = fresh()
      const headers = {
        "request-id": "req_1",
        "retry-after": "20",
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "0"
      }
      const limited = () => Response.json(failure("rate_limit_error", "slow down"), { status: 429, headers })
      const recorded = yield* Effect.flip(create).pipe(Effect.provide(recording(path, answering(limited))))
      const replayed = yield* Effect.flip(create).pipe(Effect.provide(replaying(path)))
      assert.deepStrictEqual(replayed.reason, recorded.reason)
      assert.deepInclude({ ...replayed.reason }, { _tag: "RateLimited", requestId: "req_1", status: 429 })
    })
  )

  it.effect("replays Message Batches: each poll of the same address, and results line by line", () =>
    Effect.gen(function* () {
      const path = fresh()
      const states = ["in_progress", "in_progress", "ended", "ended"]
      const server: Fetch = (input) =>
        Promise.resolve(
          String(input).endsWith("/results")
            ? new Response(`{"custom_id":"a"}\n{"custom_id":"b"}\n`, {
                headers: { "content-type": "application/x-jsonl" }
              })
            : Response.json({
                id: "msgbatch_1",
                processing_status: states.shift(),
                results_url: `${String(input)}/results`
              })
        )
      const recorded = yield* pollAndRead.pipe(Effect.provide(tape({ path }, server)))
      const replayed = yield* pollAndRead.pipe(Effect.provide(tape({ path }, offline)))
      assert.deepStrictEqual(recorded, ["in_progress", "in_progress", "ended", "a", "b"])
      assert.deepStrictEqual(replayed, recorded)
    })
  )

  it.effect("passes a stream on while it records, and closes it when the reader stops", () =>
    Effect.gen(function* () {
      const path = fresh()
      const clock = yield* Clock.Clock
      const { fetch, ledger } = yield* emulator({ timeToFirstToken: "10 seconds", tokensPerSecond: 1 })
      const times = yield* inVirtualTime(firstTexts(2, clock)).pipe(Effect.provide(recording(path, fetch)))
      assert.deepStrictEqual(times, [10_000, 14_000])
      assert.isBelow((yield* ledger)[0]?.usage.output ?? NaN, 12, "the answer was given up")
      const replayed = yield* firstTexts(2, clock).pipe(Effect.provide(replaying(path)))
      assert.strictEqual(replayed.length, 2)
    })
  )

  it.effect("replays all chunks at once, or with `pace: recorded` at their recorded times", () =>
    Effect.gen(function* () {
      const path = fresh()
      const clock = yield* Clock.Clock
      const timed = firstTexts(100, clock)
      const slow = yield* emulated({ timeToFirstToken: "10 seconds", tokensPerSecond: 1 })
      const times = yield* inVirtualTime(timed).pipe(Effect.provide(recording(path, slow)))
      assert.isAbove(times.length, 3)
      const began = yield* Clock.currentTimeMillis
      const again = yield* inVirtualTime(timed).pipe(Effect.provide(replaying(path, { pace: "recorded" })))
      assert.deepStrictEqual(
        again.map((time) => time - began),
        times
      )
      const now = yield* Clock.currentTimeMillis
      const atOnce = yield* timed.pipe(Effect.provide(replaying(path)))
      assert.deepStrictEqual(new Set(atOnce), new Set([now]))
    })
  )

  it.effect("is one readable file without the key, the client or the host", () =>
    Effect.gen(function* () {
      const path = fresh()
      yield* threeCalls.pipe(Effect.provide(recording(path, yield* emulated())))
      const text = readFileSync(path, "utf8")
      const { exchanges } = JSON.parse(text)
      assert.deepStrictEqual(
        exchanges.map(({ request }: { request: { path: string } }) => request.path),
        ["/v1/messages", "/v1/messages", "/v1/messages/count_tokens"]
      )
      assert.deepStrictEqual(exchanges[0].request.headers, { "anthropic-version": "2026-10-21" })
      assert.deepStrictEqual(exchanges[0].request.body, ask)
      for (const unwanted of [apiKey, "x-stainless", "organization-id", "user-agent", "localhost"]) {
        assert.notInclude(text, unwanted)
      }
    })
  )

  it.effect("serves the program's own SDK client, which does not retry a miss", () =>
    Effect.gen(function* () {
      const path = fresh()
      const call = (content: string) =>
        Effect.gen(function* () {
          const client = new Anthropic({ apiKey: "key", fetch: yield* Transport, maxRetries: 5 })
          return yield* Effect.tryPromise(() =>
            client.messages.create({ ...hello, messages: [{ role: "user", content }] })
          )
        })
      const recorded = yield* call("Hi").pipe(Effect.provide(tape({ path }, yield* emulated())))
      const replay = Effect.provide(tape({ path }, offline))
      assert.deepStrictEqual(yield* replay(call("Hi")), recorded)
      const { cause } = yield* Effect.flip(replay(call("Ho, it timed out")))
      assert.instanceOf(cause, Anthropic.APIError)
      assert.include(String(cause), "cassette_miss")
    })
  )

  it("requires a file system in its type", () => {
    expectTypeOf(Cassette.layer({ path: "x.json" })).toEqualTypeOf<
      Layer.Layer<Claude | AnthropicClient, Cassette.CassetteFailed | Config.ConfigError, FileSystem.FileSystem>
    >()
  })
})

describe("over a socket", () => {
  it.live("a compressed answer is recorded uncompressed", () =>
    Effect.gen(function* () {
      const path = fresh()
      const url = yield* serving((_, response) => {
        const headers = { "content-type": "application/json", "content-encoding": "gzip" }
        response.writeHead(200, headers).end(gzipSync(JSON.stringify(message("Ünïcödé"))))
      })
      const recorded = yield* create.pipe(Effect.provide(recordingFrom(url, path)))
      assert.deepStrictEqual(yield* create.pipe(Effect.provide(replaying(path))), recorded)
      assert.notInclude(readFileSync(path, "utf8"), "gzip")
    })
  )

  it.live("a reader that stops closes the connection, and the received part is replayed", () =>
    Effect.gen(function* () {
      const path = fresh()
      const closed = yield* Deferred.make<void>()
      const url = yield* serving((_, response) => {
        response.on("close", () => Deferred.doneUnsafe(closed, Exit.void))
        response.writeHead(200, eventStream).write(sse(firstHalf(message("Hello, you there."))))
      })
      const clock = yield* Clock.Clock
      const first = Effect.map(firstTexts(1, clock), (times) => times.length)
      const program = Effect.tap(first, () => Deferred.await(closed))
      assert.strictEqual(yield* program.pipe(Effect.provide(recordingFrom(url, path))), 1)
      assert.strictEqual(yield* first.pipe(Effect.provide(replaying(path))), 1)
      const toTheEnd = Effect.flip(firstTexts(Infinity, clock)).pipe(Effect.provide(replaying(path)))
      assert.strictEqual((yield* toTheEnd).reason._tag, "StreamInterrupted")
    })
  )
})

describe("the mode", () => {
  it.effect("auto records without a file, and replays an existing file without a key", () =>
    Effect.gen(function* () {
      const path = fresh()
      yield* create.pipe(Effect.provide(recording(path, yield* emulated())))
      yield* create.pipe(Effect.provide(cassette({ path }, {}, offline)))
    })
  )

  it.effect("auto never records if CI is set: a missing file is a miss", () =>
    Effect.gen(function* () {
      const path = fresh()
      const env = { CI: "true", ANTHROPIC_API_KEY: apiKey }
      const { reason } = yield* Effect.flip(create).pipe(Effect.provide(cassette({ path }, env, offline)))
      assert.strictEqual(reason._tag, "CassetteMiss")
      assert.include(
        reason.message,
        `${path} cannot answer POST /v1/messages: the file does not exist, and CI is set, so nothing is recorded; ` +
          "record it without CI, and commit it"
      )
      assert.isFalse(existsSync(path))
    })
  )

  it.effect("replay never records", () =>
    Effect.gen(function* () {
      const path = fresh()
      const { reason } = yield* Effect.flip(create).pipe(Effect.provide(replaying(path, { mode: "replay" })))
      assert.strictEqual(reason._tag, "CassetteMiss")
      assert.include(reason.message, 'the file does not exist, and the mode "replay" records nothing; record it with')
    })
  )

  it.effect("record refuses to overwrite", () =>
    Effect.gen(function* () {
      const path = fresh()
      writeFileSync(path, "precious")
      const error = yield* Effect.flip(create.pipe(Effect.provide(recording(path, offline, { mode: "record" }))))
      assert.strictEqual(error.message, `${path}: the recording exists already; delete the file to record again`)
      assert.strictEqual(readFileSync(path, "utf8"), "precious")
    })
  )

  it.effect("record requires a key", () =>
    Effect.gen(function* () {
      const keyless = cassette({ path: fresh(), mode: "record" }, {}, offline)
      const error = yield* Effect.flip(create.pipe(Effect.provide(keyless)))
      assert.include(error.message, "set ANTHROPIC_API_KEY, or record from the emulator")
    })
  )

  it.effect("live uses the network, and does not write a file", () =>
    Effect.gen(function* () {
      const path = fresh()
      yield* create.pipe(Effect.provide(recording(path, yield* emulated(), { mode: "live" })))
      assert.isFalse(existsSync(path))
    })
  )
})

describe("the file", () => {
  it.effect("is not written if the program is interrupted", () =>
    Effect.gen(function* () {
      const path = fresh()
      const program = Effect.andThen(create, Effect.interrupt)
      yield* Effect.exit(program.pipe(Effect.provide(recording(path, yield* emulated()))))
      assert.isFalse(existsSync(path))
    })
  )

  it.effect("is written if the program fails, so that its failure can be replayed", () =>
    Effect.gen(function* () {
      const path = fresh()
      const program = Effect.andThen(create, Effect.fail("an assertion"))
      yield* Effect.exit(program.pipe(Effect.provide(recording(path, yield* emulated()))))
      assert.isTrue(existsSync(path))
    })
  )

  it.effect("is not written, not even partly, without an answer", () =>
    Effect.gen(function* () {
      const path = fresh()
      yield* Effect.exit(create.pipe(Effect.provide(recording(path, offline))))
      assert.deepStrictEqual(readdirSync(join(path, "..")), [])
    })
  )

  it.effect("is not overwritten if another recorder has written it meanwhile", () =>
    Effect.gen(function* () {
      const path = fresh()
      const program = Effect.andThen(
        create,
        Effect.sync(() => writeFileSync(path, "other"))
      )
      const exit = yield* Effect.exit(program.pipe(Effect.provide(recording(path, yield* emulated()))))
      assert.include(failureText(exit), "another recorder has written this file in the meantime")
      assert.strictEqual(readFileSync(path, "utf8"), "other")
    })
  )

  it.effect("is refused if it is not a cassette", () =>
    Effect.gen(function* () {
      const path = fresh()
      writeFileSync(path, `{"version":1}`)
      const error = yield* Effect.flip(create.pipe(Effect.provide(replaying(path))))
      assert.match(error.message, /this is not a cassette; correct the file, or delete it to record again .*exchanges/s)
    })
  )
})

describe("a miss", () => {
  it.effect("shows the nearest recorded request and the difference, and is not retried", () =>
    Effect.gen(function* () {
      const path = fresh()
      yield* threeCalls.pipe(Effect.provide(recording(path, yield* emulated())))
      const other = { ...ask, max_tokens: 200, messages: [{ role: "user" as const, content: `${story} Twice.` }] }
      const { reason } = yield* Effect.flip(Claude.use((claude) => claude.create(other))).pipe(
        Effect.provide(replaying(path).pipe(Retry.policy()))
      )
      assert.strictEqual(reason._tag, "CassetteMiss")
      assert.isFalse(reason.isRetryable)
      assert.include(reason.message, `${path} has no recording of this POST /v1/messages; the closest is exchange 1`)
      assert.include(reason.message, "recorded → sent: body.max_tokens: 100 → 200; ")
      assert.include(reason.message, `body.messages[0].content: … sat there too." → … sat there too. Twice."`)
    })
  )

  it.effect("reports the number of recordings of a request", () =>
    Effect.gen(function* () {
      const path = fresh()
      yield* Effect.andThen(create, create).pipe(Effect.provide(recording(path, yield* emulated())))
      const thrice = Effect.andThen(Effect.andThen(create, create), Effect.flip(create))
      const { reason } = yield* thrice.pipe(Effect.provide(replaying(path)))
      assert.include(reason.message, "has 2 recordings of this POST /v1/messages, but it was sent 3 times")
    })
  )

  it.effect("hides secrets in its message", () =>
    Effect.gen(function* () {
      const path = fresh()
      yield* create.pipe(Effect.provide(recording(path, yield* emulated())))
      const other = { ...ask, system: `Use ${canary}, not sk-ant-api03-${canary}.` }
      const { reason } = yield* Effect.flip(Claude.use((claude) => claude.create(other))).pipe(
        Effect.provide(cassette({ path }, { MY_TOKEN: canary }, offline))
      )
      assert.strictEqual(reason._tag, "CassetteMiss")
      assert.include(reason.message, "body.system: nothing → ")
      assert.notInclude(reason.message, canary)
      const missed = Effect.flatMap(Transport, (fetch) =>
        Effect.promise(() => fetch(`https://host/v1/files/${canary}`).then((response) => response.text()))
      )
      const tape = Cassette.transport({ path }).pipe(Layer.provide(settings({ MY_TOKEN: canary }, offline)))
      assert.include(yield* missed.pipe(Effect.provide(tape)), "no recording of this GET /v1/files/[redacted];")
    })
  )
})

describe("a secret", () => {
  const places: Record<
    string,
    { readonly env?: Record<string, string>; readonly server?: Fetch; ask?: ClaudeRequest }
  > = {
    "in the prompt": { ask: { ...ask, system: `The key is sk-ant-api03-${"canary".repeat(3)}.` } },
    "of the environment in the prompt": { env: { DB_PASSWORD: canary }, ask: { ...ask, system: canary } },
    "of the environment in the answer": {
      env: { STRIPE_API_KEY_2: canary },
      server: answering(() => Response.json(message(`It is ${canary}.`)))
    },
    "of the environment in an error": {
      env: { vaultToken: canary },
      server: answering(() => Response.json(failure("not_found_error", canary), { status: 404 }))
    },
    "sent in a header, and echoed": {
      ask: { ...ask, headers: { "x-gateway-token": canary } },
      server: answering(() => Response.json(message(canary)))
    },
    "in a header of the answer": {
      env: { MY_SECRET: canary },
      server: answering(() => Response.json(message(), { headers: { "request-id": canary } }))
    },
    "spread over the deltas of a stream": {
      env: { MY_SECRET: canary },
      server: answering(() => new Response(sse(Array.from(canary, delta)), { headers: eventStream }))
    }
  }

  it.effect.each(Object.entries(places))("%s is refused, and nothing is written", ([, place]) =>
    Effect.gen(function* () {
      const path = fresh()
      const { env = {}, server = yield* emulated(), ask: asked = ask } = place
      const layer = cassette({ path }, { ANTHROPIC_API_KEY: apiKey, ...env }, server)
      const both = Claude.use((claude) =>
        Effect.andThen(Effect.exit(claude.create(asked)), Effect.exit(Stream.runDrain(claude.stream(asked))))
      )
      const exit = yield* Effect.exit(both.pipe(Effect.provide(layer)))
      assert.include(failureText(exit), "the recording contains secrets, so it was not written")
      assert.notInclude(failureText(exit), "canary")
      assert.deepStrictEqual(readdirSync(join(path, "..")), [])
    })
  )

  it.effect("is reported with its place", () =>
    Effect.gen(function* () {
      const layer = cassette({ path: fresh() }, { ANTHROPIC_API_KEY: apiKey, MY_TOKEN: canary }, yield* emulated())
      const program = Effect.andThen(
        create,
        Claude.use((claude) => claude.create({ ...ask, system: canary }))
      )
      const exit = yield* Effect.exit(program.pipe(Effect.provide(layer)))
      assert.include(failureText(exit), "\n  exchange 2, request.body.system: the value of MY_TOKEN")
    })
  )

  it.effect("in a header that is not recorded does not matter", () =>
    Effect.gen(function* () {
      const path = fresh()
      const secretive = () => Response.json(message(), { headers: { "set-cookie": canary, "x-internal": canary } })
      const headers = { "x-gateway": canary, authorization: `Bearer ${canary}` }
      yield* Claude.use((claude) => claude.create({ ...ask, headers })).pipe(
        Effect.provide(recording(path, answering(secretive)))
      )
      assert.notInclude(readFileSync(path, "utf8"), canary)
    })
  )
})

// Builders

const folder = mkdtempSync(join(tmpdir(), "cassettes-"))
afterAll(() => rmSync(folder, { recursive: true }))

let files = 0
/** The path of a missing file in a new, empty folder. */
const fresh = () => {
  const own = join(folder, `${(files += 1)}`)
  mkdirSync(own)
  return join(own, "cassette.json")
}

const settings = (env: Record<string, string>, transport: Fetch) =>
  Layer.mergeAll(
    NodeFileSystem.layer,
    Layer.succeed(Transport, transport),
    ConfigProvider.layer(ConfigProvider.fromUnknown(env))
  )

const tape = (options: Cassette.Options, transport: Fetch) =>
  Cassette.transport(options).pipe(Layer.provide(settings({}, transport)))

const cassette = (options: Cassette.Options, env: Record<string, string>, transport: Fetch) =>
  Cassette.layer(options).pipe(Layer.provide(settings(env, transport)))

const recording = (path: string, transport: Fetch, options: Omit<Cassette.Options, "path"> = {}) =>
  cassette({ path, ...options }, { ANTHROPIC_API_KEY: apiKey }, transport)

const recordingFrom = (url: string, path: string) =>
  cassette({ path }, { ANTHROPIC_API_KEY: apiKey, ANTHROPIC_BASE_URL: url }, globalThis.fetch)

const replaying = (path: string, options: Omit<Cassette.Options, "path"> = {}) =>
  cassette({ path, ...options }, { CI: "1" }, offline)

const serving = (listener: RequestListener) =>
  Effect.acquireRelease(
    Effect.callback<Server>((resume) => {
      const server = createServer(listener).listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close().closeAllConnections())
  ).pipe(Effect.map((server) => `http://127.0.0.1:${Object(server.address()).port}`))

/** The network, switched off. */
const offline: Fetch = () => Promise.reject(new TypeError("fetch failed", { cause: new Error("offline") }))

/** A network that always gives this answer. */
function answering(answer: () => Response): Fetch {
  return () => Promise.resolve(answer())
}

const emulator = (options: Emulator.Options = {}) =>
  Effect.map(Layer.build(Emulator.transport(options)), Context.get(Emulator.Emulator))

const emulated = (options?: Emulator.Options) => Effect.map(emulator(options), ({ fetch }) => fetch)

const create = Claude.use((claude) => claude.create(ask))

const threeCalls = Claude.use((claude) =>
  Effect.all({
    reply: claude.create(ask),
    events: Stream.runCollect(claude.stream(ask)),
    tokens: claude.countTokens(ask)
  })
)

/** The times at which the first pieces of text of a stream arrive. */
const firstTexts = (count: number, clock: Clock.Clock) =>
  Claude.use((claude) =>
    claude.stream(ask).pipe(
      Stream.filter(({ type }) => type === "content_block_delta"),
      Stream.map(() => clock.currentTimeMillisUnsafe()),
      Stream.take(count),
      Stream.runCollect
    )
  )

const inVirtualTime = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    yield* settle
    yield* TestClock.adjust("2 minutes")
    return yield* Fiber.join(fiber)
  })

/** The SDK needs several turns of the event loop before it sends a request. */
const settle = Effect.repeat(Effect.yieldNow, { times: 20 })

const pollAndRead = Effect.gen(function* () {
  const { batches } = new Anthropic({ apiKey: "key", fetch: yield* Transport }).messages
  const poll = Effect.map(
    Effect.promise(() => batches.retrieve("msgbatch_1")),
    (batch) => String(batch.processing_status)
  )
  const states = yield* Effect.all([poll, poll, poll])
  const results = yield* Effect.promise(() => batches.results("msgbatch_1"))
  const lines = yield* Stream.runCollect(Stream.fromAsyncIterable(results, String))
  return [...states, ...lines.map((line) => line.custom_id)]
})

const eventStream = { "content-type": "text/event-stream" }

const delta = (text: string) => ({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } })

/** The text of a failure. */
const failureText = <A, E>(exit: Exit.Exit<A, E>): string =>
  Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "it did not fail"
