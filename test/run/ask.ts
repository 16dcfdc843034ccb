/**
 * A program that sends one request, prints the answer, and ends. With `create` it sends the request through the service
 * `Claude`, which it loads only then; with `open` it never closes its transport.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { Transport } from "../../src/claude/Transport.ts"
import * as NodeTransport from "../../src/run/NodeTransport.ts"

const [url = "", ...options] = process.argv.slice(2)

const ask = Effect.gen(function* () {
  const fetch = yield* Transport
  const answer = yield* Effect.tryPromise(() => fetch(url, { method: "POST", body: "{}" }))
  return yield* Effect.tryPromise(() => answer.text())
}).pipe(Effect.catch(({ cause }) => Effect.succeed(String(cause instanceof Error ? cause.cause : cause))))

const create = Effect.flatMap(
  Effect.promise(() => import("./askClaude.ts")),
  ({ askClaude }) => askClaude(url)
)

const program = Effect.gen(function* () {
  const scope = yield* options.includes("open") ? Scope.make() : Scope.Scope
  const transport = yield* Layer.buildWithScope(NodeTransport.layer(), scope)
  return yield* Effect.provide(options.includes("create") ? create : ask, transport)
})

process.stdout.write(await Effect.runPromise(Effect.scoped(program)))
