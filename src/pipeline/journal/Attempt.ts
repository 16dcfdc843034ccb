/**
 * Runs statements of the journal. Their errors become `JournalFailed`, which names the file or database, and what to do if
 * the connection is lost. The trace of a row shows one span for storing it, which the caller makes, and none for the
 * statements.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type * as Schema from "effect/Schema"
import { MigrationError } from "effect/sql/Migrator"
import { ConnectionError, isSqlError, SqlError } from "effect/sql/SqlError"
import { JournalFailed } from "./JournalError.ts"
import * as SqlMessage from "./SqlMessage.ts"

/** Runs statements on the state of a job. */
export type Attempt = <A>(
  statements: Effect.Effect<A, SqlError | Schema.SchemaError | JournalFailed>
) => Effect.Effect<A, JournalFailed>

/**
 * How long the statements of a process that works beside others may take. Where packets are dropped, a statement would wait
 * for about 15 minutes until the operating system gives the connection up.
 */
export const Patience: Context.Reference<Duration.Duration> = Context.Reference("effect-claude/journal/Patience", {
  defaultValue: () => Duration.seconds(20)
})

/** Gives statements up that take too long, also where they must not be interrupted. Their connection is closed. */
export const inTime = <A, E, R>(statements: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError, R> =>
  Effect.withFiber((fiber) => {
    const duration = fiber.getRef(Patience)
    const late = new Error(`no answer within ${Duration.format(duration)}`)
    const message = "the database does not answer"
    return Effect.timeoutOrElse(Effect.interruptible(statements), {
      duration,
      orElse: () => Effect.fail(new SqlError({ reason: new ConnectionError({ cause: late, message }) }))
    })
  })

/**
 * Where a connection is lost in a transaction, its rollback fails too, and Effect makes a defect of both. This makes an error
 * of it again.
 */
export const orFail = <A, E, R>(
  statements: Effect.Effect<A, E, R>
): Effect.Effect<A, E | MigrationError | SqlError, R> =>
  Effect.catchDefect(statements, (defect) =>
    isSqlError(defect) || defect instanceof MigrationError ? Effect.fail(defect) : Effect.die(defect)
  )

/** `state` is the path of the file, or the name of the database. */
export const on =
  (state: string): Attempt =>
  (statements) =>
    statements.pipe(
      orFail,
      Effect.withTracerEnabled(false),
      Effect.mapError((error) => (error instanceof JournalFailed ? error : failed(error, state)))
    )

/** The error of a statement, of a migration, or of decoding what a statement returned. */
export const failed = (error: MigrationError | SqlError | Schema.SchemaError, state: string): JournalFailed => {
  if (isSqlError(error)) return at(state, SqlMessage.of(error) + adviceOn(error), isLost(error))
  if (Predicate.isTagged(error, "MigrationError")) {
    return isSqlError(error.cause) ? failed(error.cause, state) : at(state, error.message)
  }
  return at(
    state,
    `its content is not that of a journal: ${error.message.replace(/\s*\n\s*/g, " ")}; ${foreignContent}`
  )
}

/** Names the state, unless the message does so: an SQLite client may know the file by a relative path. */
const at = (state: string, message: string, mayPass = false): JournalFailed => {
  const file = state.replace(/^.*[/\\]/, "")
  const detail = message.includes(file) ? message : `${state}: ${message}`
  return new JournalFailed({ detail, ...(mayPass && { mayPass }) })
}

/** Whether an error means a lost connection. The server closes connections with the codes of class 57P. */
const isLost = (error: SqlError): boolean =>
  SqlMessage.remedyOf(error) === undefined &&
  (error.reason instanceof ConnectionError || SqlMessage.codeOf(error).startsWith("57P"))

/** What to do about an error of a statement. */
const adviceOn = (error: SqlError): string => {
  const remedy = SqlMessage.remedyOf(error)
  if (remedy !== undefined) return `; ${remedy}: what is stored is kept`
  return isLost(error) ? connectionLost : ""
}

const foreignContent = "another program has changed it: restore a copy of it, or use another state"

const connectionLost = "; check that the server runs, and run again: what is stored is kept"
