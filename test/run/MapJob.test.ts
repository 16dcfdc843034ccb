import { assert, describe, it } from "@effect/vitest"
import { onTestFinished } from "vitest"
import { existsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { at, cli, folder, lines } from "./cli.ts"
import { type Asked, standIn } from "./standIn.ts"

describe("effect-claude map", () => {
  it("asks for text once for each row, with the system prompt and the limit of the flags", async () => {
    const server = await answering(({ messages: [{ content }] }) => `re: ${content}`)
    const files = input([mail(1), mail(2)])
    const flags = [
      "--system",
      "You read {{subject}}",
      "--max-tokens",
      "77",
      "--model",
      "claude-haiku-4-5",
      "--key",
      "id"
    ]
    const { code, stderr, stdout } = await cli(map(files, "--prompt", "Read: {{ subject }} ({{id}})", ...flags), server)
    assert.strictEqual(code, 0, stderr)
    assert.match(stdout, /^2 of 2 rows are done: .*out\.jsonl/)
    assert.deepStrictEqual(results(files), [
      { key: "1", ...mail(1), text: "re: Read: mail 1 (1)" },
      { key: "2", ...mail(2), text: "re: Read: mail 2 (2)" }
    ])
    assert.deepInclude(server.requests()[0], { model: "claude-haiku-4-5", max_tokens: 77, system: "You read mail 1" })
  })

  it("asks for the fields of --fields, and fails a row whose answer does not fit", async () => {
    const server = await answering(({ messages: [{ content }] }) =>
      JSON.stringify({ urgency: content === "mail 2" ? "medium" : "low", when: "2026-11-28", note: null })
    )
    const files = input([mail(1), mail(2)])
    const fields = ["--fields", "urgency (how soon): low|high, when: date, note: string?", "--key", "id"]
    const { code, stdout } = await cli(map(files, "--prompt", "{{subject}}", ...fields), server)
    assert.strictEqual(code, 1)
    assert.deepStrictEqual(results(files), [{ key: "1", ...mail(1), urgency: "low", when: "2026-11-28", note: null }])
    assert.match(stdout, /the answer does not satisfy the schema: .*at \["urgency"\]/)
    const { schema } = server.requests()[0]?.output_config?.format ?? {}
    assert.deepStrictEqual(schema?.properties["urgency"], {
      type: "string",
      enum: ["low", "high"],
      description: "how soon"
    })
  })

  it("asks for what --schema describes", async () => {
    const server = await answering(() => '{"lines":[{"price":1.5}]}')
    const files = input([mail(1)])
    const schema = join(files.path, "schema.json")
    const line = { type: "object", properties: { price: { type: "number" } }, required: ["price"] }
    const root = { type: "object", properties: { lines: { type: "array", items: line } }, required: ["lines"] }
    writeFileSync(schema, JSON.stringify(root))
    const flags = ["--prompt", "{{subject}}", "--schema", `@${schema}`, "--key", "id", "--only-results"]
    assert.deepInclude(await cli(map(files, ...flags), server), { code: 0 })
    assert.deepStrictEqual(results(files), [{ key: "1", lines: [{ price: 1.5 }] }])
  })

  it("writes an answer as answer where the input has a column text, and refuses a field with the name of a column", async () => {
    const server = await answering(() => "yes")
    const files = input([{ id: 1, text: "Hello" }])
    const flags = ["--prompt", "{{text}}", "--key", "id"]
    assert.deepInclude(await cli(map(files, ...flags), server), { code: 0 })
    assert.deepStrictEqual(results(files), [{ key: "1", id: 1, text: "Hello", answer: "yes" }])
    const taken = await cli(map(input([mail(1)]), "--prompt", "{{id}}", "--fields", "subject", "--key", "id"), server)
    assert.strictEqual(taken.code, 2)
    assert.match(taken.stderr, /the column "subject" is in the input .*--only-results/)
    assert.lengthOf(server.requests(), 1)
  })

  it("refuses a column named key that is not the key, and names the flags that help", async () => {
    const server = await answering(() => "yes")
    const files = input([{ key: "a", id: 1 }])
    const refused = async (...flags: ReadonlyArray<string>) => {
      const { code, stderr } = await cli(map(files, "--prompt", "{{id}}", ...flags), server)
      assert.strictEqual(code, 2, stderr)
      return stderr
    }
    assert.include(
      await refused(),
      'the input has a column "key", and each result has the key of its row as "key"; make that column the key with ' +
        "--key key, leave out the input columns with --only-results, or rename it\nnothing was sent"
    )
    assert.include(await refused("--key", "id"), 'the input has a column "key"')
    assert.lengthOf(server.requests(), 0)
    const only = await cli(map(files, "--prompt", "{{id}}", "--key", "id", "--only-results"), server)
    assert.deepInclude(only, { code: 0 })
    assert.deepStrictEqual(results(files), [{ key: "1", text: "yes" }])
  })

  it("takes a column named key that is the key, or equal to it, such as in the results of another run", async () => {
    const server = await answering(() => "yes")
    const files = input([{ key: "1", id: 1 }])
    assert.deepInclude(await cli(map(files, "--prompt", "{{id}}", "--key", "key"), server), { code: 0 })
    assert.deepStrictEqual(results(files), [{ key: "1", id: 1, text: "yes" }])
    const equal = input([{ key: "1", id: 1 }])
    assert.deepInclude(await cli(map(equal, "--prompt", "{{id}}", "--key", "id"), server), { code: 0 })
  })

  it("reads the prompt from a file or from stdin, as Windows writes it", async () => {
    const server = await answering(() => "yes")
    const files = input([mail(1)])
    const prompt = join(files.path, "prompt.txt")
    writeFileSync(prompt, "\uFEFFIs this mail kind?\r\n{{subject}}\r\n")
    assert.deepInclude(await cli(map(files, "--prompt", `@${prompt}`), server), { code: 0 })
    // The same prompt is the same request, so nothing is sent.
    const again = await cli(map(files, "--prompt", "@-"), { ...server, stdin: "Is this mail kind?\n{{subject}}" })
    assert.deepInclude(again, { code: 0 })
    assert.deepStrictEqual(
      server.requests().map(({ messages: [{ content }] }) => content),
      ["Is this mail kind?\nmail 1"]
    )
  })

  it("refuses what it cannot send before it sends anything, and points at it", async () => {
    const server = await answering(() => "yes")
    const files = input([mail(1), mail(2)])
    const refused = async (...flags: ReadonlyArray<string>) => {
      const { code, stderr } = await cli(map(files, ...flags), server)
      assert.strictEqual(code, 2, stderr)
      return stderr
    }
    assert.include(
      await refused("--prompt", "Read: {{sbject}}"),
      '--prompt: there is no column "sbject"; the nearest are "subject", "id", "author"\n  Read: {{sbject}}\n        ^'
    )
    assert.include(await refused("--prompt", "{{author.nme}}"), 'no column "author.nme"; the nearest are "author.name"')
    assert.include(await refused("--prompt", "{{id}}", "--system", "{{x}}"), '--system: there is no column "x"')
    assert.include(
      await refused("--prompt", "{{id}}", "--key", "ID"),
      '--key: there is no column "ID"; the nearest are "id"'
    )
    assert.include(await refused("--prompt", "{{id}}", "--where", "topic=a"), '--where: there is no column "topic"')
    assert.include(await refused("--prompt", "Read {{id"), "--prompt: this {{ has no }}")
    assert.include(await refused("--prompt", " \n"), "--prompt is empty")
    assert.include(await refused("--prompt", "@nowhere.txt"), "--prompt @nowhere.txt: the file cannot be read")
    assert.include(await refused("--prompt", "{{id}}", "--fields", "a: strng"), '--fields: there is no type "strng"')
    assert.include(await refused("--prompt", "{{id}}", "--schema", "{}"), "--schema: the root must be an object")
    const both = ["--fields", "a", "--schema", "{}"]
    assert.include(await refused("--prompt", "{{id}}", ...both), "--fields and --schema exclude each other")
    const [command, , ...rest] = map(files, "--prompt", "{{id}}")
    const missing = await cli([command, "nowhere.jsonl", ...rest], server)
    assert.include(missing.stderr, "nowhere.jsonl: there is no such file")
    const nameless = await cli(["map", files.data, "--prompt", "{{id}}"], server)
    assert.include(nameless.stderr, "name a file for them with --output results.jsonl")
    assert.lengthOf(server.requests(), 0)
    assert.isFalse(existsSync(files.output))
  })

  it("reports a row that lacks a column with its place, and one whose prompt is empty", async () => {
    const server = await answering(() => "yes")
    const files = input([mail(1), { id: 2 }, { id: 3, subject: null }, { id: 4, subject: " " }, 5])
    const estimate = await cli(map(files, "--prompt", "{{subject}}", "--key", "id", "--dry-run"))
    assert.match(
      estimate.stdout,
      /^4 rows are invalid and do not run:\n {2}.*mails\.jsonl line 2: "subject" is missing;/m
    )
    const { code, stderr, stdout } = await cli(map(files, "--prompt", "{{subject}}", "--key", "id"), server)
    assert.strictEqual(code, 1)
    assert.match(stderr, /4 rows are invalid, and do not run: .*mails\.jsonl line 2: "subject" is missing;/)
    assert.notInclude(stderr, "is empty in")
    assert.include(stdout, 'mails.jsonl line 2: "subject" is missing;')
    assert.include(stdout, "mails.jsonl line 3: the row: its prompt is empty, because the columns in it are;")
    assert.include(stdout, "mails.jsonl line 4: the row: its prompt is empty")
    assert.include(stdout, "mails.jsonl line 5: the row must be an object, got 5")
    assert.lengthOf(server.requests(), 1)
    const optional = input([mail(1), { id: 2 }])
    const flags = ["--prompt", "Subject: {{subject?}}", "--key", "id"]
    assert.deepInclude(await cli(map(optional, ...flags), server), { code: 0 })
    assert.deepInclude(server.requests().at(-1), { messages: [{ role: "user", content: "Subject: " }] })
  })

  it("warns of a column of the prompt that is empty in some rows, which --where leaves out", async () => {
    const server = await answering(() => "yes")
    const files = input([mail(1), { id: 2, subject: "" }, { id: 3, subject: null }])
    const flags = ["--prompt", "Subject: {{subject}}", "--key", "id"]
    const selected = await cli(map(files, ...flags, "--where", "subject!="), server)
    assert.notInclude(selected.stderr, "is empty in")
    assert.lengthOf(server.requests(), 1)
    const { stderr } = await cli(map(files, ...flags), server)
    assert.include(
      stderr,
      '"subject" is empty in 2 of the first 3 rows, which are sent and paid for; leave such rows out'
    )
    assert.include(stderr, '--where "subject!="')
    assert.lengthOf(server.requests(), 3)
  })

  it("identifies rows by a hash without --key, says so, and reports rows that are twice in the input", async () => {
    const server = await answering(() => "yes")
    const files = input([mail(1), mail(2), mail(1)])
    const { code, stderr, stdout } = await cli(map(files, "--prompt", "{{subject}}"), server)
    assert.strictEqual(code, 1)
    assert.include(stderr, "no --key: a hash of the whole row identifies it")
    assert.include(stdout, "mails.jsonl line 3: line 1 is the same row; remove one of them, or add a column")
    assert.lengthOf(server.requests(), 2)
    const keyed = await cli(map(input([mail(1), mail(2), mail(1)]), "--prompt", "{{id}}", "--key", "id"), server)
    assert.include(keyed.stdout, 'mails.jsonl line 3: line 1 has the key "1" too')
    assert.notInclude(keyed.stderr, "hash")
    const empty = await cli(
      map(input([{ id: 1, code: "a" }, { id: 2, code: "" }, { id: 3 }]), "--prompt", "{{id}}", "--key", "code"),
      server
    )
    assert.strictEqual(empty.code, 1)
    for (const line of [2, 3])
      assert.include(empty.stdout, `mails.jsonl line ${line}: "code": the key of the row is empty`)
  })

  it("refuses to send every row the same prompt, unless --yes is given", async () => {
    const server = await answering(() => "yes")
    const refused = await cli(map(input([mail(1)]), "--prompt", "Write a poem"), server)
    assert.deepStrictEqual([refused.code, server.requests().length], [2, 0])
    assert.include(
      refused.stderr,
      "every row gets the same one; put a column into it, or add --yes to send it as it is"
    )
    const { code, stderr } = await cli(map(input([mail(1)]), "--prompt", "Write a poem", "--yes"), server)
    assert.strictEqual(code, 0)
    assert.include(stderr, "the prompt has no {{column}}, so every row gets the same one")
    assert.deepStrictEqual(server.requests()[0]?.messages, [{ role: "user", content: "Write a poem" }])
    const system = ["--prompt", "Write a poem", "--system", "For {{id}}"]
    assert.notInclude((await cli(map(input([mail(1)]), ...system), server)).stderr, "same one")
  })

  it("names the flags that read standard input, if more than one does", async () => {
    const server = await answering(() => "yes")
    const files = { ...input([mail(1)]), data: "-" }
    const { code, stderr } = await cli(map(files, "--prompt", "@-"), server)
    assert.strictEqual(code, 2)
    assert.include(
      stderr,
      "the data - and --prompt @- read standard input, which can be read only once; name files for all but one of them"
    )
  })

  it("resumes, and runs only the rows of --where", async () => {
    const server = await answering(() => "yes")
    const files = input([mail(1), mail(2), mail(3)])
    const flags = ["--prompt", "{{subject}}", "--key", "id"]
    assert.deepInclude(await cli(map(files, ...flags, "--where", "id=2"), server), { code: 0 })
    assert.lengthOf(server.requests(), 1)
    assert.deepInclude(await cli(map(files, ...flags), server), { code: 0 })
    assert.lengthOf(server.requests(), 3)
    assert.lengthOf(results(files), 3)
  })

  it("runs only the rows that failed with --only-failed", async () => {
    let calls = 0
    const server = await answering(({ messages: [{ content }] }) =>
      content === "mail 2" && ++calls === 1 ? "" : "yes"
    )
    const files = input([mail(1), mail(2), mail(3)])
    const flags = ["--prompt", "{{subject}}", "--key", "id", "--concurrency", "1"]
    assert.deepInclude(await cli(map(files, ...flags, "--limit", "2"), server), { code: 3 })
    const both = await cli(map(files, ...flags, "--only-failed", "--rerun"), server)
    assert.include(both.stderr, "only the failed rows are to run, and --rerun runs every row: leave one out")
    const { stdout } = await cli(map(files, ...flags, "--only-failed"), server)
    assert.match(stdout, /^2 of 3 rows are done/)
    assert.include(stdout, "1 row is not selected, and pending.")
  })

  it("notices another prompt, field or model, and --rerun pays only for what changed", async () => {
    const server = await answering(() => '{"a":"low"}')
    const files = input([mail(1), mail(2)])
    const flags = ["--prompt", "{{subject?}}{{note?}}", "--fields", "a: low|high", "--key", "id"]
    assert.deepInclude(await cli(map(files, ...flags), server), { code: 0 })
    const isRefused = async (...change: ReadonlyArray<string>) => {
      const changed = await cli(map(files, ...flags, ...change), server)
      assert.strictEqual(changed.code, 2)
      assert.match(changed.stderr, /has changed since it finished rows.*--keep.*--rerun/)
    }
    await isRefused("--system", "Be kind")
    await isRefused("--model", "claude-haiku-4-5")
    await isRefused("--max-tokens", "50")
    const fields = map(files, "--prompt", "{{subject?}}{{note?}}", "--fields", "a: low|high|none", "--key", "id")
    assert.match((await cli(fields, server)).stderr, /has changed since it finished rows/)
    assert.lengthOf(server.requests(), 2)
    // One row changes: the other one has the same request as before.
    writeFileSync(files.data, [mail(1), { ...mail(2), note: "!" }].map((row) => JSON.stringify(row)).join("\n"))
    assert.deepInclude(await cli(map(files, ...flags, "--rerun"), server), { code: 0 })
    assert.lengthOf(server.requests(), 3)
  })

  it("names the job after the output, or as --name says", async () => {
    const server = await answering(() => "yes")
    const files = input([mail(1)])
    const flags = ["--prompt", "{{id}}", "--key", "id"]
    assert.include((await cli(map(files, ...flags), server)).stderr, "out: 1/1 rows")
    const named = map({ ...files, output: join(files.path, "b.jsonl") }, ...flags, "--name", "poems")
    assert.include((await cli(named, server)).stderr, "poems: 1/1 rows")
  })
})

// Builders

/** A server that answers with this text, as the options of `cli`. */
const answering = async (answer: (request: Asked) => string) => {
  const server = await standIn(undefined, answer)
  onTestFinished(server.close)
  return { env: at(server.url), requests: server.requests }
}

const mail = (id: number) => ({ id, subject: `mail ${id}`, author: { name: "Ada" } })

/** A folder with an input of these rows. */
const input = (rows: ReadonlyArray<unknown>) => {
  const { input: data, output, path } = folder(0)
  writeFileSync(data, rows.map((row) => JSON.stringify(row)).join("\n"))
  return { data, output, path }
}

const results = ({ output }: { readonly output: string }): ReadonlyArray<object> => lines(output)

const map = ({ data, output }: { readonly data: string; readonly output: string }, ...flags: ReadonlyArray<string>) =>
  ["map", data, "--output", output, ...flags] as const
