/**
 * The error message of a database, in one line, and what to do about it. Some drivers keep it in the cause: the message of
 * @effect/sql-pg says only that a query failed.
 */
import * as Predicate from "effect/Predicate"
import type { SqlError } from "effect/sql/SqlError"

/** The message of an error and, unless it is part of it, that of its cause. */
export const of = (error: SqlError): string => {
  const { cause } = error.reason
  return cause instanceof Error && !error.message.includes(cause.message)
    ? `${error.message}: ${cause.message}`
    : error.message
}

/** By the code of PostgreSQL, https://www.postgresql.org/docs/current/errcodes-appendix.html */
const remedies: Readonly<Record<string, string>> = {
  "25006": "use the address of the primary server, not of a standby",
  "26000": "use a pooler in session mode, or the address of the server itself",
  "28000": "correct the user in the address, or let the server accept it",
  "28P01": "correct the password in the address",
  "3D000": "create it with `createdb`, or correct the name in the address",
  "42501": "give the user of the address its rights on the tables again",
  "53100": "make room on the disk of the database",
  "53300": "let the server accept more connections (max_connections), or start fewer workers"
}

/** The code of the server; empty where the error is not its own. */
export const codeOf = ({ reason: { cause } }: SqlError): string =>
  Predicate.hasProperty(cause, "code") ? String(cause.code) : ""

/** What to do about an error; undefined for a code without a known remedy. */
export const remedyOf = (error: SqlError): string | undefined => remedies[codeOf(error)]
