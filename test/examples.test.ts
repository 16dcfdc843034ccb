import { assert, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { promisify } from "node:util"

describe("examples", () => {
  it("01: an answer and its cost", async () => {
    assert.include(
      readFileSync("README.md", "utf8"),
      `$ npm run example examples/01-hello.ts\n${await run("01-hello")}`
    )
  })

  it("02: words as they come, then the number of tokens", async () => {
    assert.match(await run("02-streaming"), /a stream hands on every word as it comes.*\n\d+ tokens\n$/i)
  })

  it("03: a reason is caught, and nothing was tried again", async () => {
    const output = await run("03-errors")
    assert.include(output, "No such model. NotFound (404): model: claude-sonnet-0")
    assert.strictEqual(output.match(/call-sent/g)?.length, 1)
  })

  it("04: one line for each item, in order", async () => {
    const output = await run("04-batch")
    assert.match(output, /^.*Lisbon.* \/ .*Portugal.*\n.*Quito.* \/ .*Ecuador.*\n.*Oslo.* \/ .*Norway.*\n$/)
  })

  it("06: the shape of the pipeline, what each step cost, and the answer", async () => {
    const output = await run("06-pipeline")
    assert.include(output, "    classify\n    research\n  answer\n")
    assert.match(output, /classify: \$0\.0\d+\nanswer: \$0\.0\d+\n.*small red button/)
  })

  it("08: an answer over HTTP, as text", async () => {
    const ask = `await new Promise((resolve) => setTimeout(resolve, 1000));
      const response = await fetch("http://127.0.0.1:3000/ask", { method: "POST", body: "It rains. Say it in one sentence." });
      console.log(response.headers.get("content-type"), await response.text()); process.exit(0)`
    assert.match(
      await emulated(["--import", "./examples/08-http.ts", "--eval", ask, "--input-type=module"]),
      /text\/plain; charset=utf-8 It rains\./
    )
  })

  it("have at most 40 lines each", () => {
    for (const name of readdirSync("examples")) {
      assert.isAtMost(readFileSync(`examples/${name}`, "utf8").split("\n").length - 1, 40, name)
    }
  })
})

describe("README", () => {
  const readme = readFileSync("README.md", "utf8")
  const blocks = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code)

  it("begins with example 01, word for word", () => {
    assert.strictEqual(blocks[0], readFileSync("examples/01-hello.ts", "utf8"))
  })

  it("shows examples 05 and 08, and the policy of its test, word for word", () => {
    assert.include(blocks, readFileSync("examples/05-testing.ts", "utf8").replace(/^\/\/.*\n/, ""))
    assert.include(blocks, readFileSync("examples/08-http.ts", "utf8").replace(/^\/\/.*\n/, ""))
    assert.include(blocks, readFileSync("test/policy/houseRules.ts", "utf8"))
  })
})

/** What an example prints, with the emulator in the place of Claude. */
const run = (name: string): Promise<string> => emulated([`examples/${name}.ts`])

const emulated = async (args: ReadonlyArray<string>): Promise<string> => {
  const node = [process.execPath, "--conditions=effect-claude-source"]
  const [program, ...rest] = [...node, "src/run/main.ts", "emulate", "--", ...node, ...args]
  const { stdout } = await promisify(execFile)(program ?? "node", rest)
  return stdout
}
