/**
 * The first difference between two JSON texts, in words. Pure.
 */
import * as Predicate from "effect/Predicate"
import * as Json from "../../claude/Json.ts"

/** Where two JSON texts first differ, and both values there: `system was "Sort it." and is "Rank it."`. */
export const first = (before: string, now: string): string => {
  const difference = between(Json.parse(before), Json.parse(now), [])
  if (difference === undefined) return "nothing"
  const [path, was, is] = difference
  const [wasText, isText] = excerpts(textOf(was), textOf(is))
  return `${path.length === 0 ? "the whole" : path.join(".")} was ${wasText} and is ${isText}`
}

type Path = ReadonlyArray<string>

/** The path of the first difference, and the values there. Keys come in the order of the text. */
const between = (was: unknown, is: unknown, path: Path): readonly [Path, unknown, unknown] | undefined => {
  const isSameKind = Array.isArray(was) === Array.isArray(is)
  if (!Predicate.isObjectOrArray(was) || !Predicate.isObjectOrArray(is) || !isSameKind) {
    return was === is ? undefined : [path, was, is]
  }
  const inner = [new Map(Object.entries(was)), new Map(Object.entries(is))] as const
  for (const key of new Set([...inner[0].keys(), ...inner[1].keys()])) {
    const difference = between(inner[0].get(key), inner[1].get(key), [...path, key])
    if (difference !== undefined) return difference
  }
  return undefined
}

const textOf = (value: unknown): string => JSON.stringify(value) ?? "absent"

/** At most this many characters of each value are shown. */
const shown = 80
/** As many of them come before the difference. */
const lead = 30

/** Two texts, shortened to the part around their first difference. */
const excerpts = (was: string, is: string): readonly [string, string] => {
  let same = 0
  while (same < was.length && was[same] === is[same]) same += 1
  return [excerpt(was, same), excerpt(is, same)]
}

const excerpt = (text: string, at: number): string => {
  if (text.length <= shown) return text
  const start = Math.max(0, Math.min(at - lead, text.length - shown))
  const end = start + shown
  return `${start > 0 ? "…" : ""}${text.slice(start, end)}${end < text.length ? "…" : ""}`
}
