/**
 * The job that the flags of `map` describe. Everything is checked before anything is sent: the prompt and its columns, the
 * fields, and whether the API takes their schema.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as Content from "../call/Content.ts"
import { generateObject } from "../call/object.ts"
import { generateText } from "../call/text.ts"
import { Claude } from "../claude/Claude.ts"
import type { Prompt } from "../claude/Request.ts"
import * as OutputFormat from "../claude/OutputFormat.ts"
import * as Dataset from "../pipeline/Dataset.ts"
import * as Job from "../pipeline/Job.ts"
import * as RowKey from "../pipeline/RowKey.ts"
import * as Step from "../pipeline/Step.ts"
import { ExitWith } from "./ExitWith.ts"
import * as Columns from "./mapJob/Columns.ts"
import * as Expected from "./mapJob/Expected.ts"
import * as Attachments from "./mapJob/Attachments.ts"
import * as FieldSchema from "./mapJob/FieldSchema.ts"
import * as Fields from "./mapJob/Fields.ts"
import * as Mistake from "./mapJob/Mistake.ts"
import * as SchemaFile from "./mapJob/SchemaFile.ts"
import * as Template from "./mapJob/Template.ts"
import type { MapFlags } from "./MapFlags.ts"
import type { RunFlags } from "./RunFlags.ts"
import type { ScoreFlags } from "./ScoreFlags.ts"
import * as TextFlag from "./TextFlag.ts"
import * as Where from "./Where.ts"

const refuse = (message: string) => Effect.fail(new ExitWith(2, message))

/** Makes the job. */
export const load = Effect.fnUntraced(function* (
  flags: MapFlags & ScoreFlags & Pick<RunFlags, "budget" | "onlyResults" | "output" | "where" | "yes">
) {
  if (Option.isNone(flags.output)) {
    return yield* refuse("the results have no place; name a file for them with --output results.jsonl")
  }
  const output = flags.output.value
  const readers = readersOfStdin(flags)
  if (readers.length > 1) {
    return yield* refuse(
      `${readers.join(" and ")} read standard input, which can be read only once; name files for all but one of them`
    )
  }
  const prompt = yield* template("--prompt", flags.prompt)
  const system = yield* Effect.transposeOption(Option.map(flags.system, (text) => template("--system", text)))
  const schema = yield* schemaOf(flags)
  const templates = [prompt, ...Option.toArray(system)]
  const sample = yield* Effect.catch(Columns.sample(Dataset.fromFile(Columns.Row, flags.data)), ({ message }) =>
    refuse(message)
  )
  const field = Columns.has("text", sample) ? "answer" : "text"
  const text = Schema.Struct({ [field]: Schema.String })
  const scoring = yield* scoringOf(flags, schema ?? text)
  const expected = Object.values(scoring?.expected ?? {})
  yield* checkColumns(flags, sample, templates, expected)
  if (!flags.onlyResults && !expected.includes("key")) yield* checkKeyColumn(keyOf(flags.key), sample)
  const attachments = Attachments.make(flags.file, flags.data)
  const source = Dataset.fromFile(withFiles(rowSchema(templates, flags.key), attachments), flags.data)
  const request = (row: Template.Row) =>
    Effect.map(Attachments.content(attachments, row), (files) => ({
      messages: [messageOf(files, Template.render(prompt.parts, row))],
      ...(Option.isSome(system) && { system: Template.render(system.value.parts, row) }),
      ...(Option.isSome(flags.maxTokens) && { max_tokens: flags.maxTokens.value })
    }))
  const job = {
    name: Option.getOrElse(flags.name, () => nameOf(output)),
    source,
    key: keyOf(flags.key),
    // A column of expected values is written with the scores.
    keepInput: { except: expected },
    sink: output,
    ...(flags.file.length > 0 && { layer: atMost(yield* Attachments.rowsAtOnce(attachments, sample.rows)) })
  }
  const result = schema ?? text
  const ask = (prompt: Prompt) =>
    schema === undefined
      ? Effect.map(generateText(prompt), (reply) => ({ [field]: reply.text }))
      : Effect.map(generateObject(schema, prompt), ({ value }) => value)
  const step: AnyStep = Step.make("map", (row) => Effect.flatMap(request(row), ask))
  if (scoring === undefined) return Job.make({ ...job, step, output: result })
  const scored = Expected.score(step, result, scoring)
  return Result.isFailure(scored) ? yield* refuse(scored.failure) : Job.make({ ...job, ...scored.success })
})

/** What is to come from standard input. */
const readersOfStdin = ({ data, fields, prompt, rubric, schema, system }: MapFlags & Pick<ScoreFlags, "rubric">) => {
  const texts = {
    "--prompt": Option.some(prompt),
    "--system": system,
    "--fields": fields,
    "--schema": schema,
    "--rubric": rubric
  }
  const found = Object.entries(texts).filter(([, text]) => Option.contains(text, "@-"))
  return [...(data === "-" ? ["the data -"] : []), ...found.map(([flag]) => `${flag} @-`)]
}

/** The Claude of the run with a smaller capacity. The flag `--concurrency` wins over it. */
const atMost = (rows: number) =>
  Layer.effect(
    Claude,
    Effect.map(Claude, (claude) => ({
      ...claude,
      capacity: Effect.map(claude.capacity, (capacity) => Math.min(capacity, rows))
    }))
  )

type AnyStep = Step.Step<Template.Row, unknown, unknown, Job.Provided>

const messageOf = (files: ReadonlyArray<Content.Block>, text: string) =>
  files.length === 0 ? { role: "user" as const, content: text } : Content.user(...files, text)

/** How to score the results; undefined if no flag asks for it. */
const scoringOf = Effect.fnUntraced(function* (
  flags: ScoreFlags & Pick<RunFlags, "budget">,
  result: FieldSchema.JsonCodec
) {
  const { expected, judgeBudget, judgeModel, rubric, scorer, tolerance } = flags
  const given = [expected, judgeBudget, judgeModel, rubric, scorer, tolerance]
  if (given.every((flag) => Option.isNone<unknown>(flag))) return undefined
  if (Option.isSome(judgeBudget) && Option.isNone(flags.budget)) {
    return yield* refuse("--judge-budget is a part of the budget of the job; give --budget too")
  }
  const measure = yield* Effect.transposeOption(Option.map(rubric, (text) => TextFlag.read("--rubric", text)))
  const scoring = Result.flatMap(
    Option.match(expected, {
      onNone: () => Result.succeed({}),
      onSome: (text) => Expected.parse(text, result)
    }),
    (columns) => Expected.scoringOf(flags, columns, Option.getOrUndefined(measure))
  )
  return Result.isFailure(scoring) ? yield* refuse(scoring.failure) : scoring.success
})

/** A prompt as the flag has it. */
interface Text {
  readonly flag: string
  readonly text: string
  readonly parts: Template.Template
}

const template = Effect.fnUntraced(function* (flag: string, value: string) {
  const text = yield* TextFlag.read(flag, value)
  if (text.trim() === "") return yield* refuse(`${flag} is empty; write what Claude is to do with a row`)
  const parts = Template.parse(text)
  if (Result.isFailure(parts)) return yield* refuse(Mistake.toText(flag, text, parts.failure))
  return { flag, text, parts: parts.success } satisfies Text
})

const schemaOf = Effect.fnUntraced(function* ({ fields, schema }: Pick<MapFlags, "fields" | "schema">) {
  if (Option.isSome(fields) && Option.isSome(schema)) {
    return yield* refuse("--fields and --schema exclude each other: both describe the result")
  }
  if (Option.isSome(fields)) {
    const text = yield* TextFlag.read("--fields", fields.value)
    const parsed = Fields.parse(text)
    if (Result.isFailure(parsed)) return yield* refuse(Mistake.toText("--fields", text, parsed.failure))
    return yield* accepted("--fields", FieldSchema.make(parsed.success))
  }
  if (Option.isNone(schema)) return undefined
  const parsed = SchemaFile.parse(yield* TextFlag.read("--schema", schema.value))
  if (Result.isFailure(parsed)) return yield* refuse(`--schema: ${parsed.failure}`)
  return yield* accepted("--schema", parsed.success)
})

/** Fails if the API does not take the schema. */
const accepted = (flag: string, schema: FieldSchema.JsonCodec) =>
  Result.match(OutputFormat.make(schema), {
    onSuccess: () => Effect.succeed(schema),
    onFailure: ({ detail }) => refuse(`${flag}: ${detail}; change that part`)
  })

/** Fails if a column is in no row that was looked at, or if every row would get the same prompt and `--yes` is not given. */
const checkColumns = Effect.fnUntraced(function* (
  { file, key, where, yes }: MapFlags & Pick<RunFlags, "where" | "yes">,
  sample: Columns.Sample,
  templates: ReadonlyArray<Text>,
  expected: ReadonlyArray<string>
) {
  const columns = templates.flatMap(({ flag, parts, text }) =>
    Template.columnsOf(parts).map(({ at, name }) => ({
      name,
      explain: (detail: string) => Mistake.toText(flag, text, { at, detail })
    }))
  )
  const names = [
    ...columns,
    ...expected.map((name) => ({ name, explain: (detail: string) => `--expected: ${detail}` })),
    ...Option.toArray(key).map((name) => ({ name, explain: (detail: string) => `--key: ${detail}` })),
    ...file.map((name) => ({ name, explain: (detail: string) => `--file: ${detail}` })),
    ...Option.toArray(where).map((text) => ({
      name: Where.columnIn(text),
      explain: (detail: string) => `--where: ${detail}`
    }))
  ]
  for (const { name, explain } of names) {
    const problem = Columns.problemOf(name, sample)
    if (problem !== undefined) return yield* refuse(`${explain(problem)}\nnothing was sent`)
  }
  // A prompt of columns only makes the row invalid where they are empty.
  const sent = templates.filter((text) => !isBare(text)).flatMap(({ parts }) => Template.columnsOf(parts))
  for (const name of new Set(sent.map(({ name }) => name))) {
    const empty = Columns.emptyIn(name, sample)
    if (empty > 0 && Option.isNone(where)) {
      yield* Console.error(
        `warning: "${name.trim()}" is empty in ${empty} of the first ${sample.rows.length} rows, which are sent and paid for; ` +
          `leave such rows out with --where "${name.trim()}!="`
      )
    }
  }
  if (columns.length === 0 && file.length === 0) {
    const same = "the prompt has no {{column}}, so every row gets the same one"
    if (!yes) return yield* refuse(`${same}; put a column into it, or add --yes to send it as it is\nnothing was sent`)
    yield* Console.error(`warning: ${same}`)
  }
  if (Option.isNone(key)) {
    yield* Console.error(
      "no --key: a hash of the whole row identifies it, so an edited row counts as a new one; name a column with --key"
    )
  }
})

/** Fails if a row has a column `key` with something else than its key, since its result has the key under this name. */
const checkKeyColumn = (keyOfRow: (row: Template.Row) => string, { rows }: Columns.Sample) =>
  rows.some((row) => Object.hasOwn(row, "key") && String(row["key"]) !== keyOfRow(row)) ? refuse(otherKey) : Effect.void

const otherKey =
  'the input has a column "key", and each result has the key of its row as "key"; make that column the key with --key key, ' +
  "leave out the input columns with --only-results, or rename it\nnothing was sent"

/** Whether a prompt has columns only. */
const isBare = ({ parts }: Text) => parts.every((part) => !Predicate.isString(part) || part.trim() === "")

/** Rows that have every column of the prompt, and a key. A prompt of columns only must have some text in the end. */
const rowSchema = (templates: ReadonlyArray<Text>, key: Option.Option<string>) => {
  const names = new Set(templates.flatMap(({ parts }) => Template.columnsOf(parts).map(({ name }) => name)))
  const bare = templates.filter(isBare)
  return Columns.Row.check(
    Schema.makeFilter((row) => {
      const missing = [...names].filter((name) => Option.isNone(Template.find(row, name)))
      if (missing.length > 0) return missing.map((name) => ({ path: [name.trim()], issue: "Missing key" }))
      if (Option.isSome(key) && keyIn(row, key.value) === "") {
        return { path: [key.value], issue: "the key of the row is empty" }
      }
      const empty = bare.find(({ parts }) => Template.render(parts, row).trim() === "")
      return empty === undefined ? undefined : `its ${empty.flag.slice(2)} is empty, because the columns in it are`
    })
  )
}

/** Rows whose files are there. */
const withFiles = (rows: typeof Columns.Row, attachments: Attachments.Attachments) =>
  rows.pipe(
    Schema.decode({
      decode: SchemaGetter.checkEffect((row: Template.Row) => Attachments.check(attachments, row)),
      encode: SchemaGetter.passthrough<Template.Row>()
    })
  )

const keyOf = (column: Option.Option<string>): ((row: Template.Row) => string) =>
  Option.match(column, {
    onNone: () => RowKey.ofContent,
    onSome: (name) => (row) => keyIn(row, name)
  })

const keyIn = (row: Template.Row, name: string) => Template.textOf(Option.getOrNull(Template.find(row, name)))

/** The name of a file without its folder and endings. */
const nameOf = (path: string): string => path.replace(/^.*[/\\]/, "").replace(/(?<=.)\..*$/, "")
