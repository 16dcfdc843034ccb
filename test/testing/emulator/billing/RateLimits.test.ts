import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as RateLimits from "../../../../src/claude/RateLimits.ts"
import * as App from "../../../../src/testing/emulator/App.ts"
import type * as Exchange from "../../../../src/testing/emulator/wire/Exchange.ts"
import * as Emulator from "../../../../src/testing/Emulator.ts"

describe("the limit of requests", () => {
  it.effect("admits a minute's requests at once, and then exactly at the refill rate", () =>
    Effect.gen(function* () {
      const app = yield* App.make({ limits: { requestsPerMinute: 60 } })
      const admitted: Array<number> = []
      for (let second = 0; second < 60; second += 1) {
        const statuses = yield* Effect.all([post(app), post(app), post(app)])
        admitted.push(statuses.filter(({ status }) => status === 200).length)
        yield* TestClock.adjust("1 second")
      }
      // Each second, three requests arrive and one permit is refilled: 60 permits last for 29 seconds, and two are left.
      const expected = Array.from({ length: 60 }, (_, second) => (second < 29 ? 3 : second === 29 ? 2 : 1))
      assert.deepStrictEqual(admitted, expected)
    })
  )

  it.effect("names the exceeded limit, and sends retry-after in whole seconds", () =>
    Effect.gen(function* () {
      const app = yield* App.make({ limits: { requestsPerMinute: 40 } })
      for (let n = 0; n < 40; n += 1) yield* post(app)
      const refused = yield* post(app)
      assert.strictEqual(refused.status, 429)
      assert.strictEqual(refused.headers["retry-after"], "2")
      assert.strictEqual(refused.headers["x-should-retry"], "true")
      assert.include(refused.body, '"type":"rate_limit_error"')
      assert.include(refused.body, "of 40 requests per minute")
      yield* TestClock.adjust("1499 millis")
      assert.strictEqual((yield* post(app)).status, 429)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual((yield* post(app)).status, 200)
    })
  )

  it.effect("is shared by a class of models", () =>
    Effect.gen(function* () {
      const app = yield* App.make({ limits: { requestsPerMinute: 1 } })
      const statuses = yield* Effect.forEach(
        ["claude-opus-5-5", "claude-opus-5", "claude-sonnet-5-5", "claude-haiku-4-5"],
        (model) => Effect.map(post(app, { model }), ({ status }) => status)
      )
      assert.deepStrictEqual(statuses, [200, 429, 200, 200])
    })
  )

  it.effect("is separate for batches", () =>
    Effect.gen(function* () {
      const app = yield* App.make({ limits: { requestsPerMinute: 1, inputTokensPerMinute: 1 } })
      yield* post(app)
      const list = app.handle({ method: "GET", path: "/v1/messages/batches", headers: key, body: "" })
      const [first, second] = [yield* list, yield* list]
      assert.deepStrictEqual([first.status, second.status], [200, 429])
      assert.strictEqual(first.headers["anthropic-ratelimit-requests-remaining"], "0")
      assert.isUndefined(first.headers["anthropic-ratelimit-input-tokens-limit"])
    })
  )
})

describe("the limits of tokens", () => {
  it.effect("take input tokens on admission; a call larger than a full bucket leaves a debt", () =>
    Effect.gen(function* () {
      const app = yield* App.make({ limits: { inputTokensPerMinute: 60 } })
      const large = { messages: [{ role: "user", content: "x".repeat(4 * 116) }] }
      assert.strictEqual((yield* post(app, large)).status, 200)
      const refused = yield* post(app)
      assert.strictEqual(refused.headers["retry-after"], "70")
      assert.include(refused.body, "of 60 input tokens per minute")
    })
  )

  it.effect("take output tokens as they are produced, whatever max_tokens is", () =>
    Effect.gen(function* () {
      const app = yield* App.make({ limits: { outputTokensPerMinute: 6 }, latency: "1 second" })
      const first = yield* Effect.forkChild(post(app, { max_tokens: 64_000 }))
      const second = yield* Effect.forkChild(post(app, { max_tokens: 64_000 }))
      yield* TestClock.adjust("1 second")
      const statuses = [(yield* Fiber.join(first)).status, (yield* Fiber.join(second)).status]
      assert.deepStrictEqual(statuses, [200, 200])
      const refused = yield* post(app)
      // Two answers of 6 tokens from a bucket of 6 leave a debt of six; the next call needs one token.
      assert.strictEqual(refused.headers["retry-after"], "70")
      assert.include(refused.body, "of 6 output tokens per minute")
    })
  )

  it.effect("send the longest wait of all exceeded limits", () =>
    Effect.gen(function* () {
      const app = yield* App.make({ limits: { requestsPerMinute: 1, inputTokensPerMinute: 60 } })
      yield* post(app, { messages: [{ role: "user", content: "x".repeat(4 * 176) }] })
      const refused = yield* post(app)
      assert.strictEqual(refused.headers["retry-after"], "130")
      assert.include(refused.body, "of 60 input tokens per minute")
    })
  )

  it.effect("count each token of a stream once", () =>
    Effect.gen(function* () {
      const app = yield* App.make({ limits: { outputTokensPerMinute: 60 }, tokensPerSecond: 1000, latency: 0 })
      const { body } = yield* app.handle(asking({ stream: true }))
      const reading = yield* Effect.forkChild(typeof body === "string" ? Effect.die(body) : Stream.runDrain(body))
      yield* TestClock.adjust("10 millis")
      yield* Fiber.join(reading)
      const { headers } = yield* post(app, { max_tokens: 0 })
      assert.strictEqual(headers["anthropic-ratelimit-output-tokens-remaining"], "54")
    })
  )

  it.effect("do not count tokens that the prompt cache has", () =>
    Effect.gen(function* () {
      const app = yield* App.make({ limits: { inputTokensPerMinute: 6000 } })
      const system = [{ type: "text", text: "word ".repeat(4096), cache_control: { type: "ephemeral" } }]
      const statuses = yield* Effect.replicateEffect(
        Effect.map(post(app, { system }), ({ status }) => status),
        20
      )
      assert.deepStrictEqual(new Set(statuses), new Set([200]))
      const uncached = yield* post(app, { system: system.map(({ text, type }) => ({ type, text })) })
      assert.strictEqual(uncached.status, 429)
    })
  )

  it.effect("do not write to the prompt cache for a refused call", () =>
    Effect.gen(function* () {
      const app = yield* App.make({ limits: { inputTokensPerMinute: 6000 } })
      const system = (text: string) => [{ type: "text", text, cache_control: { type: "ephemeral" } }]
      const other = { system: system("other ".repeat(4096)) }
      yield* post(app, { system: system("word ".repeat(4096)) })
      assert.strictEqual((yield* post(app, other)).status, 429)
      yield* TestClock.adjust("1 minute")
      assert.include((yield* post(app, other)).body, '"cache_read_input_tokens":0')
    })
  )
})

describe("the headers of the limits", () => {
  it.effect("report the remaining amount and the reset time in the form of the API", () =>
    Effect.gen(function* () {
      const limits = { requestsPerMinute: 50, inputTokensPerMinute: 30_000, outputTokensPerMinute: 8000 }
      const app = yield* App.make({ limits })
      yield* TestClock.setTime(Date.parse("2026-10-21T12:00:00.500Z"))
      const { headers } = yield* post(app, {
        messages: [{ role: "user", content: "x".repeat(4 * 1996) }],
        max_tokens: 8
      })
      assert.deepStrictEqual(RateLimits.fromHeaders(new Headers(headers)), {
        requests: { limit: 50, remaining: 49, reset: "2026-10-21T12:00:02Z" },
        inputTokens: { limit: 30_000, remaining: 28_000, reset: "2026-10-21T12:00:05Z" },
        outputTokens: { limit: 8000, remaining: 7992, reset: "2026-10-21T12:00:01Z" }
      })
      assert.strictEqual(headers["anthropic-ratelimit-tokens-limit"], "38000")
      assert.strictEqual(headers["anthropic-ratelimit-tokens-remaining"], "35992")
      assert.strictEqual(headers["anthropic-ratelimit-tokens-reset"], "2026-10-21T12:00:01Z")
    })
  )

  it.effect("never report more than the limit as remaining, even if the limit is not a multiple of 1,000", () =>
    Effect.gen(function* () {
      const app = yield* App.make({ limits: { outputTokensPerMinute: 10_500 }, latency: 0 })
      const { headers } = yield* post(app, { max_tokens: 0 })
      assert.strictEqual(headers["anthropic-ratelimit-output-tokens-remaining"], "10500")
    })
  )

  it.effect("come with every answer, with streams and with 429 responses", () =>
    Effect.gen(function* () {
      const app = yield* App.make({ limits: { requestsPerMinute: 2 } })
      const remaining = "anthropic-ratelimit-requests-remaining"
      assert.strictEqual((yield* post(app)).headers[remaining], "1")
      assert.strictEqual((yield* post(app, { stream: true })).headers[remaining], "0")
      assert.strictEqual((yield* post(app)).headers[remaining], "0")
    })
  )

  it.effect("report generous default limits with every message, but not with token counts", () =>
    Effect.gen(function* () {
      const app = yield* App.make()
      const { headers } = yield* post(app)
      const names = Object.keys(headers).filter((name) => name.startsWith("anthropic-ratelimit-"))
      const parts = ["limit", "remaining", "reset"]
      assert.sameMembers(
        names,
        ["requests", "input-tokens", "output-tokens", "tokens"].flatMap((bucket) =>
          parts.map((part) => `anthropic-ratelimit-${bucket}-${part}`)
        )
      )
      assert.strictEqual(headers["anthropic-ratelimit-requests-remaining"], "999999")
      const counted = yield* app.handle({ ...asking({ max_tokens: undefined }), path: "/v1/messages/count_tokens" })
      assert.strictEqual(counted.status, 200)
      assert.notInclude(Object.keys(counted.headers).join(" "), "ratelimit")
    })
  )
})

describe("the acceleration limit", () => {
  it.effect("lets the usage grow by a factor each minute", () =>
    Effect.gen(function* () {
      const app = yield* App.make({ limits: { acceleration: { requests: 5, factor: 2 } } })
      const admitted: Array<number> = []
      for (let minute = 0; minute < 4; minute += 1) {
        const statuses = yield* Effect.replicateEffect(post(app), 50)
        admitted.push(statuses.filter(({ status }) => status === 200).length)
        yield* TestClock.adjust("1 minute")
      }
      yield* TestClock.adjust("1 minute")
      const afterPause = yield* Effect.replicateEffect(post(app), 50)
      admitted.push(afterPause.filter(({ status }) => status === 200).length)
      assert.deepStrictEqual(admitted, [5, 10, 20, 40, 5])
      const refused = yield* post(app)
      assert.include(refused.body, '"details":{"error_code":"ramp_limit_exceeded"}')
      assert.strictEqual(refused.headers["retry-after"], "60")
    })
  )
})

describe("over a socket", () => {
  it.effect("admits a full bucket at once, and then exactly the refill rate, whatever the speed of the machine", () =>
    Effect.gen(function* () {
      const { fetch, url } = yield* Emulator.Emulator
      const body = JSON.stringify(hello)
      const status = Effect.promise(async () => {
        const response = await fetch(`${url}/v1/messages`, { method: "POST", headers: key, body })
        await response.arrayBuffer()
        return response.status
      })
      const admittedOf = (count: number) =>
        Effect.map(Effect.replicateEffect(status, count), (all) => all.filter((one) => one === 200).length)
      const admitted = [yield* admittedOf(40)]
      for (const pause of ["1999 millis", "1 millis", "4 seconds"] as const) {
        yield* TestClock.adjust(pause)
        admitted.push(yield* admittedOf(3))
      }
      assert.deepStrictEqual(admitted, [30, 0, 1, 2])
    }).pipe(Effect.provide(Emulator.layerServer({ limits: { requestsPerMinute: 30 } })))
  )
})

const hello = {
  model: "claude-haiku-4-5",
  max_tokens: 100,
  messages: [{ role: "user", content: "The cat sat on the mat." }]
}

const key = { "x-api-key": "key", "anthropic-version": "2026-10-21" }

const asking = (fields: object): Exchange.Request => ({
  method: "POST",
  path: "/v1/messages",
  headers: key,
  body: JSON.stringify({ ...hello, ...fields })
})

const post = (app: App.App, fields: object = {}) =>
  Effect.map(app.handle(asking(fields)), (response: Exchange.Response) => ({
    ...response,
    body: typeof response.body === "string" ? response.body : ""
  }))
