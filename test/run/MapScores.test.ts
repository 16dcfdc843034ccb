import { assert, describe, it } from "@effect/vitest"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { onTestFinished } from "vitest"
import { at, cli, folder } from "./cli.ts"
import { type Asked, standIn } from "./standIn.ts"

const rows = [
  { id: 1, body: "win a prize", label: "spam", words: "3" },
  { id: 2, body: "lunch?", label: "ham", words: "1" },
  { id: 3, body: "prize of the chess club", label: "ham", words: "5" },
  { id: 4, body: "hello there", label: "", words: "2" }
]

describe("map --expected", () => {
  it("writes the score and the expected value of each row, and prints the accuracy with its interval", async () => {
    const { files, run, server } = await setUp(spamFilter)
    const { code, stderr, stdout } = await run("--prompt", "Spam or ham? {{body}}", "--expected", "label")
    assert.strictEqual(code, 0, stderr)
    assert.include(stdout, "accuracy: 66.7 % (95 % interval 20.8 % to 93.9 %, 3 rows); 1 unscored\n")
    assert.include(
      stdout,
      [
        "  text: expected ↓ answer →  ham  spam",
        "  ham                          1     1",
        "  spam                         0     1"
      ].join("\n")
    )
    assert.deepStrictEqual(
      results(files).map(({ expected_text, score, text }) => [text, expected_text, score]),
      [
        ["Spam.", "spam", 1],
        ["Ham.", "ham", 1],
        ["Spam.", "ham", 0],
        ["Ham.", null, null]
      ]
    )
    assert.lengthOf(server.requests(), 4)
  })

  it("pays nothing for the answers if only the scorer changes", async () => {
    const { files, run, server } = await setUp(spamFilter)
    const prompt = ["--prompt", "Spam or ham? {{body}}"]
    assert.deepInclude(await run(...prompt), { code: 0 })
    const { code, stdout } = await run(...prompt, "--expected", "label", "--rerun")
    assert.strictEqual(code, 0)
    assert.include(stdout, "accuracy: 66.7 %")
    const other = await run(...prompt, "--expected", "body", "--scorer", "includes", "--rerun")
    assert.include(other.stdout, "accuracy: 0.0 %")
    assert.lengthOf(server.requests(), 4)
    assert.strictEqual(results(files)[0]?.["expected_text"], "win a prize")
  })

  it("scores several fields by their types, with the accuracy of each, also as JSON", async () => {
    const { files, run } = await setUp(({ messages: [{ content }] }) =>
      JSON.stringify({
        label: label(content).slice(0, -1).toLowerCase(),
        count: 3
      })
    )
    const flags = ["--fields", "label: spam|ham, count: integer", "--expected", "label, count=words"]
    const { stderr, stdout } = await run("--prompt", "{{body}}", ...flags, "--json")
    const { evaluation } = JSON.parse(stdout)
    assert.deepStrictEqual(
      evaluation.fields.map((field: { name: string; accuracy: { mean: number } }) => [field.name, field.accuracy.mean]),
      [
        ["label", 2 / 3],
        ["count", 1 / 4]
      ],
      stderr
    )
    assert.deepStrictEqual(results(files)[2], {
      key: "3",
      id: 3,
      body: "prize of the chess club",
      label: "spam",
      count: 3,
      expected_label: "ham",
      expected_count: "5",
      score_label: 0,
      score_count: 0,
      score: 0
    })
  })

  it("asks a judge, counts its cost apart, and leaves rows unscored once its budget is used up", async () => {
    const { files, run, server } = await setUp((asked) =>
      asked.system === undefined ? "Dear Ann, no." : '{"explanation":"Curt.","grade":"partly meets"}'
    )
    const judge = ["--rubric", "It is polite", "--judge-model", "claude-haiku-4-5"]
    const { code, stderr, stdout } = await run("--prompt", "Answer: {{body}}", ...judge, "--limit", "2")
    assert.strictEqual(code, 3, stderr)
    assert.match(stdout, /\$0\.\d+ of it for the judge/)
    assert.include(stdout, "accuracy: 50.0 %")
    assert.deepInclude(results(files)[0], { text: "Dear Ann, no.", score: 0.5, explanation: "Curt." })
    assert.lengthOf(server.requests(), 4)
    const rest = await run(
      "--prompt",
      "Answer: {{body}}",
      ...judge,
      "--judge-budget",
      "0.000001 USD",
      "--budget",
      "5 USD"
    )
    assert.strictEqual(rest.code, 0, rest.stderr)
    assert.include(rest.stdout, "; 2 unscored")
    assert.lengthOf(server.requests(), 6)
  })

  it("refuses flags that fit neither the scorer nor the input, before anything is sent", async () => {
    const { run, server } = await setUp(spamFilter)
    const refused = async (...flags: ReadonlyArray<string>) => {
      const { code, stderr } = await run("--prompt", "{{body}}", ...flags)
      assert.strictEqual(code, 2, stderr)
      return stderr
    }
    assert.include(
      await refused("--expected", "lable"),
      '--expected: there is no column "lable"; the nearest are "label"'
    )
    assert.include(await refused("--expected", "a=label", "--fields", "b, c"), 'no field "a" to compare')
    assert.include(await refused("--scorer", "exact"), "--scorer exact has nothing to compare with")
    assert.include(await refused("--scorer", "judge"), "the judge has no measure")
    assert.include(await refused("--expected", "label", "--scorer", "exact", "--tolerance", "1"), "has no tolerance")
    assert.include(await refused("--expected", "label", "--scorer", "exact", "--rubric", "x"), "asks no judge")
    assert.include(await refused("--rubric", "x", "--judge-budget", "1 USD"), "give --budget too")
    assert.include(await refused("--expected", "label", "--fields", "score: 1..5"), 'the result has a field "score"')
    assert.lengthOf(server.requests(), 0)
  })
})

const label = (content: string) => (content.includes("prize") ? "Spam." : "Ham.")

const spamFilter = ({ messages: [{ content }] }: Asked) => label(content)

const setUp = async (answer: (asked: Asked) => string) => {
  const server = await standIn(() => undefined, answer)
  onTestFinished(server.close)
  const { output, path } = folder(0)
  const data = join(path, "mails.jsonl")
  writeFileSync(data, rows.map((row) => JSON.stringify(row)).join("\n"))
  const run = (...flags: ReadonlyArray<string>) =>
    cli(["map", data, "--output", output, "--key", "id", ...flags], { env: at(server.url) })
  return { files: { data, output }, run, server }
}

const results = ({ output }: { readonly output: string }): Array<Record<string, unknown>> =>
  readFileSync(output, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line))
