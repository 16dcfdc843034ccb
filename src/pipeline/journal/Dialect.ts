/**
 * What differs between the SQL of SQLite and that of PostgreSQL.
 */
import type { SqlClient } from "effect/sql/SqlClient"

export const isSqlite = (sql: SqlClient): boolean => sql.onDialectOrElse({ sqlite: () => true, orElse: () => false })

/** The placeholder of a parameter, counted from 1. */
export const placeholder = (sql: SqlClient): ((number: number) => string) =>
  isSqlite(sql) ? () => "?" : (number) => `$${number}`
