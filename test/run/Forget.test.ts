import { assert, describe, it } from "@effect/vitest"
import { NodeServices } from "@effect/platform-node"
import { Job, Step } from "effect-claude"
import { Cluster } from "effect-claude/node"
import { TestClaude } from "effect-claude/testing"
import { Effect, Fiber, Random, Schema } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import { join } from "node:path"
import * as Postgres from "../../src/run/Postgres.ts"
import { names, people } from "../pipeline/jobs.ts"
import { folder, program } from "./cli.ts"
import { FakeTerminal } from "./terminal.ts"

const { TEST_DATABASE_URL = "" } = process.env
const missing =
  TEST_DATABASE_URL === "" ? ": TEST_DATABASE_URL is not set (postgres://user@127.0.0.1:5432/database)" : ""

describe("effect-claude forget", () => {
  it.live.skipIf(missing)(`removes a job and its queue, once a person agrees and no worker has it${missing}`, () =>
    Effect.gen(function* () {
      const name = `forgotten, ${process.pid} ${yield* Random.nextInt}`
      const job = Job.make({
        name,
        source: people(names(3)),
        key: ({ name }) => name,
        step: Step.text("greet", ({ name }) => `Greet ${name}.`),
        output: Schema.String,
        sink: "unused.jsonl"
      })
      const forget = (...flags: ReadonlyArray<string>) =>
        program(["forget", TEST_DATABASE_URL, "--job", name, ...flags])
      yield* Cluster.submit(job, { output: join(folder(0).path, "out.jsonl") })
      const worker = yield* Effect.forkChild(
        Cluster.work(job, { database: TEST_DATABASE_URL }, () => TestClaude.layer("Hello."))
      )
      yield* Cluster.watch(name, TEST_DATABASE_URL, () => Effect.void)
      const queue = yield* queueOf(name)
      assert.isTrue(yield* exists(queue))
      const busy = yield* forget("--yes")
      assert.deepInclude(busy, { code: 2, stdout: "" })
      assert.include(busy.stderr, `"${name}" is in use by 1 worker; stop the run and the workers first`)
      yield* Fiber.interrupt(worker)

      assert.include((yield* forget()).stderr, "stays as it is, because no terminal can ask; add --yes to remove it")
      const terminal = new FakeTerminal(200)
      const declined = yield* program(["forget", TEST_DATABASE_URL, "--job", name], { terminal, typed: ["n"] })
      assert.strictEqual(declined.code, 130)
      assert.include(terminal.lines.join("\n"), "3 of 3 rows are done")

      assert.deepInclude(yield* forget("--yes"), { code: 0, stderr: "" })
      assert.isFalse(yield* exists(queue))
      assert.include((yield* forget("--yes")).stderr, `no job "${name}"`)
    }).pipe(
      Effect.scoped,
      Effect.provide([Postgres.layer(TEST_DATABASE_URL), TestClaude.layer("unused"), NodeServices.layer])
    )
  )

  it("leaves a file alone, which holds one job and can be deleted", () =>
    Effect.gen(function* () {
      const { input, job, output } = folder(1)
      assert.deepInclude(yield* program(["run", job, "--input", input, "--output", output, "--emulator"]), { code: 0 })
      const { code, stderr } = yield* program(["forget", output, "--yes"])
      assert.strictEqual(code, 2)
      assert.match(stderr, /out\.state\.sqlite holds no other job: delete this file, and its -wal and -shm files/)
    }).pipe(Effect.runPromise))
})

// Builders

/** The name of the queue of a job. */
const queueOf = (job: string) =>
  Effect.map(
    SqlClient.use((sql) => sql`SELECT 'job-' || id FROM effect_claude_jobs WHERE name = ${job}`.values),
    ([row]) => String(row?.[0])
  )

const exists = (queue: string) =>
  Effect.map(
    SqlClient.use((sql) => sql`SELECT 1 FROM effect_claude_queue.queue WHERE name = ${queue}`.values),
    (found) => found.length > 0
  )
