import { assert, describe, it } from "@effect/vitest"
import { cli, folder, runOf } from "./cli.ts"

describe("a run for workers", () => {
  it("refuses the flags that its workers have, and names them", async () => {
    const given = ["--rpm", "4", "--prompt-cache", "5m", "--mode", "batches", "--budget", "1 USD"]
    const { code, stderr } = await cli(runOf(folder(1), "--database", "postgres://127.0.0.1:1/none", ...given))
    assert.strictEqual(code, 2)
    assert.include(stderr, "--rpm, --prompt-cache: with --database, give this to the workers")
  })

  it("refuses a concurrency in batches, which is the number of rows that wait in each worker", async () => {
    const given = ["--concurrency", "4", "--mode", "batches"]
    const { code, stderr } = await cli(runOf(folder(1), "--database", "postgres://127.0.0.1:1/none", ...given))
    assert.strictEqual(code, 2)
    assert.include(stderr, "--concurrency: with --database, give this to the workers")
  })

  it("refuses a database that is no address", async () => {
    const { code, stderr } = await cli(runOf(folder(1), "--database", "jobs.sqlite"))
    assert.strictEqual(code, 2)
    assert.include(stderr, "--database jobs.sqlite is no address: write postgres://host:5432/database")
  })

  it("shows no password of a database that does not answer", async () => {
    const { code, stderr } = await cli(runOf(folder(1), "--database", "postgres://me:secret@127.0.0.1:1/none"))
    assert.strictEqual(code, 3)
    assert.include(stderr, "postgres://127.0.0.1:1/none")
    assert.notInclude(stderr, "secret")
  })
})

describe("a queue on Redis", () => {
  it.each(["nats://me:secret@host", "redis://me:secret@[host"])(
    "needs an address, which is shown without its password: %s",
    async (queue) => {
      const args = ["worker", "none.ts", "--database", "postgres://127.0.0.1:1/none", "--queue", queue]
      const { code, stderr } = await cli(args)
      assert.strictEqual(code, 2)
      assert.include(stderr, "is no address: write redis://host:6379")
      assert.notInclude(stderr, "secret")
    }
  )

  it("is for jobs on many machines", async () => {
    const { code, stderr } = await cli(runOf(folder(1), "--queue", "redis://127.0.0.1:1"))
    assert.strictEqual(code, 2)
    assert.include(stderr, "--queue hands out rows to workers: add --database postgres://host:5432/database")
  })
})

describe("a worker", () => {
  it("needs a database", async () => {
    const { code, stderr } = await cli(["worker", "test/run/mails.job.ts"])
    assert.strictEqual(code, 2)
    assert.include(stderr, "name the database: --database postgres://host:5432/database")
  })
})
