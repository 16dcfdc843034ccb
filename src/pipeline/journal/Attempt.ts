/**
 * Runs statements of the journal. Their errors become `JournalFailed`, which names the file or database, and what to do if
 * the connection is lost. The trace of a row shows one span for storing it, which the caller makes, and none for the
 * statements.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type * as Schema from "effect/Schema"
import type { MigrationError } from "effect/sql/Migrator"
import { ConnectionError, isSqlError, type SqlError } from "effect/sql/SqlError"
import { JournalFailed } from "./JournalError.ts"
import * as SqlMessage from "./SqlMessage.ts"

/** Runs statements on the state of a job. */
export type Attempt = <A>(
  statements: Effect.Effect<A, SqlError | Schema.SchemaError>
) => Effect.Effect<A, JournalFailed>

/** `state` is the path of the file, or the name of the database. */
export const on =
  (state: string): Attempt =>
  (statements) =>
    statements.pipe(
      Effect.withTracerEnabled(false),
      Effect.mapError((error) => failed(error, state))
    )

/** The error of a statement, of a migration, or of decoding what a statement returned. */
export const failed = (error: MigrationError | SqlError | Schema.SchemaError, state: string): JournalFailed => {
  if (isSqlError(error)) return at(state, `${SqlMessage.of(error)}${isLost(error) ? connectionLost : ""}`)
  if (Predicate.isTagged(error, "MigrationError")) {
    return isSqlError(error.cause) ? failed(error.cause, state) : at(state, error.message)
  }
  return at(
    state,
    `its content is not that of a journal: ${error.message.replace(/\s*\n\s*/g, " ")}; ${foreignContent}`
  )
}

/** Names the state, unless the message does so: an SQLite client may know the file by a relative path. */
const at = (state: string, message: string): JournalFailed => {
  const file = state.replace(/^.*[/\\]/, "")
  return new JournalFailed({ detail: message.includes(file) ? message : `${state}: ${message}` })
}

/** The connection broke, or the server closed it (class 57P of https://www.postgresql.org/docs/current/errcodes-appendix.html). */
const isLost = ({ reason }: SqlError) =>
  reason instanceof ConnectionError ||
  (Predicate.hasProperty(reason.cause, "code") && String(reason.cause.code).startsWith("57P"))

const foreignContent = "another program has changed it: restore a copy of it, or use another state"

const connectionLost = "; check that the server runs, and run again: what is stored is kept"
