import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Duration, Effect, Layer, Stream } from "effect"
import { ClaudeError } from "effect-claude"
import { Http } from "effect-claude/node"
import { HttpRouter, HttpServer } from "effect/http"

describe("an error before the first text is a response with problem details", () => {
  const cases: ReadonlyArray<readonly [ClaudeError.ClaudeError["reason"], number, string]> = [
    [new ClaudeError.InvalidRequest({ detail: "text must be non-empty", status: 400 }), 400, "text must be non-empty"],
    [new ClaudeError.RequestTooLarge({ detail: "secret", status: 413 }), 413, "The text is too long"],
    [new ClaudeError.RateLimited({ detail: "secret", retryAfter: Duration.millis(1500) }), 429, "try again later"],
    [new ClaudeError.Overloaded({ detail: "secret", retryAfter: Duration.seconds(7) }), 503, "overloaded"],
    [new ClaudeError.Unauthenticated({ detail: "secret", status: 401 }), 500, "cannot use the model"],
    [new ClaudeError.PermissionDenied({ detail: "secret", status: 403 }), 500, "cannot use the model"],
    [new ClaudeError.BillingFailed({ detail: "secret", status: 402 }), 500, "cannot use the model"],
    [new ClaudeError.NotFound({ detail: "secret", status: 404 }), 500, "cannot use the model"],
    [new ClaudeError.ServerFailed({ detail: "secret", status: 500 }), 502, "no usable answer"],
    [new ClaudeError.ConnectionFailed({ detail: "secret", code: "ECONNREFUSED" }), 502, "no usable answer"],
    [new ClaudeError.StreamInterrupted({ detail: "secret" }), 502, "no usable answer"],
    [new ClaudeError.TimedOut({ detail: "secret" }), 504, "too long"]
  ]
  for (const [reason, status, detail] of cases) {
    it.effect(`${reason._tag}: ${status}`, () =>
      Effect.gen(function* () {
        const response = yield* respond(Stream.fail(new ClaudeError.ClaudeError({ reason })))
        const body = yield* Effect.promise(() => response.text())
        assert.strictEqual(response.status, status)
        assert.strictEqual(response.headers.get("content-type"), "application/problem+json")
        assert.deepInclude(JSON.parse(body), { type: "about:blank", status })
        assert.include(JSON.parse(body).detail, detail)
        assert.notInclude(body, "secret")
        const retryAfter = reason._tag === "RateLimited" ? "2" : reason._tag === "Overloaded" ? "7" : null
        assert.strictEqual(response.headers.get("retry-after"), retryAfter)
      })
    )
  }
})

describe("Http.text", () => {
  it.effect("streams the chunks as they arrive", () =>
    Effect.gen(function* () {
      const second = yield* Deferred.make<void>()
      const chunks = Stream.concat(Stream.make("It "), Stream.fromEffect(Effect.as(Deferred.await(second), "rains.")))
      const response = yield* respond(chunks)
      assert.strictEqual(response.status, 200)
      assert.strictEqual(response.headers.get("content-type"), "text/plain; charset=utf-8")
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
      assert.deepStrictEqual(yield* Effect.promise(async () => reader?.read()), { done: false, value: "It " })
      yield* Deferred.succeed(second, undefined)
      assert.deepStrictEqual(yield* Effect.promise(async () => reader?.read()), { done: false, value: "rains." })
      assert.deepStrictEqual(yield* Effect.promise(async () => reader?.read()), { done: true, value: undefined })
    })
  )

  it.effect("breaks the connection on an error after the first text", () =>
    Effect.gen(function* () {
      const reason = new ClaudeError.StreamInterrupted({ detail: "cut" })
      const response = yield* respond(
        Stream.concat(Stream.make("It "), Stream.fail(new ClaudeError.ClaudeError({ reason })))
      )
      assert.strictEqual(response.status, 200)
      assert.isTrue(
        yield* Effect.promise(() =>
          response.text().then(
            () => false,
            () => true
          )
        )
      )
    })
  )

  it.effect("releases the stream when its text has been sent", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const stream = Stream.make("a", "b").pipe(Stream.ensuring(Effect.sync(() => log.push("released"))))
      const response = yield* respond(stream)
      assert.deepStrictEqual([yield* Effect.promise(() => response.text()), log], ["ab", ["released"]])
    })
  )

  it.effect("an empty answer is an empty text", () =>
    Effect.gen(function* () {
      const response = yield* respond(Stream.empty)
      assert.deepStrictEqual([response.status, yield* Effect.promise(() => response.text())], [200, ""])
    })
  )
})

/** The response of an endpoint with this stream. */
const respond = (stream: Stream.Stream<string, ClaudeError.ClaudeError>) =>
  Effect.gen(function* () {
    const { dispose, handler } = HttpRouter.toWebHandler(
      HttpRouter.add("POST", "/ask", Http.text(stream)).pipe(Layer.provideMerge(HttpServer.layerServices)),
      { disableLogger: true }
    )
    yield* Effect.addFinalizer(() => Effect.promise(dispose))
    return yield* Effect.promise(() =>
      handler(new Request("http://localhost/ask", { method: "POST" }), Context.empty())
    )
  })
