/**
 * The error message of a database, in one line. Some drivers keep it in the cause: the message of @effect/sql-pg says
 * only that a query failed.
 */
import type { SqlError } from "effect/sql/SqlError"

/** The message of an error and, unless it is part of it, that of its cause. */
export const of = (error: SqlError): string => {
  const { cause } = error.reason
  return cause instanceof Error && !error.message.includes(cause.message)
    ? `${error.message}: ${cause.message}`
    : error.message
}
