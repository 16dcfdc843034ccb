/**
 * Runs statements of the journal. Their errors become `JournalFailed`. The trace of a row shows one span for storing it,
 * which the caller makes, and none for the statements.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type * as Schema from "effect/Schema"
import type { MigrationError } from "effect/sql/Migrator"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import { JournalFailed } from "./JournalError.ts"
import * as SqlMessage from "./SqlMessage.ts"

/** The error of a statement, of a migration, or of decoding what a statement returned. */
export const failed = (error: MigrationError | SqlError | Schema.SchemaError): JournalFailed => {
  if (Predicate.isTagged(error, "MigrationError")) {
    return isSqlError(error.cause) ? failed(error.cause) : new JournalFailed({ detail: error.message })
  }
  if (Predicate.isTagged(error, "SchemaError")) {
    return new JournalFailed({ detail: `its content is not a journal's, ${error.message}` })
  }
  return new JournalFailed({ detail: SqlMessage.of(error) })
}

/** Runs statements. */
export const quietly = <A>(operation: Effect.Effect<A, SqlError | Schema.SchemaError>) =>
  operation.pipe(Effect.withTracerEnabled(false), Effect.mapError(failed))
