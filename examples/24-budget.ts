// How do I spend at most an amount, and at most a part of it for each tenant?
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Result } from "effect"
import { Batch, Budget, CallSite, Claude, Cost } from "effect-claude"

const letters = Array.from({ length: 40 }, (_, index) => ({
  tenant: index < 35 ? "acme" : "globex",
  text: `My parcel number ${index} is late. Where is it?`
}))

const answer = ({ tenant, text }: (typeof letters)[number]) =>
  Claude.generateText({
    messages: [{ role: "user", content: `Answer in one sentence. ${text}` }],
    max_tokens: 200
  }).pipe(CallSite.label("tenant", tenant))

const program = Effect.gen(function* () {
  const budget = yield* Budget.make({ cap: "1 USD", labels: { tenant: "0.004 USD" } })
  const live = Claude.layerConfig().pipe(Claude.stack({ budget }))
  // Each call reserves the most that it may cost, so concurrent calls wait for each other, and cannot overspend together.
  const results = yield* Effect.provide(Batch.map(letters, answer), live)
  for (const name of ["acme", "globex"]) {
    const own = results.filter((_, index) => letters[index]?.tenant === name)
    yield* Console.log(`${name}: ${own.filter(Result.isSuccess).length} of ${own.length} letters answered`)
    const refused = own.find(Result.isFailure)
    if (refused !== undefined) yield* Console.log(refused.failure.message)
  }
  yield* Console.log(`spent ${Cost.format(yield* budget.spent)} of ${Cost.format(yield* budget.cap)}`)
})

program.pipe(NodeRuntime.runMain)
