/**
 * What needs Node.
 */
export * as Sqlite from "./Sqlite.ts"
