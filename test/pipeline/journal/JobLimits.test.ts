import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Journal from "../../../src/pipeline/Journal.ts"
import { postgres } from "./databases.ts"
import { joined, submitted } from "./processes.ts"

describe.skipIf(postgres.missing !== "")(`the limits of a job over several processes${postgres.missing}`, () => {
  it.live("are those of its submission until they change, for all processes and for readers", () =>
    Effect.gen(function* () {
      yield* submitted({ concurrency: 4, budget: "5 USD", output: "out.jsonl" })
      const [one, other] = [yield* joined, yield* joined]
      assert.deepInclude(yield* one.chunks.limits, { concurrency: 4, budget: "5 USD" })
      yield* one.chunks.setLimits({ budget: "2 USD" })
      assert.deepInclude(yield* other.chunks.limits, { concurrency: 4, budget: "2 USD" })
      const [state] = yield* Journal.states
      yield* state?.shared?.setLimits({ concurrency: 9 }) ?? Effect.die("the job is not shared")
      const [changed] = yield* Journal.states
      assert.deepInclude(changed?.settings, { concurrency: 9, budget: "2 USD", output: "out.jsonl" })
    }).pipe(Effect.scoped, Effect.provide(postgres.layer))
  )
})
