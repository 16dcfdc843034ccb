import { assert, describe, it } from "@effect/vitest"
import { Claude, ClaudeError, Cost, Event, Retry } from "effect-claude"
import { TestClaude } from "effect-claude/testing"
import { BigDecimal, Duration, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import * as GracefulStop from "../src/run/GracefulStop.ts"
import { read } from "./readme/steps.ts"

const readme = readFileSync("README.md", "utf8")

describe("README", () => {
  it("begins with example 01, word for word", () => {
    assert.strictEqual(blocks[0], readFileSync("examples/01-hello.ts", "utf8"))
  })

  it("shows only code that the compiler checks: each block is in an example or in test/readme", () => {
    const checked = ["examples", "test/readme", "test/policy", "test/foreign"].flatMap((folder) =>
      readdirSync(folder)
        .filter((name) => name.endsWith(".ts"))
        .map((name) => readFileSync(`${folder}/${name}`, "utf8"))
    )
    assert.isAbove(blocks.length, 8)
    assert.deepStrictEqual(
      blocks.filter((block) => !checked.some((file) => file.includes(block))),
      []
    )
  })

  it("links to files that exist, and to every example", () => {
    const links = Array.from(readme.matchAll(/\]\(([^)#:]+)\)/g), ([, path = ""]) => path)
    assert.deepStrictEqual(
      links.filter((path) => !existsSync(path)),
      []
    )
    const examples = readdirSync("examples").filter((name) => name.endsWith(".ts"))
    assert.includeMembers(
      links,
      examples.map((name) => `examples/${name}`)
    )
  })

  it("lists every reason of an error, and whether it is retryable", () => {
    const rows = readme.matchAll(/^\| `(\w+)` \|.*\| (yes|no) \|$/gm)
    const reasons = ClaudeError.Reason.members.map((member): [string, boolean] => {
      const { _tag, isRetryable } = new member({
        detail: "",
        text: "",
        answer: TestClaude.message("hi"),
        batch: "",
        how: "expired"
      })
      return [_tag, isRetryable]
    })
    assert.deepStrictEqual(
      Object.fromEntries(Array.from(rows, ([, tag = "", retryable]) => [tag, retryable === "yes"])),
      Object.fromEntries(reasons)
    )
  })

  it.effect("states the number of default retries, and their delays", () =>
    Effect.gen(function* () {
      const [, repeats, longest] = /at most (\d+) times, each after .* … (\d+) s, never before/.exec(readme) ?? []
      const busy = yield* waitsAfter(new ClaudeError.Overloaded({ detail: "busy" }))
      assert.lengthOf(busy, Number(repeats))
      assert.isAtMost(Math.max(...busy), Number(longest) * 1000)

      const [, unreachable] = /cannot be reached is given up after (\d+) repeats/.exec(readme) ?? []
      const refused = new ClaudeError.ConnectionFailed({ detail: "refused", code: "ECONNREFUSED" })
      assert.lengthOf(yield* waitsAfter(refused), Number(unreachable))
    })
  )

  it.effect("states the defaults of a prompt and of the time-outs", () =>
    Effect.gen(function* () {
      const { max_tokens, model } = yield* Claude.Defaults
      assert.include(readme, `use \`${model}\`; where it sets no limit, \`max_tokens\` is ${max_tokens}`)
      const { call, idle } = yield* Claude.Timeouts
      assert.strictEqual(Duration.toMinutes(call), 10)
      assert.strictEqual(Duration.toSeconds(idle), 60)
      assert.match(readme, /an answer \(10 minutes\) and for the next byte of a stream \(60 seconds\)/)
    })
  )

  it.effect("shows steps whose results match its text", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* read("Hallo"), { mood: "good", topic: "tea" })
    }).pipe(
      Effect.provide(TestClaude.layer(TestClaude.when(/friendly/, "good"), TestClaude.when(/about/, "tea"), "Hello"))
    )
  )

  it("counts the lines of a job of two steps, ours and the AI SDK's", () => {
    const [, ours] = /of two dependent steps, in (\d+) lines/.exec(readme) ?? []
    const [, theirs] = /with the AI SDK takes (\d+) lines/.exec(readme) ?? []
    const linesOf = (path: string) => readFileSync(path, "utf8").trimEnd().split("\n").length
    assert.strictEqual(Number(ours), linesOf("test/readme/letters.ts"))
    assert.strictEqual(Number(theirs), linesOf("test/foreign/letters.ts"))
  })

  it("states the grace period of calls in flight", () => {
    assert.include(readme, `gives calls in flight ${GracefulStop.grace} to finish`)
  })

  it("adds costs with Cost.sum", () => {
    const cents = BigDecimal.make(1n, 2)
    assert.strictEqual(Cost.format(Cost.sum([cents, cents])), "$0.0200")
  })
})

// Builders

const blocks = Array.from(readme.matchAll(/```ts\n([\s\S]*?)```/g), ([, code = ""]) => code)

/** The waits between the calls of the default retry, in milliseconds, when each call fails for this reason. */
const waitsAfter = (reason: ClaudeError.Reason) =>
  Effect.gen(function* () {
    const waits: Array<number> = []
    const listener = (event: Event.Event) =>
      Effect.sync(() => void (event._tag === "call-retried" && waits.push(Duration.toMillis(event.delay))))
    const call = Effect.flip(Claude.generateText("Hello")).pipe(
      Event.listen(listener),
      Effect.provide(TestClaude.layer(() => reason).pipe(Retry.policy()))
    )
    const fiber = yield* Effect.forkChild(call)
    yield* TestClock.adjust("15 minutes")
    yield* Fiber.join(fiber)
    return waits
  })
