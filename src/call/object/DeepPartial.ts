/**
 * A value while it arrives: its type, and the order of its snapshots.
 */
import * as Predicate from "effect/Predicate"

/**
 * The encoded side of a schema, as JSON that has arrived in part: each field may be missing, and a text or a list may have
 * only its beginning. Numbers, booleans, literals and keys are complete. A type that is not JSON, such as `Date` or an
 * `Option`, is `unknown`: a snapshot has the JSON that stands for it.
 */
export type DeepPartial<T> = unknown extends T
  ? unknown
  : T extends string
    ? Text<T>
    : T extends number | boolean | null | undefined
      ? T
      : T extends ReadonlyArray<unknown>
        ? List<T>
        : T extends object
          ? Fields<T>
          : unknown

/** A cut text has no pattern: a template literal becomes a string. Literals are shown when they are complete. */
type Text<T extends string> = {} extends Record<T, 1> ? string : T

type List<T extends ReadonlyArray<unknown>> = number extends T["length"]
  ? ReadonlyArray<DeepPartial<T[number]>>
  : { readonly [K in keyof T]?: DeepPartial<T[K]> }

/** An object with methods is no JSON. */
type Fields<T> = true extends { [K in keyof T]-?: T[K] extends Method ? true : never }[keyof T]
  ? unknown
  : { readonly [K in keyof T]?: DeepPartial<T[K]> }

type Method = (...parameters: ReadonlyArray<never>) => unknown

/** Whether a snapshot is the beginning of a value: a cut text, a shorter list, or fewer fields. */
export const isBeginning = (snapshot: unknown, value: unknown): boolean => {
  if (Predicate.isString(snapshot)) return Predicate.isString(value) && value.startsWith(snapshot)
  if (Array.isArray(snapshot))
    return Array.isArray(value) && snapshot.every((item, at) => at < value.length && isBeginning(item, value[at]))
  if (!Predicate.isObject(snapshot)) return snapshot === value
  return Predicate.isObject(value) && Object.entries(snapshot).every(([key, one]) => isBeginning(one, value[key]))
}
