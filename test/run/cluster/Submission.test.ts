import { assert, describe, it } from "@effect/vitest"
import { NodeServices } from "@effect/platform-node"
import { Dataset, Job, Journal, Step } from "effect-claude"
import { Cluster } from "effect-claude/node"
import { TestClaude } from "effect-claude/testing"
import { Cause, Effect, Exit, Random, Schema } from "effect"
import * as Postgres from "../../../src/run/Postgres.ts"
import { folder } from "../cli.ts"

const { TEST_DATABASE_URL = "" } = process.env
const missing =
  TEST_DATABASE_URL === "" ? ": TEST_DATABASE_URL is not set (postgres://user@127.0.0.1:5432/database)" : ""

describe.skipIf(missing)(`a submission${missing}`, () => {
  it.live("refuses a budget that is no amount, with which workers would spend without a limit", () =>
    Effect.gen(function* () {
      const job = yield* jobOf
      const exit = yield* Effect.exit(submit(job, "five dollars"))
      assert.include(Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "", '"five dollars" is not a budget')
      assert.notInclude(
        (yield* Journal.states).map(({ job }) => job),
        job.name
      )
    }).pipe(provide)
  )

  it.live("that is made again changes the budget of a job that is not done, but not its unit", () =>
    Effect.gen(function* () {
      const job = yield* jobOf
      const known = yield* Effect.forEach(["1M tokens", "2M tokens", "2 USD"], (budget) => submit(job, budget))
      assert.deepStrictEqual(
        known.map(({ isKnown }) => isKnown),
        [false, true, false]
      )
    }).pipe(provide)
  )
})

// Builders

const provide = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(
    Effect.scoped,
    Effect.provide([Postgres.layer(TEST_DATABASE_URL), TestClaude.layer("unused"), NodeServices.layer])
  )

const Mail = Schema.Struct({ id: Schema.Int, subject: Schema.String })

/** A job of one row with a new name. */
const jobOf = Effect.map(Random.nextInt, (number) => {
  const { input, output } = folder(1)
  return Job.make({
    name: `submission, ${process.pid} ${number}`,
    source: Dataset.fromFile(Mail, input),
    key: ({ id }) => String(id),
    step: Step.text("answer", ({ subject }: typeof Mail.Type) => `Answer this mail: ${subject}`),
    output: Schema.String,
    sink: output
  })
})

const submit = (job: Effect.Success<typeof jobOf>, budget: string) =>
  Cluster.submit(job, { output: job.sink, settings: { budget } })
