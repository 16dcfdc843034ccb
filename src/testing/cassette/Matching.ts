/**
 * Decides whether two requests are the same, and lists their differences. Pure.
 */
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { Redact } from "../../claude/Redact.ts"
import { canonical, type Request as ClaudeRequest } from "../../claude/Request.ts"
import { leaves } from "./Leaves.ts"
import type { Request } from "./Recording.ts"

/** The parts of a request that are compared: those that can change the answer, with sorted keys. */
const comparable = ({ body = null, headers, method, path }: Request) => ({
  method,
  path,
  headers: Object.fromEntries(Object.entries(headers).toSorted()),
  // Every body is treated as a request for a message: `canonical` keeps fields that it does not know. Its type is not
  // checked, because `canonical` reads any object.
  body: Predicate.isObject(body) ? parse(canonical(body as unknown as ClaudeRequest)) : body
})

const parse = Schema.decodeSync(Schema.fromJsonString(Schema.Unknown))

/** A key that is equal for two requests exactly when they ask the API for the same thing. */
export const keyOf = (request: Request): string => JSON.stringify(comparable(request))

/** A path at which two requests differ, with both values as JSON; `undefined` where a request has no such path. */
export interface Difference {
  readonly path: string
  readonly recorded: string | undefined
  readonly sent: string | undefined
}

/** How similar two requests are, from 0 to 1, and all their differences. */
export const compare = (recorded: Request, sent: Request) => {
  const [before, after] = [valuesOf(recorded), valuesOf(sent)]
  const paths = [...new Set([...before.keys(), ...after.keys()])]
  const differences = paths
    .map((path): Difference => ({ path, recorded: before.get(path), sent: after.get(path) }))
    .filter(({ recorded, sent }) => sent !== recorded)
  return { similarity: 1 - differences.length / paths.length, differences }
}

const valuesOf = (request: Request) =>
  new Map(leaves(comparable(request)).map(([path, value]) => [path, JSON.stringify(value)]))

/**
 * One line for a difference, such as `body.max_tokens: 100 → 200`. Long texts begin 15 characters before the first
 * difference. `hide` removes secrets first.
 */
export const show = ({ path, recorded = "nothing", sent = "nothing" }: Difference, hide: Redact) => {
  const [before, after] = [hide(recorded), hide(sent)]
  const different = before.split("").findIndex((character, index) => character !== after[index])
  const from = Math.max(0, (different < 0 ? before.length : different) - 15)
  const clip = (text: string) =>
    `${from > 0 ? "…" : ""}${text.slice(from, from + 60)}${text.length > from + 60 ? "…" : ""}`
  return `${hide(path)}: ${clip(before)} → ${clip(after)}`
}
