/**
 * Models in one namespace: their limits and prices in the table of this version, and what the API says of them now.
 */
export * from "./claude/Models.ts"
export { List, type Listed, lookup, refresh } from "./claude/ModelList.ts"
