/**
 * Why the state of a job cannot be used. A message says what the state is; the command line adds the flags to change.
 */
import * as Schema from "effect/Schema"
import * as Tables from "./Tables.ts"

/** The state is for the answers of an emulator and Claude answers this run, or the reverse. They are kept apart. */
export class JournalMixed extends Schema.TaggedError<JournalMixed>()("JournalMixed", {
  /** The file or database. */
  state: Schema.String,
  /** Whether the state is for the answers of an emulator. */
  emulated: Schema.Boolean
}) {
  override get message() {
    const whose = this.emulated ? "the emulator's answers, not Claude's" : "Claude's answers, not the emulator's"
    return `${this.state} is for ${whose}, and the two are never mixed`
  }
}

/** A newer version of this library wrote the state. Nothing in it was changed. */
export class JournalTooNew extends Schema.TaggedError<JournalTooNew>()("JournalTooNew", {
  state: Schema.String,
  version: Schema.Int
}) {
  override get message() {
    const formats = `its format is ${this.version}, and this version reads formats up to ${Tables.version}`
    return `a newer effect-claude wrote ${this.state}: ${formats}; update effect-claude`
  }
}

/** An earlier version of this library wrote the state, and only a run changes its format. Nothing in it was changed. */
export class JournalTooOld extends Schema.TaggedError<JournalTooOld>()("JournalTooOld", {
  state: Schema.String,
  version: Schema.Int
}) {
  override get message() {
    const formats = `its format is ${this.version}, and this version reads format ${Tables.version}`
    return `an earlier effect-claude wrote ${this.state}: ${formats}; run the job once more, which brings the state up to date`
  }
}

/** The SQLite file belongs to another program. Nothing in it was changed. */
export class JournalForeign extends Schema.TaggedError<JournalForeign>()("JournalForeign", {
  state: Schema.String,
  tables: Schema.Array(Schema.String)
}) {
  override get message() {
    const tables = this.tables.slice(0, 3).map((table) => `"${table}"`)
    return `${this.state} is a database of another program, with the tables ${tables.join(", ")}; use another file`
  }
}

/** Another process runs the same job on the same database. Nothing was changed. */
export class JournalInUse extends Schema.TaggedError<JournalInUse>()("JournalInUse", {
  state: Schema.String,
  job: Schema.String
}) {
  override get message() {
    return `another process is running the job "${this.job}" on ${this.state}; wait for it, or stop it`
  }
}

/** The database cannot be read or written. What is stored stays. */
export class JournalFailed extends Schema.TaggedError<JournalFailed>()("JournalFailed", {
  /** What the database reports. For an SQLite file, it begins with the path. */
  detail: Schema.String,
  /** Whether only the connection was lost, such as by a restart of the server: the same command may continue. */
  mayPass: Schema.optionalKey(Schema.Boolean)
}) {
  override get message() {
    return `the journal failed: ${this.detail}`
  }
}
