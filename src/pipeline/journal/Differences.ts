/**
 * Describes the differences between two JSON values: `output.schema.type was "string" and is "object"`.
 */
import type * as Schema from "effect/Schema"

/** Every path whose value differs. Long values are left out, since they may be prompts. */
export const between = (before: Schema.Json, now: Schema.Json): ReadonlyArray<string> => {
  const old = new Map(leavesOf(before))
  const today = new Map(leavesOf(now))
  return [...new Set([...old.keys(), ...today.keys()])].flatMap((path) => {
    const was = old.get(path) ?? "absent"
    const is = today.get(path) ?? "absent"
    if (was === is) return []
    return was.length > 60 || is.length > 60 ? [`${path} has changed`] : [`${path} was ${was} and is ${is}`]
  })
}

/** The leaves of a JSON value as JSON, each with its path: `{ tools: ["a"] }` has `"a"` at `tools.0`. */
const leavesOf = (value: Schema.Json, path = ""): ReadonlyArray<readonly [string, string]> => {
  const entries = typeof value === "object" && value !== null ? Object.entries<Schema.Json>(value) : []
  if (entries.length === 0) return [[path === "" ? "shape" : path, JSON.stringify(value)]]
  return entries.flatMap(([name, inner]) => leavesOf(inner, path === "" ? name : `${path}.${name}`))
}
