import { NodeServices } from "@effect/platform-node"
import { ClaudeError, Dataset, Job, Journal, Step } from "effect-claude"
import { Sqlite } from "effect-claude/node"
import { TestClaude } from "effect-claude/testing"
import { Effect, FileSystem, Path, Schema } from "effect"
import { SqlClient } from "effect/sql/SqlClient"

export const Person = Schema.Struct({ name: Schema.String })

export const names = (count: number) => Array.from({ length: count }, (_, index) => `person ${index}`)

export const people = (names: ReadonlyArray<string>) =>
  Dataset.fromIterable(
    "people",
    Person,
    names.map((name) => ({ name }))
  )

export const greetings = (names: ReadonlyArray<string>) =>
  Job.make({
    name: "greetings",
    source: people(names),
    key: ({ name }) => name,
    step: Step.text("greet", ({ name }: typeof Person.Type) => `Greet ${name}.`),
    output: Schema.String,
    sink: "unused.jsonl"
  })

export const overloaded = new ClaudeError.Overloaded({ detail: "busy" })
export const notYou = new ClaudeError.InvalidRequest({ detail: "not you" })

/** All requests so far. */
export const calls = TestClaude.calls

/** A temporary folder with an output and a state that outlive a run. */
export const inFolder = <A, E, R>(test: (files: Files) => Effect.Effect<A, E, R>) =>
  Effect.flatMap(makeFiles, test).pipe(Effect.scoped, Effect.provide(NodeServices.layer))

export type Files = Effect.Success<typeof makeFiles>

const makeFiles = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const folder = yield* fs.makeTempDirectoryScoped()
  const output = path.join(folder, "out.jsonl")
  const state = Sqlite.layer({ path: path.join(folder, "state.sqlite") })
  const runHere = <Row, Out, E>(
    job: Job.Job<Row, Out, E>,
    options: Job.RunOptions<Row> = {},
    change: (journal: Journal.Journal["Service"]) => Journal.Journal["Service"] = (journal) => journal
  ) =>
    Job.run(job, { output, ...options }).pipe(
      Effect.updateService(Journal.Journal, change),
      Effect.provide(Journal.layer({ job: job.name, shape: Job.shape(job) }))
    )
  return {
    output,
    path: (name: string) => path.join(folder, name),
    state,
    /** A run with an open state. `change` replaces members of the journal. */
    runHere,
    /** The files in the folder, and the rows in the state. */
    names: fs.readDirectory(folder),
    rows: Effect.provide(
      SqlClient.use((sql) =>
        Effect.all([sql`SELECT * FROM effect_claude_jobs`, sql`SELECT * FROM effect_claude_rows`])
      ),
      state
    ),
    lines: Effect.map(fs.readFileString(output), (text) => text.trimEnd().split("\n")),
    run: <Row, Out, E>(job: Job.Job<Row, Out, E>, options: Job.RunOptions<Row> = {}) =>
      Effect.provide(runHere(job, options), state)
  }
})
