/**
 * What a job knows of its rows: which are done, with their output, which failed, with their error, and which are still
 * to do. It lives in a database, so a job that was stopped goes on where it was. One layer is one run of the job: rows
 * that this run has not claimed stay in the state, but are in none of its outputs, failures and counts.
 */
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import * as Struct from "effect/Struct"

/** The layout of the tables. A state of a higher version is refused. */
const version = 2

/** How many rows of a run are what. */
export const Counts = Schema.Struct({ done: Schema.Int, failed: Schema.Int, pending: Schema.Int })
export type Counts = typeof Counts.Type

/** What is stored of the job itself. `emulated` is null until somebody has answered. */
const Head = Schema.Struct({
  job: Schema.String,
  shape: Schema.fromJsonString(Schema.Json),
  run: Schema.Int,
  emulated: Schema.NullOr(Schema.BooleanFromBit)
})
type Head = typeof Head.Type
type Identity = Pick<Head, "job" | "shape">

/** The state was made by something else than today's job. Nothing in it was changed. */
export class JournalMismatch extends Schema.TaggedError<JournalMismatch>()("JournalMismatch", {
  /** The file, where it is one. */
  state: Schema.String,
  /** In words, such as `output.schema.type was "string" and is "object"`. Long texts are not shown. */
  differences: Schema.Array(Schema.String)
}) {
  override get message() {
    const origin = `${this.state} was made by another job, or by an earlier form of this one`
    return `${origin}: ${this.differences.join(", ")}; use another --state and --output, or move both away`
  }
}

/** The state has the emulator's answers and this run has Claude's, or the other way round. They are kept apart. */
export class JournalMixed extends Schema.TaggedError<JournalMixed>()("JournalMixed", {
  /** The file, where it is one. */
  state: Schema.String,
  /** Whether the answers in the state are the emulator's. */
  emulated: Schema.Boolean
}) {
  override get message() {
    const whose = this.emulated ? "the emulator's answers, not Claude's" : "Claude's answers, not the emulator's"
    const remedy = "use another --state and --output, or move both away; and another --cache, where that answered"
    return `${this.state} holds ${whose}, and the two never mix; ${remedy}`
  }
}

/** The state was written by a newer version of this library. Nothing in it was changed. */
export class JournalTooNew extends Schema.TaggedError<JournalTooNew>()("JournalTooNew", {
  state: Schema.String,
  version: Schema.Int
}) {
  override get message() {
    const formats = `its format is ${this.version}, and ${version} the newest known here`
    const remedy = "update effect-claude, or use another --state and --output"
    return `${this.state} was written by a newer effect-claude: ${formats}; ${remedy}`
  }
}

/** The state could not be read or written. What is in it stays. */
export class JournalFailed extends Schema.TaggedError<JournalFailed>()("JournalFailed", {
  /** In the words of the database; of an SQLite file, they begin with its path. */
  detail: Schema.String
}) {
  override get message() {
    return `the journal failed: ${this.detail}`
  }
}

/** The rows of one run. */
export class Journal extends Context.Service<
  Journal,
  {
    /**
     * Begins the run with an effect that claims its rows. Unless all of it succeeds, the state stays as it was; the
     * rest of the journal is of use only afterwards.
     */
    readonly begin: <A, E, R>(claims: Effect.Effect<A, E, R>) => Effect.Effect<A, E | JournalFailed, R>
    /**
     * Takes up the row with this key, which stands at `ordinal` in the input: `duplicate` if this run has it already,
     * `done` if an earlier run finished it, `pending` if it is new, or was left unfinished, or failed.
     */
    readonly claim: (key: string, ordinal: number) => Effect.Effect<"pending" | "done" | "duplicate", JournalFailed>
    /** Whether the row that stands at `ordinal` was claimed under this key, and is not done. */
    readonly isPending: (key: string, ordinal: number) => Effect.Effect<boolean, JournalFailed>
    /**
     * Keeps the output of a claimed row, one line of JSON. Once this returns, the output outlives the process.
     * `emulated` is whether the emulator answered; left out where nobody was asked.
     */
    readonly finish: (
      key: string,
      output: string,
      emulated?: boolean | undefined
    ) => Effect.Effect<void, JournalFailed | JournalMixed>
    /** Keeps the error of a claimed row, as JSON. The next run finds the row pending. */
    readonly fail: (key: string, error: string) => Effect.Effect<void, JournalFailed>
    /** The outputs, in the order of the input. */
    readonly outputs: Stream.Stream<string, JournalFailed>
    /** What failed in this run, in the order of the input. */
    readonly failures: Stream.Stream<{ readonly key: string; readonly error: string }, JournalFailed>
    /** The rows claimed so far. Looks at each of them, so it is for the start and the end of a run. */
    readonly counts: Effect.Effect<Counts, JournalFailed>
    /** Whether the answers in the state are the emulator's. */
    readonly emulated: Effect.Effect<boolean>
    /** Whether answers of this run may turn out to be of the other kind than those in the state. */
    readonly mayMix: Effect.Effect<boolean>
  }
>()("effect-claude/Journal") {}

/**
 * Opens the state of a job for one run. `shape` is what makes earlier outputs unfit for today's job when it changes, as
 * `Job.shape` has it. `emulated` is whether the emulator will answer, where that is known beforehand: then a state with
 * answers of the other kind is refused at once, and otherwise at the first answer.
 */
export const layer = (options: {
  readonly job: string
  readonly shape: Schema.Json
  readonly emulated?: boolean | undefined
}): Layer.Layer<Journal, JournalFailed | JournalMismatch | JournalMixed | JournalTooNew, SqlClient> =>
  Layer.effect(
    Journal,
    SqlClient.use((sql) => Effect.map(open(sql, options), (head) => journalOf(sql, head)))
  )

/** Checks that the state is of this job; gives what is to be stored of the job when the run begins. */
const open = (sql: SqlClient, { emulated, job, shape }: Parameters<typeof layer>[0]) =>
  Effect.gen(function* () {
    const today = { job, shape, emulated: null, mayMix: false }
    yield* sql`CREATE TABLE IF NOT EXISTS journal (version INTEGER, job TEXT, shape TEXT, run INTEGER, emulated INTEGER)`
    const found = (yield* sql`SELECT * FROM journal`)[0]
    if (found === undefined) {
      yield* createTables(sql)
      return { ...today, run: 1 }
    }
    const state = yield* nameOf(sql)
    const stored = yield* decodeVersion(found)
    if (stored.version > version) return yield* new JournalTooNew({ state, version: stored.version })
    const {
      emulated: held,
      run: last,
      ...before
    } = yield* "emulated" in found ? decodeHead(found) : upgrade(sql, found)
    const run = last + 1
    if (!(yield* hasResults(sql))) return { ...today, run }
    const differences = differencesOf(before, { job, shape })
    if (differences.length > 0) return yield* new JournalMismatch({ state, differences })
    if (held === null) return { ...today, run }
    if (emulated === !held) return yield* new JournalMixed({ state, emulated: held })
    return { ...today, run, emulated: held, mayMix: emulated === undefined }
  }).pipe(sql.withTransaction, Effect.withTracerEnabled(false), Effect.catchTag(["SqlError", "SchemaError"], failed))

/**
 * In version 1, what the emulator had answered was marked in the shape, unless it had been run around the program: all
 * else is taken for Claude's, among which nothing emulated may come.
 */
const upgrade = Effect.fnUntraced(function* (sql: SqlClient, found: object) {
  yield* sql`ALTER TABLE journal ADD COLUMN emulated INTEGER`
  const old = yield* decodeHead({ ...found, emulated: null })
  const isMarked = Predicate.hasProperty(old.shape, "answers") && old.shape.answers === "emulator"
  const shape = isMarked ? Struct.omit(old.shape, ["answers"]) : old.shape
  const head = { ...old, shape, emulated: isMarked }
  yield* sql`UPDATE journal SET ${sql.update({ version, ...(yield* encodeHead(head)) })}`
  return head
})

/** A state without results has nothing that may be unfit, and becomes that of today's job. */
const hasResults = (sql: SqlClient) =>
  Effect.map(sql`SELECT id FROM journal_results WHERE done = 1 LIMIT 1`, (rows) => rows.length > 0)

/** Claims touch small rows only; outputs stand in a table of their own, so that a second run does not rewrite them. */
const createTables = Effect.fnUntraced(function* (sql: SqlClient) {
  yield* sql`CREATE TABLE IF NOT EXISTS journal_rows
    (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, run INTEGER NOT NULL, ordinal INTEGER NOT NULL)`
  yield* sql`CREATE INDEX IF NOT EXISTS journal_rows_in_order ON journal_rows (run, ordinal)`
  yield* sql`CREATE TABLE IF NOT EXISTS journal_results
    (id INTEGER PRIMARY KEY, run INTEGER NOT NULL, done INTEGER NOT NULL, value TEXT NOT NULL)`
})

/** A trace of a row has no use for the SQL beneath: what stores the row names that in a span of its own. */
const quietly = <A>(operation: Effect.Effect<A, SqlError | Schema.SchemaError>) =>
  operation.pipe(Effect.withTracerEnabled(false), Effect.catch(failed))

const journalOf = (sql: SqlClient, { mayMix, ...head }: Head & { readonly mayMix: boolean }): Journal["Service"] => {
  const { run } = head
  let held = head.emulated
  let isUncertain = mayMix

  const begin = Effect.gen(function* () {
    yield* sql`DELETE FROM journal`
    yield* sql`INSERT INTO journal ${sql.insert({ version, ...(yield* encodeHead(head)) })}`
  })

  /** The first answer of all tells whose answers the state holds. */
  const keepApart = (emulated: boolean | undefined) => {
    if (emulated === undefined) return Effect.void
    if (emulated === held) return Effect.sync(() => (isUncertain = false))
    const bit = emulated ? 1 : 0
    return quietly(
      sql`UPDATE journal SET emulated = ${bit} WHERE COALESCE(emulated, ${bit}) = ${bit} RETURNING run`
    ).pipe(Effect.flatMap((rows) => (rows.length > 0 ? Effect.sync(() => (held = emulated)) : mixed(!emulated))))
  }
  const mixed = (emulated: boolean) =>
    Effect.flatMap(quietly(nameOf(sql)), (state) => new JournalMixed({ state, emulated }))

  const record = (key: string, done: 0 | 1, value: string) =>
    sql`INSERT INTO journal_results (id, run, done, value)
        SELECT id, ${run}, ${done}, ${value} FROM journal_rows WHERE key = ${key}
        ON CONFLICT (id) DO UPDATE SET run = excluded.run, done = excluded.done, value = excluded.value
        RETURNING id`.pipe(
      Effect.flatMap((rows) => (rows.length === 0 ? Effect.die(`row ${key} was never claimed`) : Effect.void)),
      quietly
    )

  /** An error counts in the run in which it happened. */
  const settled = sql.literal("(v.done = 1 OR v.run = r.run)")

  const results = (done: 0 | 1) =>
    Stream.paginate(-1, (after) =>
      sql`SELECT r.ordinal, r.key, v.value FROM journal_rows r JOIN journal_results v ON v.id = r.id
          WHERE r.run = ${run} AND r.ordinal > ${after} AND v.done = ${done} AND ${settled}
          ORDER BY r.ordinal LIMIT 256`.pipe(
        Effect.flatMap(decodeResults),
        Effect.map((page) => [page, Option.map(Arr.last(page), ({ ordinal }) => ordinal)] as const),
        quietly
      )
    )

  return {
    // What the claims fail with goes out as it came, also where that is an SqlError.
    begin: (claims) =>
      Effect.andThen(
        Effect.withTracerEnabled(begin, false),
        Effect.mapError(claims, (error) => () => error)
      ).pipe(
        sql.withTransaction,
        Effect.mapError((error) => (typeof error === "function" ? error() : failed(error)))
      ),
    claim: (key, ordinal) =>
      sql`INSERT INTO journal_rows (key, run, ordinal) VALUES (${key}, ${run}, ${ordinal})
          ON CONFLICT (key) DO UPDATE SET run = excluded.run, ordinal = excluded.ordinal
            WHERE journal_rows.run <> excluded.run
          RETURNING (SELECT done FROM journal_results WHERE id = journal_rows.id) AS done`.pipe(
        Effect.flatMap(decodeClaims),
        Effect.map(([claim]) => (claim === undefined ? "duplicate" : claim.done === 1 ? "done" : "pending")),
        quietly
      ),
    isPending: (key, ordinal) =>
      sql`SELECT r.id FROM journal_rows r LEFT JOIN journal_results v ON v.id = r.id
          WHERE r.key = ${key} AND r.run = ${run} AND r.ordinal = ${ordinal} AND (v.done IS NULL OR v.done = 0)`.pipe(
        Effect.map((rows) => rows.length > 0),
        quietly
      ),
    finish: (key, output, emulated) =>
      Effect.andThen(
        Effect.suspend(() => keepApart(emulated)),
        record(key, 1, output)
      ),
    fail: (key, error) => record(key, 0, error),
    outputs: Stream.map(results(1), ({ value }) => value),
    failures: Stream.map(results(0), ({ key, value }) => ({ key, error: value })),
    counts: sql`
      SELECT done, failed, claimed - done - failed AS pending FROM (
        SELECT COUNT(*) AS claimed, COUNT(CASE WHEN v.done = 1 THEN 1 END) AS done,
          COUNT(CASE WHEN v.done = 0 AND ${settled} THEN 1 END) AS failed
        FROM journal_rows r LEFT JOIN journal_results v ON v.id = r.id WHERE r.run = ${run}
      ) AS counted`.pipe(
      Effect.flatMap(decodeCounts),
      Effect.map(([counts]) => counts),
      quietly
    ),
    emulated: Effect.sync(() => held === true),
    mayMix: Effect.sync(() => isUncertain)
  }
}

const encodeHead = Schema.encodeEffect(Head)
const decodeHead = Schema.decodeUnknownEffect(Head)
const decodeVersion = Schema.decodeUnknownEffect(Schema.Struct({ version: Schema.Int }))
const decodeClaims = Schema.decodeUnknownEffect(Schema.Array(Schema.Struct({ done: Schema.NullOr(Schema.Int) })))
const decodeResults = Schema.decodeUnknownEffect(
  Schema.Array(Schema.Struct({ ordinal: Schema.Int, key: Schema.String, value: Schema.String }))
)
const decodeCounts = Schema.decodeUnknownEffect(Schema.Tuple([Counts]))

const failed = (error: SqlError | Schema.SchemaError) =>
  new JournalFailed({
    detail: Predicate.isTagged(error, "SqlError") ? error.message : `no journal has written this, ${error.message}`
  })

/** The path of the file, as SQLite knows it. */
const nameOf = (sql: SqlClient) =>
  sql.onDialectOrElse({
    sqlite: () =>
      Effect.map(sql`SELECT file FROM pragma_database_list WHERE name = 'main'`.values, (rows) =>
        String(rows[0]?.[0] || "the state")
      ),
    orElse: () => Effect.succeed("the state")
  })

const differencesOf = (before: Identity, now: Identity): ReadonlyArray<string> => {
  const old = new Map(leavesOf(before))
  const today = new Map(leavesOf(now))
  return [...new Set([...old.keys(), ...today.keys()])].flatMap((path) => {
    const was = old.get(path) ?? "absent"
    const is = today.get(path) ?? "absent"
    if (was === is) return []
    return was.length > 60 || is.length > 60 ? [`${path} has changed`] : [`${path} was ${was} and is ${is}`]
  })
}

/** The values in a value as JSON, each with its path: `{ shape: { tools: ["a"] } }` has `"a"` at `tools.0`. */
const leavesOf = (value: Schema.Json | Identity, path = ""): ReadonlyArray<readonly [string, string]> => {
  const entries = Predicate.isObjectOrArray(value) ? Object.entries(value) : []
  if (entries.length === 0) return [[path === "" ? "shape" : path, JSON.stringify(value)]]
  return entries.flatMap(([name, inner]) => leavesOf(inner, path === "" || path === "shape" ? name : `${path}.${name}`))
}
