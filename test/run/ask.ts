/**
 * A program that sends one request, prints the answer, and ends. With `create` it sends the request through the service
 * `Claude`; with `open` it never closes its transport.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as AnthropicClient from "../../src/claude/AnthropicClient.ts"
import * as Api from "../../src/claude/Api.ts"
import { Claude } from "../../src/claude/Claude.ts"
import * as Reply from "../../src/claude/Reply.ts"
import { Transport } from "../../src/claude/Transport.ts"
import * as NodeTransport from "../../src/run/NodeTransport.ts"
import { request } from "../fixtures.ts"

const [url = "", ...options] = process.argv.slice(2)

const ask = Effect.gen(function* () {
  const fetch = yield* Transport
  const answer = yield* Effect.tryPromise(() => fetch(url, { method: "POST", body: "{}" }))
  return yield* Effect.tryPromise(() => answer.text())
}).pipe(Effect.catch(({ cause }) => Effect.succeed(String(cause instanceof Error ? cause.cause : cause))))

const create = Claude.use((claude) => claude.create(request)).pipe(
  Effect.map(({ message }) => Reply.text(message)),
  Effect.provide(
    Layer.provide(Api.layer, AnthropicClient.layer({ apiKey: Redacted.make("sk-ant-test"), baseURL: url }))
  )
)

const program = Effect.gen(function* () {
  const scope = yield* options.includes("open") ? Scope.make() : Scope.Scope
  const transport = yield* Layer.buildWithScope(NodeTransport.layer(), scope)
  return yield* Effect.provide(options.includes("create") ? create : ask, transport)
})

process.stdout.write(await Effect.runPromise(Effect.scoped(program)))
