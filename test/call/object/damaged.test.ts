/**
 * Answers that are damaged in the ways of models and gateways. What `generateObject` accepts must be the value that was
 * meant. `DAMAGED=2000` tries more of them.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { generateObject } from "../../../src/call/object.ts"
import * as TestClaude from "../../../src/testing/TestClaude.ts"
import { message } from "../../fixtures.ts"
import { damages, Ticket } from "./Damage.ts"

const count = Math.ceil(Number(process.env["DAMAGED"] ?? 300) / damages.length)

describe("an answer that is damaged", () => {
  it.effect.each(damages)("$name", ({ name, damage, repairable }) =>
    Effect.gen(function* () {
      const tickets = yield* Arbitrary.sampleEffect(Arbitrary.schema(Ticket), { count, seed: name })
      let repaired = 0
      for (const [index, ticket] of tickets.entries()) {
        const text = damage(ticket, index)
        const first = yield* ask(text, { reask: 0 })
        if (Result.isSuccess(first)) {
          assert.deepStrictEqual(first.success.value, ticket, text)
          repaired += 1
        }
        const again = yield* Effect.provide(
          generateObject(Ticket, "Go."),
          TestClaude.layer([message(text), ...(Result.isSuccess(first) ? [] : [message(JSON.stringify(ticket))])])
        )
        assert.deepStrictEqual(again.value, ticket)
      }
      if (process.env["DAMAGED"] !== undefined)
        yield* Console.log(`${name}: ${repaired} of ${count} repaired, ${count} after one more ask`)
      assert.isAtLeast(repaired / count, repairable)
    })
  )
})

const ask = (text: string, options: { readonly reask: number }) =>
  Effect.provide(Effect.result(generateObject(Ticket, "Go.", options)), TestClaude.layer(message(text)))
