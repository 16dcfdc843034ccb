import { assert, describe, it } from "@effect/vitest"
import { cli } from "./cli.ts"
import { FakeTerminal } from "./terminal.ts"

describe("a usage error", () => {
  it("names the nearest command and the nearest flag", async () => {
    assert.strictEqual(
      (await cli(["rum"])).stderr,
      'effect-claude: there is no command "rum"; did you mean run?\neffect-claude --help shows the commands\n'
    )
    assert.strictEqual(
      (await cli(["run", "job.ts", "--outptu", "x"])).stderr,
      "effect-claude run: there is no flag --outptu; did you mean --output?\neffect-claude run --help shows its flags\n"
    )
  })

  it("names what is missing, too much, or no value of a flag", async () => {
    const first = async (...args: ReadonlyArray<string>) => (await cli(args)).stderr.split("\n")[0]
    assert.strictEqual(await first("run"), "effect-claude run: <job> is missing")
    assert.strictEqual(await first("run", "a.ts", "b.ts"), 'effect-claude run: takes no more arguments, and got "b.ts"')
    assert.strictEqual(
      await first("map", "a.csv", "b.csv", "--prompt", "{{a}}"),
      'effect-claude map: takes no more arguments, and got "b.csv"; put quotes around a pattern of files, as in "data/*.csv"'
    )
    assert.strictEqual(
      await first("run", "a.ts", "--mode", "fast"),
      'effect-claude run: --mode "fast": write direct or batches'
    )
    assert.strictEqual(
      await first("run", "a.ts", "--limit", "0"),
      'effect-claude run: --limit "0": expected a value greater than 0'
    )
    assert.match(
      (await first("run", "a.ts", "--budget", "5 EUR")) ?? "",
      /^effect-claude run: --budget: "5 EUR" is not a budget: write an amount/
    )
  })
})

describe("the help of a command", () => {
  it("groups many flags, and lists the values of a flag", async () => {
    const { stdout } = await cli(["run", "--help"])
    const titles = ["Arguments:", "Flags:", "Which rows:", "Model:", "Money:", "Before it runs:", "Speed:", "Examples:"]
    const places = titles.map((title) => stdout.indexOf(`\n${title}\n`))
    assert.isAbove(places[0] ?? -1, 0)
    assert.deepStrictEqual(
      places.toSorted((one, other) => one - other),
      places
    )
    assert.match(stdout, /^ {2}--mode direct\|batches +batches: send calls as Message Batches/m)
    assert.match(stdout, /^ {2}--output <file> +The file for the results/m)
  })

  it("fits every terminal", async () => {
    const places = [40, 60, 80, 120].flatMap((columns) =>
      [[], ["run"], ["emulate"]].map((command) => ({ command, terminal: new FakeTerminal(columns) }))
    )
    await Promise.all(places.map(({ command, terminal }) => cli([...command, "--help"], { terminal })))
    for (const { terminal } of places) {
      const long = terminal.unwrapped.filter((line) => line.length > terminal.columns)
      // Examples are copied, and a long word has no place to break.
      const isFixed = (line: string) => line.startsWith("  effect-claude ") || !line.trim().includes(" ")
      assert.deepStrictEqual(
        long.filter((line) => !isFixed(line)),
        []
      )
    }
  })

  it("has the flags that every command has in the help of the program only", async () => {
    const { stdout } = await cli(["--help"])
    assert.match(stdout, /\nEverywhere:\n {2}--help, -h +Show help/)
    assert.notInclude(stdout, "wizard")
    assert.notInclude((await cli(["run", "--help"])).stdout, "--log-level")
  })
})
