import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { readdirSync, readFileSync, rmSync } from "node:fs"
import { promisify } from "node:util"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { Emulator, TestClaude } from "effect-claude/testing"
import answers from "../examples/19-a-job-with-a-layer.ts"
import { calls, inFolder } from "./pipeline/jobs.ts"
import { environment } from "../src/run/EmulatorProcess.ts"
import { collector } from "./policy/telemetry/collector.ts"

describe("examples", () => {
  it("01 prints an answer and its cost", () => {
    assert.include(readFileSync("README.md", "utf8"), `$ npm run example examples/01-hello.ts\n${outputOf("01-hello")}`)
  })

  it("02 prints words as they arrive, then the number of tokens", () => {
    assert.match(outputOf("02-streaming"), /a stream passes on every word as it arrives.*\n\d+ tokens\n$/i)
  })

  it("03 handles a reason, and does not retry", () => {
    const output = outputOf("03-errors")
    assert.include(output, "No such model. NotFound (404): model: claude-sonnet-0")
    assert.strictEqual(output.match(/call-sent/g)?.length, 1)
  })

  it("04 prints one line for each item, in order", () => {
    const output = outputOf("04-batch")
    assert.match(output, /^.*Lisbon.* \/ .*Portugal.*\n.*Quito.* \/ .*Ecuador.*\n.*Oslo.* \/ .*Norway.*\n$/)
  })

  it("06 prints the shape of the pipeline, the cost of each step, and the answer", () => {
    const output = outputOf("06-pipeline")
    assert.include(output, "    classify\n    research\n  answer\n")
    assert.match(output, /classify: \$0\.0\d+\nanswer: \$0\.0\d+\n.*small red button/)
  })

  it("08 serves an answer over HTTP, as text", async () => {
    const ask = `await new Promise((resolve) => setTimeout(resolve, 1000));
      const response = await fetch("http://127.0.0.1:3000/ask", { method: "POST", body: "It rains. Say it in one sentence." });
      console.log(response.headers.get("content-type"), await response.text()); process.exit(0)`
    assert.match(
      await emulated(["--import", "./examples/08-http.ts", "--eval", ask, "--input-type=module"]),
      /text\/plain; charset=utf-8 It rains\./
    )
  })

  it("11 prints a line with a bar for each span of a row", () => {
    const lines = outputOf("11-waterfall").trimEnd().split("\n")
    const spans = lines.map((line) => /^ *(.+?) {2}/.exec(line)?.[1])
    // On a busy machine, a call may wait for a permit for long enough to have a span.
    assert.deepStrictEqual(
      spans.filter((span) => span !== "wait for concurrency"),
      [
        "letter",
        "Claude.generateText",
        "chat claude-sonnet-5-5 (read)",
        "attempt 1",
        "Claude.streamText",
        "chat claude-sonnet-5-5 (answer)",
        "attempt 1",
        "stream"
      ]
    )
  })

  it("20 sends one batch for each step", () => {
    const batch = "sent a batch of 20 requests\n"
    assert.strictEqual(outputOf("20-message-batches"), `${batch}${batch}20 replies\n`)
  })

  it("21 logs that a model is retired, and prints the answer of the next", () => {
    const output = outputOf("21-fallback")
    assert.include(output, "claude-sonnet-4 failed: NotFound (404): model: claude-sonnet-4; asking claude-sonnet-5-5 ")
    assert.match(output, /\nclaude-sonnet-5-5: The night train to Vienna is late\.\n$/)
  })

  it("23 prints the tokens and the cost to expect, the real cost, and until when the model is served", () => {
    assert.match(outputOf("23-costs"), /^about \d+ tokens of input, at most \d+\n/)
    const [, most, real] = /\nat most \$(\S+); it was \$(\S+)\n/.exec(outputOf("23-costs")) ?? []
    assert.isAbove(Number(most), Number(real))
    assert.include(outputOf("23-costs"), "200000 tokens of context, deprecated until 2027-01-22\n")
  })

  it("27 prints the parts of an object as they arrive, then the whole, then each element", () => {
    const lines = outputOf("27-stream-object").trimEnd().split("\n")
    assert.isAbove(lines.filter((line) => line.endsWith(" ingredients so far")).length, 3)
    assert.match(lines.find((line) => line.endsWith("tokens")) ?? "", /^Pancakes with apples: 20 minutes, \d+ tokens$/)
    assert.match(lines.at(-1) ?? "", /^- \w/)
  })

  it("24 answers a tenant's letters until its part of the budget ends, and all of the other's", () => {
    const output = outputOf("24-budget")
    assert.match(
      output,
      /^acme: [12]\d of 35 letters answered\nBudgetExceeded: .* for tenant "acme" has \$0\.00\d+ of /
    )
    assert.match(output, /\nglobex: 5 of 5 letters answered\nspent \$0\.00\d+ of \$1\.00\n$/)
  })

  it.effect("12 sends spans and metrics to a collector", () =>
    Effect.gen(function* () {
      const { metrics, spans, url } = yield* collector
      const variables = {
        OTEL_EXPORTER_OTLP_ENDPOINT: url,
        OTEL_TRACES_EXPORTER: "otlp",
        OTEL_METRICS_EXPORTER: "otlp"
      }
      assert.strictEqual(
        yield* Effect.promise(() => emulated(["examples/12-opentelemetry.ts"], variables)),
        "3 letters read\n"
      )
      assert.lengthOf(
        spans().filter(({ name }) => name === "chat claude-sonnet-5-5"),
        3
      )
      assert.include(
        metrics().map(({ name }) => name),
        "gen_ai.client.inference.duration"
      )
    })
  )

  it("13 sends two of three questions, then none, then two again", () => {
    const lines = outputOf("13-a-cached-pipeline")
      .split("\n")
      .map((line) => /^  (asked|known): /.exec(line)?.[1])
    const count = (part: ReadonlyArray<string | undefined>, word: string) => part.filter((it) => it === word).length
    assert.deepStrictEqual(
      [lines.slice(0, 4), lines.slice(4, 8), lines.slice(8)].map((part) => [
        count(part, "asked"),
        count(part, "known")
      ]),
      [
        [2, 1],
        [0, 3],
        [2, 1]
      ]
    )
  })

  it("14 writes the prompt that five calls share once, and reads it in the others", () => {
    const [, read, written] =
      /prompt cache: (.*)k tokens read, (.*)k written: saved \$/.exec(outputOf("14-prompt-cache")) ?? []
    assert.approximately(Number(read), 4 * Number(written), 0.3)
  })

  it("16 prints an answer with the result of the tool", () => {
    assert.strictEqual(outputOf("16-tool"), "The weather is sunny, at 21 degrees. (2 turns)\n")
  })

  it("17 prints an answer about an image", () => {
    assert.strictEqual(outputOf("17-image"), "The image shows a red square.\n")
  })

  it("26 asks for approval before it runs a tool", () => {
    assert.strictEqual(
      outputOf("26-approval"),
      "refund_order: approved by Ada\nrefund_order: succeeded\nThe order of the red lamp is refunded.\n"
    )
  })

  it("28 prints an answer, and the place in the document of each sentence", () => {
    const output = outputOf("28-citations")
    assert.include(
      output,
      "- The ice broke by itself on the second of March. [28-citations.txt, characters 130 to 177]\n"
    )
  })

  it("29 prints an answer of a Chat of effect/ai, with the result of a tool", () => {
    assert.strictEqual(outputOf("29-effect-ai"), "The weather is sunny, at 21 degrees.\n")
  })

  it("30 prints an answer that rests on a tool of an MCP server", () => {
    assert.strictEqual(outputOf("30-mcp"), '"The canteen serves lentil soup with bread."\n')
  })

  it("18 finishes ten rows, then twenty", () => {
    assert.match(outputOf("18-job-in-a-program"), /^10 of 233 rows done, 0 failed\nstopped: limit\n$/)
    assert.match(
      outputOf("18-job-in-a-program", inOrder.length - 1),
      /^20 of 233 rows done, 0 failed\nstopped: limit\n$/
    )
  })

  it.effect("19 sends each row with the service and the model of the job's layer", () =>
    inFolder((files) =>
      Effect.gen(function* () {
        assert.deepInclude(yield* files.run(answers), { done: 2 })
        assert.deepStrictEqual(
          (yield* calls).map(({ model }) => model),
          ["claude-haiku-5-5", "claude-haiku-5-5"]
        )
        assert.include((yield* TestClaude.prompts)[0], "It does not switch off. The kettle has a button.")
      })
    ).pipe(Effect.provide(TestClaude.layer("Press the button.")))
  )

  it("31 stores a conversation, remembers an earlier turn, and takes one back in one branch only", () => {
    const output = outputOf("31-conversation")
    assert.match(output, /\nWhere is my holiday\?\n  My next holiday is in Lisbon\./)
    assert.match(output, /\n2 messages stored, 6 in the branch\n$/)
  })

  it("have at most 40 lines each", () => {
    for (const name of readdirSync("examples").filter((name) => name.endsWith(".ts"))) {
      assert.isAtMost(readFileSync(`examples/${name}`, "utf8").split("\n").length - 1, 40, name)
    }
  })
})

/** The examples that need no variables, in order. */
const inOrder = [
  "01-hello",
  "02-streaming",
  "03-errors",
  "04-batch",
  "06-pipeline",
  "11-waterfall",
  "13-a-cached-pipeline",
  "14-prompt-cache",
  "16-tool",
  "17-image",
  "20-message-batches",
  "21-fallback",
  "23-costs",
  "24-budget",
  "27-stream-object",
  "26-approval",
  "28-citations",
  "29-effect-ai",
  "30-mcp",
  "31-conversation",
  "18-job-in-a-program",
  "18-job-in-a-program"
] as const

let outputs: ReadonlyArray<string> = []
beforeAll(async () => {
  for (const name of ["jsonl", "state.sqlite", "state.sqlite.lock"]) rmSync(`out/ten.${name}`, { force: true })
  outputs = (await emulated(["test/examplesInOrder.ts", ...inOrder])).split("\0")
}, 60_000)

/** The output of an example against the emulator; of its first run, if it runs twice. */
const outputOf = (name: (typeof inOrder)[number], run = inOrder.indexOf(name)): string => outputs[run] ?? ""

const emulated = async (
  args: ReadonlyArray<string>,
  variables: Readonly<Record<string, string>> = {}
): Promise<string> => {
  const { url } = await emulator.runPromise(Emulator.Emulator)
  const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=effect-claude-source", ...args], {
    env: { ...process.env, ...environment(url), ...variables }
  })
  return stdout
}

/** One emulator for all examples, so that only the start of each program takes time. */
const emulator = ManagedRuntime.make(Emulator.layerServer({ port: 0 }))
afterAll(() => emulator.dispose())
