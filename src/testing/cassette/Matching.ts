/**
 * When two requests are the same, and how they differ when not. Pure.
 */
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { Redact } from "../../claude/Redact.ts"
import { canonical, type Request as ClaudeRequest } from "../../claude/Request.ts"
import { leaves } from "./Leaves.ts"
import type { Request } from "./Recording.ts"

/** What requests are compared by: without what cannot change the answer, the keys of objects in order. */
const comparable = ({ body = null, headers, method, path }: Request) => ({
  method,
  path,
  headers: Object.fromEntries(Object.entries(headers).toSorted()),
  // By the rules for requests, whatever was sent. `canonical` passes on what it does not know.
  body: Predicate.isObject(body) ? parse(canonical(body as unknown as ClaudeRequest)) : body
})

const parse = Schema.decodeSync(Schema.fromJsonString(Schema.Unknown))

/** The text that two requests share exactly when the API would be asked the same thing. */
export const keyOf = (request: Request): string => JSON.stringify(comparable(request))

/** One place where two requests differ, as JSON; `undefined` where one of them has nothing. */
export interface Difference {
  readonly path: string
  readonly recorded: string | undefined
  readonly asked: string | undefined
}

/** How much two requests have in common, from 0 to 1, and every place where they differ. */
export const compare = (recorded: Request, asked: Request) => {
  const [before, after] = [ends(recorded), ends(asked)]
  const paths = [...new Set([...before.keys(), ...after.keys()])]
  const differences = paths
    .map((path): Difference => ({ path, recorded: before.get(path), asked: after.get(path) }))
    .filter(({ asked, recorded }) => asked !== recorded)
  return { likeness: 1 - differences.length / paths.length, differences }
}

const ends = (request: Request) =>
  new Map(leaves(comparable(request)).map(([path, end]) => [path, JSON.stringify(end)]))

/**
 * A line for a difference, such as `body.max_tokens: 100 → 200`. Long texts are shown from shortly before they part.
 * `hide` takes secrets out of them first.
 */
export const show = ({ asked = "nothing", path, recorded = "nothing" }: Difference, hide: Redact) => {
  const [before, after] = [hide(recorded), hide(asked)]
  const parting = before.split("").findIndex((character, index) => character !== after[index])
  const from = Math.max(0, (parting < 0 ? before.length : parting) - 15)
  const clip = (text: string) =>
    `${from > 0 ? "…" : ""}${text.slice(from, from + 60)}${text.length > from + 60 ? "…" : ""}`
  return `${hide(path)}: ${clip(before)} → ${clip(after)}`
}
