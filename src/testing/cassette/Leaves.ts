/**
 * Lists the values in JSON with their paths, such as `messages[0].content`. Requests are compared, and secrets are
 * searched for, value by value.
 */
import * as Predicate from "effect/Predicate"

/** Every text, number, boolean and null in a value, with its path. An empty object or list is listed too. */
export const leaves = (value: unknown, path = ""): ReadonlyArray<readonly [path: string, value: unknown]> => {
  if (Array.isArray(value) && value.length > 0) return value.flatMap((item, index) => leaves(item, `${path}[${index}]`))
  if (!Predicate.isObject(value) || Object.keys(value).length === 0) return [[path, value]]
  return Object.entries(value).flatMap(([key, item]) => leaves(item, path === "" ? key : `${path}.${key}`))
}
