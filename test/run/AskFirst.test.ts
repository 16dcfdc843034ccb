import { assert, describe, it } from "@effect/vitest"
import { existsSync, readdirSync } from "node:fs"
import { at, cli, folder, lines, runOf } from "./cli.ts"
import { standIn } from "./standIn.ts"
import { FakeTerminal } from "./terminal.ts"

describe("effect-claude estimate", () => {
  it("shows rows, calls, tokens, money, time and the first requests without a key, and changes nothing", async () => {
    const files = folder(300)
    const { code, stderr, stdout } = await cli(["estimate", ...runOf(files).slice(1)])
    assert.deepStrictEqual([code, stderr], [0, ""])
    assert.match(stdout, /^mails: 300 rows to run, from a random sample of 50 rows\. Nothing was sent\.\n/)
    assert.match(stdout, /\ncalls +300\n/)
    assert.match(stdout, /\ntokens in +\d\.\dk \(.* to .*\) estimated from the length of the prompts; --count-tokens /)
    assert.match(stdout, /\ntokens out +150\.0k \(0 to 600\.0k\) assumed: /)
    assert.match(stdout, /\ncost +\$1\.\d\d \(.*\) direct; \$12\.\d\d if every answer has max_tokens\n/)
    assert.match(stdout, /\n +\$0\.\d+ \(.*\) as Message Batches\n/)
    assert.match(stdout, /\ntime +.* with 64 calls in flight, .*; the rate limits are not known: --rpm/)
    assert.match(
      stdout,
      /\n── row "1", step answer: claude-sonnet-5-5, max_tokens 4096\nuser: Answer this mail: mail 0\n/
    )
    assert.deepStrictEqual(readdirSync(files.path), ["mails.jsonl"])
  })

  it("is what --dry-run shows, which follows the flags of the run", async () => {
    const files = folder(100)
    const flags = ["--mode", "batches", "--where", "id=7", "--model", "claude-haiku-4-5"]
    const { stdout } = await cli(runOf(files, "--dry-run", ...flags))
    assert.strictEqual((await cli(["estimate", ...runOf(files, ...flags).slice(1)])).stdout, stdout)
    assert.match(stdout, /^mails: 1 row to run\. Nothing was sent\.\n/)
    assert.match(stdout, /\ncost +\$0\.\d+ \(.*\) as Message Batches\n/)
    assert.match(stdout, /row "7", step answer: claude-haiku-4-5/)
    const limited = await cli(runOf(files, "--dry-run", "--rpm", "10", "--limit", "50"))
    assert.match(limited.stdout, /; 5 min at the rate limits\n/)
  })

  it("prints JSON for programs, and shows no secret of a request", async () => {
    const secret = `sk-ant-api03-${"a1B2".repeat(20)}`
    const files = folder(3, (line) => line.replace("mail 0", secret))
    const { stdout } = await cli(runOf(files, "--dry-run", "--json"))
    assert.notInclude(stdout, secret)
    const { estimate, requests } = JSON.parse(stdout)
    assert.deepStrictEqual(estimate.calls, { low: 3, expected: 3, high: 3 })
    assert.isNumber(estimate.cost.direct.expected)
    assert.match(requests[0].text, /user: Answer this mail: \[redacted/i)
  })

  it("names the models without a price", async () => {
    const { stdout } = await cli(runOf(folder(3), "--dry-run", "--model", "claude-mythos-5-2"))
    assert.match(stdout, /\nNo price is known for claude-mythos-5-2, so there is no cost\.\n/)
  })

  it("takes the flags of map in place of a job file, and needs no output then", async () => {
    const files = folder(300)
    const prompt = ["--prompt", "What is {{subject}} about?", "--fields", "topic, urgent: boolean", "--key", "id"]
    const { code, stderr, stdout } = await cli(["estimate", files.input, ...prompt])
    assert.deepStrictEqual([code, stderr], [0, ""])
    assert.match(stdout, /^mails: 300 rows to run, /)
    assert.match(stdout, /\n── row "1", step map: claude-sonnet-5-5, max_tokens 4096, structured output\n/)
    assert.match(stdout, /\nuser: What is mail 0 about\?\n/)
    assert.deepStrictEqual(readdirSync(files.path), ["mails.jsonl"])
  })

  it("runs rows first where it is to measure, and takes the rest from their replies", async () => {
    const server = await standIn()
    const files = folder(100)
    const measured = ["estimate", ...runOf(files, "--measure", "10").slice(1)]
    const { code, stdout } = await cli(measured, { env: at(server.url) })
    assert.strictEqual(code, 0)
    assert.strictEqual(server.calls(), 10)
    assert.match(stdout, /^10 of 100 rows are done/)
    assert.match(stdout, /\nmails: 90 rows to run/)
    assert.match(stdout, /\ntokens out +.* as in finished rows\n/)
    await cli(measured, { env: at(server.url) })
    assert.strictEqual(server.calls(), 10)
    server.close()
  })
})

describe("on a terminal, a run", () => {
  it("of more than a dollar shows the estimate and asks, and changes nothing where the answer is not yes", async () => {
    const server = await standIn()
    const files = folder(300)
    const declined = await onTerminal(runOf(files), server.url, ["no"])
    assert.strictEqual(declined.code, 130)
    assert.match(declined.screen, /^mails: this run has 300 rows\.\ncalls +300\n/)
    assert.match(declined.screen, /Run it\? --yes does not ask\. \[y\/N\] /)
    assert.match(declined.screen, /nothing was sent, and nothing has changed$/)
    assert.strictEqual((await onTerminal(runOf(files), server.url, [])).code, 130)
    assert.strictEqual((await onTerminal(runOf(files), server.url, [""])).code, 130)
    assert.deepStrictEqual(readdirSync(files.path), ["mails.jsonl"])
    assert.strictEqual(server.calls(), 0)
    const { code } = await onTerminal(runOf(files), server.url, ["y"])
    assert.deepStrictEqual([code, server.calls(), lines(files.output).length], [0, 300, 300])
    server.close()
  })

  it("asks for the rows that remain only", async () => {
    const server = await standIn()
    const files = folder(300)
    await cli(runOf(files, "--limit", "290"), { env: at(server.url) })
    const { code, screen } = await onTerminal(runOf(files), server.url, [])
    assert.strictEqual(code, 0)
    assert.notInclude(screen, "Run it?")
    server.close()
  })

  it("does not ask where it is small, told not to, limited by its budget, or answered by an emulator", async () => {
    const server = await standIn()
    const screens = await Promise.all(
      [
        runOf(folder(30)),
        runOf(folder(300), "--yes"),
        runOf(folder(300), "--budget", "0.9 USD", "--max-failures", "1"),
        runOf(folder(300), "--emulator")
      ].map((args) => onTerminal(args, server.url, []))
    )
    for (const { screen } of screens) assert.notInclude(screen, "Run it?")
    server.close()
  })

  it("asks where no price is known, and where there are more than 1,000 rows", async () => {
    const server = await standIn()
    const unpriced = await onTerminal(runOf(folder(3), "--model", "claude-mythos-5-2"), server.url, ["n"])
    assert.match(unpriced.screen, /No price is known for claude-mythos-5-2[^]*Run it\?/)
    const large = await onTerminal(runOf(folder(1001), "--budget", "0.5 USD"), server.url, ["n"])
    assert.match(large.screen, /this run has 1001 rows[^]*Run it\?/)
    server.close()
  })

  it("is not asked where its input is no terminal", async () => {
    const server = await standIn()
    const files = folder(300)
    const { code, screen } = await onTerminal(runOf(files), server.url, undefined)
    assert.strictEqual(code, 0)
    assert.notInclude(screen, "Run it?")
    assert.isTrue(existsSync(files.output))
    server.close()
  })
})

// Builders

/** Runs a command on a terminal on which these lines are typed. */
const onTerminal = async (args: ReadonlyArray<string>, url: string, typed: ReadonlyArray<string> | undefined) => {
  const terminal = new FakeTerminal(200)
  const { code } = await cli(args, { env: at(url), terminal, typed })
  return { code, screen: terminal.unwrapped.join("\n").trimEnd() }
}
