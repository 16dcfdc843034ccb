import { assert, describe, it } from "@effect/vitest"
import { Claude, ClaudeError, Cost, Event, Retry } from "effect-claude"
import { TestClaude } from "effect-claude/testing"
import { BigDecimal, Duration, Effect, Fiber, Schema } from "effect"
import { TestClock } from "effect/testing"
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join, relative } from "node:path"
import * as GracefulStop from "../src/run/GracefulStop.ts"
import { read } from "./readme/steps.ts"
import { cli, folder, program } from "./run/cli.ts"

const readme = readFileSync("README.md", "utf8")
const commandLine = readFileSync("docs/command-line.md", "utf8")

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

  it("links only to files of the package, since no address of the repository is known", () => {
    const { files } = Schema.decodeSync(PackageFiles)(readFileSync("package.json", "utf8"))
    const isPacked = (path: string) => files.some((file) => path === file || path.startsWith(`${file}/`))
    assert.deepStrictEqual(
      linksIn(readme).filter((path) => !isPacked(path)),
      []
    )
  })

  it("links to files that exist, and to every example", () => {
    const links = linksIn(readme)
    assert.deepStrictEqual(
      [...links, ...linksIn(commandLine).map((path) => join("docs", path))].filter((path) => !existsSync(path)),
      []
    )
    const examples = readdirSync("examples").filter((name) => name.endsWith(".ts"))
    assert.includeMembers(
      links,
      examples.map((name) => `examples/${name}`)
    )
  })

  it.live(
    "goes from a CSV to a report with commands that print what it shows",
    () =>
      Effect.gen(function* () {
        const { path } = folder(0)
        const inFolder = (word: string) =>
          word.replace(/^(@?)(\w+\.(?:csv|txt|parquet))$/, (_, at, name) => at + join(path, name))
        const [, csv = ""] = /```csv\n([^]*?)```/.exec(readme) ?? []
        const [, walk = ""] = /```\n(\$ echo [^]*?)```/.exec(readme) ?? []
        const [, prompt = ""] = /^\$ echo '(.*)' > prompt\.txt$/m.exec(walk) ?? []
        writeFileSync(join(path, "mails.csv"), csv)
        writeFileSync(join(path, "prompt.txt"), prompt)
        const commands = walk.replaceAll("\\\n", " ").split("$ npx effect-claude ").slice(1)
        assert.lengthOf(commands, 5)
        for (const command of commands) {
          const [line = "", ...shown] = command.trimEnd().split("\n")
          const args = Array.from(
            line.matchAll(/"([^"]*)"|(\S+)/g),
            ([, quoted, word = ""]) => quoted ?? inFolder(word)
          )
          const { code, stderr, stdout } = yield* program(args)
          assert.strictEqual(code, 0, stderr)
          const printed = stdout
            .replaceAll(`${path}/`, "")
            .replaceAll(`${relative(".", path)}/`, "")
            .split("\n")
          assert.includeMembers(
            printed,
            shown.filter((text) => text !== "…")
          )
        }
      }),
    60_000
  )

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

  it("names every command and every flag in docs/command-line.md, and no others", async () => {
    const names = (text: string, pattern: RegExp) =>
      new Set(Array.from(text.matchAll(pattern), ([, name = ""]) => name))
    const { stdout: overview } = await cli(["--help"])
    const [, listed = ""] = /Commands:\n([^]*?)\n\n/.exec(overview) ?? []
    const commands = names(listed, /^ {2}(\w+)/gm)
    const helps = [overview, ...(await Promise.all([...commands].map((name) => cli([name, "--help"]))))]
    const flags = names(
      helps.map((help) => (typeof help === "string" ? help : help.stdout)).join("\n"),
      /^ {2}--([a-z-]+)/gm
    )
    const documented = names(commandLine, /--([a-z][a-z-]*)/g)
    assert.isAbove(commands.size, 10)
    assert.deepStrictEqual(
      [...commands].filter((name) => !commandLine.includes(`\`${name}`)),
      []
    )
    assert.deepStrictEqual(
      [...flags].filter((name) => !documented.has(name) && !everywhere.has(name)),
      []
    )
    assert.deepStrictEqual(
      [...documented].filter((name) => !flags.has(name)),
      []
    )
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

const PackageFiles = Schema.fromJsonString(Schema.Struct({ files: Schema.Array(Schema.String) }))

/** The paths of links and images, without addresses and headings. */
const linksIn = (text: string) =>
  Array.from(text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)|src="([^":]+)"/g), ([, link, image = ""]) => link ?? image)

/** Flags that say what they do. */
const everywhere = new Set(["version", "log-level"])

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
