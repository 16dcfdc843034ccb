/**
 * What needs Node.
 */
export * as NodeTransport from "./NodeTransport.ts"
export * as Sqlite from "./Sqlite.ts"
