import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { onTestFinished } from "vitest"
import * as CompareReport from "../../src/run/CompareReport.ts"
import { at, cli, folder } from "./cli.ts"
import { type Asked, standIn } from "./standIn.ts"

const rows = Array.from({ length: 60 }, (_, id) => ({
  id,
  body: id % 3 === 0 ? `win a prize of ${id}` : `lunch at ${id}?`,
  label: id % 3 === 0 ? "spam" : "ham"
}))

describe("effect-claude compare", () => {
  it("runs two prompts on the same rows, and names the one that is better by construction", async () => {
    const { compare, path, server } = await setUp(filter)
    const { code, stderr, stdout } = await compare("--expected", "label")
    assert.strictEqual(code, 0, stderr)
    assert.match(stdout, /^A: Guess: \{\{body\}\}\nB: Is this spam\? \{\{body\}\}\n/)
    assert.match(
      stdout,
      /\n {2}accuracy +66\.7 % +100\.0 %\n {2} {2}95 % interval +54\.1 % to 77\.3 % +94\.0 % to 100\.0 %\n/
    )
    assert.match(
      stdout,
      /\n {2}cost +\$0\.\d+ +\$0\.\d+\n {2}latency, median and 95 % +[\d.]+ m?s, [\d.]+ m?s +[\d.]+ m?s/
    )
    assert.match(stdout, /same answer on 40 of 60 rows: 66\.7 %/)
    assert.include(stdout, "B is better on 20 rows, A on 0; 40 have equal scores")
    assert.include(stdout, '(B is better): text: A "ham", B "spam", expected "spam"')
    assert.match(stdout, /B is better: \+33\.3 points, 95 % interval 2\d\.\d to 4\d\.\d, McNemar p = 1\.9e-6\n$/)
    assert.include(stderr, "60 of 60 rows are done")
    assert.lengthOf(server.requests(), 120)
    assert.isTrue(existsSync(join(path, "out-a.jsonl")) && existsSync(join(path, "out-b.jsonl")))
    // Finished rows cost nothing again.
    const again = await compare("--expected", "label")
    assert.strictEqual(again.stdout, stdout)
    assert.lengthOf(server.requests(), 120)
  })

  it("compares two states, as JSON too", async () => {
    const { compare, path } = await setUp(filter)
    await compare("--expected", "label")
    const [a, b] = [join(path, "out-a.jsonl"), join(path, "out-b.state.sqlite")]
    const { code, stderr, stdout } = await cli(["compare", a, b, "--json"])
    assert.strictEqual(code, 0, stderr)
    const report = Schema.decodeSync(Schema.fromJsonString(CompareReport.CompareReport))(stdout)
    assert.deepStrictEqual([report.a.name, report.a.done, report.b.name], [a, 60, b])
    assert.deepInclude(report.scores, { winner: "b", aBetter: 0, bBetter: 20, ties: 40, rows: 60 })
    assert.match(report.verdict, /^B is better: \+33\.3 points/)
  })

  it("writes the comparison as a page, with answers only by choice", async () => {
    const { compare, path } = await setUp(filter)
    const report = join(path, "compared.html")
    const { code, stderr } = await compare("--expected", "label", "--report", report)
    assert.strictEqual(code, 0)
    assert.include(stderr, `report: ${report}`)
    const page = readFileSync(report, "utf8")
    for (const text of ["<h1>B is better</h1>", "+33.3 points", "p = 1.9e-6", "66.7 %", "Guess: {{body}}"]) {
      assert.include(page, text)
    }
    assert.notInclude(page, "&#34;spam&#34;")
    const [a, b] = [join(path, "out-a.jsonl"), join(path, "out-b.jsonl")]
    const { stdout } = await cli(["compare", a, b, "--report", report, "--texts", "--json"])
    assert.doesNotThrow(() => JSON.parse(stdout))
    assert.include(readFileSync(report, "utf8"), "&#34;spam&#34;")
  })

  it("has no winner between two models that answer alike", async () => {
    const { compare, server } = await setUp(filter)
    const models = ["--model", "claude-haiku-4-5", "--model", "claude-sonnet-5"]
    const { code, stdout } = await compare("--expected", "label", "--sample", "30", ...models, one)
    assert.strictEqual(code, 0)
    assert.match(stdout, /^A: claude-haiku-4-5\nB: claude-sonnet-5\n/)
    assert.match(
      stdout,
      /no difference shown: B is 0\.0 points against A.*; with 30 rows, differences under about 9\.5 points/
    )
    assert.lengthOf(server.requests(), 60)
  })

  it("counts rows that failed in one apart, and reports agreement without expected values", async () => {
    const { compare } = await setUp((asked) => {
      const [{ content }] = asked.messages
      return content.startsWith("Guess") && content.includes("lunch at 4?") ? "" : filter(asked)
    })
    const { code, stderr, stdout } = await compare()
    assert.strictEqual(code, 0, stderr)
    assert.match(stdout, /\n {2}rows failed +1 +0\n/)
    assert.include(stdout, "59 rows are compared; 0 that only A has finished and 1 that only B has are left out")
    assert.match(stdout, /the answers differ on 20 of 59 rows; without expected values, neither is better\n$/)
  })

  it("compares answers only, also where the two outputs have different columns of the input", async () => {
    const { path, server } = await setUp(filter)
    const map = (output: string, ...flags: ReadonlyArray<string>) =>
      cli(
        ["map", join(path, "mails.jsonl"), "--prompt", "Is this spam? {{body}}", "--key", "id", ...flags].concat([
          "--output",
          join(path, output)
        ]),
        server
      )
    await map("without.csv")
    await map("with.csv", "--expected", "text=label")
    const { code, stderr, stdout } = await cli(["compare", join(path, "without.csv"), join(path, "with.csv")])
    assert.strictEqual(code, 0, stderr)
    assert.match(stdout, /the answers are the same on all 60 rows\n$/)
  })

  it("compares by a judge where there are no expected values, and counts its cost apart", async () => {
    const { compare } = await setUp((asked) =>
      asked.system === undefined
        ? filter(asked)
        : JSON.stringify({
            explanation: "x",
            grade: asked.messages[0].content.includes('"answer":{"text":"spam"}') ? "meets" : "fails"
          })
    )
    const { code, stderr, stdout } = await compare("--rubric", "It finds spam")
    assert.strictEqual(code, 0, stderr)
    assert.match(stdout, /\n {2}cost of the judge +\$0\.\d+ +\$0\.\d+\n/)
    assert.include(stdout, "B is better on 20 rows, A on 0; 40 have equal scores")
    assert.match(stdout, /B is better: \+33\.3 points/)
  })

  it("says what to name if there is nothing to compare", async () => {
    const { compare, server } = await setUp(filter)
    const refused = async (...args: ReadonlyArray<string>) => {
      const { code, stderr } = await cli(["compare", ...args], server)
      assert.strictEqual(code, 2, stderr)
      return stderr
    }
    assert.include(await refused("mails.jsonl"), "name a second state, or give --prompt twice")
    assert.include(await refused("a.jsonl", "b.jsonl", "--prompt", "x"), "leave the second file out")
    assert.include(await refused("a.jsonl", "b.jsonl"), "a.jsonl has no state next to it")
    assert.include(await refused("mails.jsonl", "--prompt", "x"), "name a file for them with --output")
    const same = await compare(one)
    assert.include(same.stderr, "both candidates are the same")
  })
})

/** A prompt that asks for a guess never finds spam. */
const filter = ({ messages: [{ content }] }: Asked) =>
  content.startsWith("Is this spam?") && content.includes("prize") ? "spam" : "ham"

/** The flag that leaves only the second prompt. */
const one = "--one-prompt"

const setUp = async (answer: (asked: Asked) => string) => {
  const server = await standIn(undefined, answer)
  onTestFinished(server.close)
  const { output, path } = folder(0)
  const data = join(path, "mails.jsonl")
  writeFileSync(data, rows.map((row) => JSON.stringify(row)).join("\n"))
  const compare = (...flags: ReadonlyArray<string>) => {
    const prompts = ["Guess: {{body}}", "Is this spam? {{body}}"].filter(
      (_, index) => index > 0 || !flags.includes(one)
    )
    const args = [...prompts.flatMap((prompt) => ["--prompt", prompt]), ...flags.filter((flag) => flag !== one)]
    return cli(["compare", data, "--output", output, "--key", "id", ...args], { env: at(server.url) })
  }
  return { compare, path, server: { env: at(server.url), requests: server.requests } }
}
