/**
 * A program that asks one address, says what it got, and has nothing more to do. Told `open`, it never closes its
 * transport.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { Transport } from "../../src/claude/Transport.ts"
import * as NodeTransport from "../../src/run/NodeTransport.ts"

const [url = "", end] = process.argv.slice(2)

const ask = Effect.gen(function* () {
  const fetch = yield* Transport
  const answer = yield* Effect.tryPromise(() => fetch(url, { method: "POST", body: "{}" }))
  return yield* Effect.tryPromise(() => answer.text())
}).pipe(Effect.catch(({ cause }) => Effect.succeed(String(cause instanceof Error ? cause.cause : cause))))

const program = Effect.gen(function* () {
  const scope = yield* end === "open" ? Scope.make() : Scope.Scope
  return yield* Effect.provide(ask, yield* Layer.buildWithScope(NodeTransport.layer(), scope))
})

process.stdout.write(await Effect.runPromise(Effect.scoped(program)))
