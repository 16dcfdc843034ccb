import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { Emulator } from "effect-claude/testing"
import { appendFileSync, readdirSync, readFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { at, cli, folder, program, runOf } from "./cli.ts"
import { standIn } from "./standIn.ts"

describe("behind ANTHROPIC_BASE_URL", () => {
  it.live("an emulator is recognized before the run, and its answers never count as Claude's", () =>
    Effect.gen(function* () {
      const files = folder(20)
      const emulator = Context.get(yield* Layer.build(Emulator.layerServer()), Emulator.Emulator)
      const rehearse = (...flags: ReadonlyArray<string>) => program(runOf(files, ...flags), { env: at(emulator.url) })
      assert.deepInclude(yield* rehearse("--limit", "5"), { code: 3 })
      assert.deepInclude(yield* rehearse(), { code: 0 })
      assert.match((yield* rehearse()).stdout, /^20 of 20 rows .*\n0 calls .*\nAn emulator answered, not Claude/)
      assert.strictEqual((yield* emulator.ledger).length, 20)

      const rehearsed = readFileSync(files.output, "utf8")
      appendFileSync(files.input, '\n{"id":21,"subject":"one more"}')
      const server = yield* Effect.promise(() => standIn())
      const { code, stderr } = yield* program(runOf(files), { env: at(server.url) })
      assert.strictEqual(code, 2)
      assert.match(stderr, /is for the emulator's answers, not Claude's/)
      assert.strictEqual(server.calls(), 0)
      assert.strictEqual(readFileSync(files.output, "utf8"), rehearsed)
      server.close()
    })
  )

  it.live("faults and limits of an emulator do not affect the probe", () =>
    Effect.gen(function* () {
      const options: Emulator.Options = {
        faults: [{ kind: "reset", rate: 1 }],
        limits: { requestsPerMinute: 1 },
        apiKeys: ["no other"]
      }
      const emulator = Context.get(yield* Layer.build(Emulator.layerServer(options)), Emulator.Emulator)
      const claudes = folder(3)
      const server = yield* Effect.promise(() => standIn())
      yield* program(runOf(claudes), { env: at(server.url) })
      server.close()
      const { stderr } = yield* program(runOf(claudes), { env: at(emulator.url) })
      assert.match(stderr, /is for Claude's answers, not the emulator's/)
    })
  )

  it("a server that refuses the probe counts as Claude", async () => {
    const server = await standIn()
    const files = folder(3)
    const { stdout } = await cli(runOf(files, "--json"), { env: at(`${server.url}/`) })
    assert.deepInclude(JSON.parse(stdout), { done: 3, emulated: false })
    assert.strictEqual(server.calls(), 3)
    server.close()
  })

  it("an address without a server stops the run before it begins, in one line and within a second", async () => {
    const files = folder(300)
    const start = performance.now()
    const { code, stderr, stdout } = await cli(runOf(files), { env: at("http://127.0.0.1:1") })
    assert.isBelow(performance.now() - start, 5000)
    assert.strictEqual(code, 2)
    assert.strictEqual(stdout, "")
    assert.strictEqual(
      stderr,
      "effect-claude: ANTHROPIC_BASE_URL is http://127.0.0.1:1, and it cannot be reached: ECONNREFUSED; " +
        "start the server there, or correct the address, or try --emulator\n"
    )
    assert.deepStrictEqual(readdirSync(files.path), ["mails.jsonl"])
  })

  it("an unusable address stops the run before it begins", async () => {
    const { code, stderr } = await cli(runOf(folder(3)), { env: at("not an address") })
    assert.strictEqual(code, 2)
    assert.match(stderr, /^effect-claude: ANTHROPIC_BASE_URL .*\n$/)
    assert.lengthOf(stderr.trimEnd().split("\n"), 1)
  })

  it("a server that hangs up stops the run before it begins", async () => {
    const server = createServer((request) => request.socket.destroy())
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const { port } = server.address() as AddressInfo // a TCP server has no other kind of address
    const { code, stderr } = await cli(runOf(folder(3)), { env: at(`http://127.0.0.1:${port}`) })
    assert.strictEqual(code, 2)
    assert.match(stderr, /cannot be reached: /)
    server.close()
  })
})
