/**
 * JSON as a flat list of paths and what stands there, such as `messages[0].content`: what two requests are compared by,
 * and where secrets are looked for.
 */
import * as Predicate from "effect/Predicate"

/** Every text, number and other end of a value, with its path. An empty object or list is an end too. */
export const leaves = (value: unknown, path = ""): ReadonlyArray<readonly [path: string, value: unknown]> => {
  if (Array.isArray(value) && value.length > 0) return value.flatMap((item, index) => leaves(item, `${path}[${index}]`))
  if (!Predicate.isObject(value) || Object.keys(value).length === 0) return [[path, value]]
  return Object.entries(value).flatMap(([key, item]) => leaves(item, path === "" ? key : `${path}.${key}`))
}
