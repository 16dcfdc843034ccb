/**
 * A value while its JSON arrives: immutable snapshots in the shape that the codec decodes. A snapshot shares every part
 * that is complete with the snapshots before it, so it costs a copy of the objects and lists that are still open.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type { Part } from "../../claude/OutputFormat.ts"
import { type Complete, deepest, make as makeParser } from "./PushParser.ts"

export interface PartialValue {
  /** Parses a piece of the JSON text. Returns a snapshot; undefined if there is nothing new to show. */
  readonly push: (text: string) => Effect.Effect<unknown>
  /** The complete items of the list at the root, or under this key of the object at the root. */
  readonly items: (key: string) => ReadonlyArray<unknown>
  /** Whether the text is the JSON of one value and nothing else, in which no key is repeated. */
  readonly isJson: () => boolean
}

/** An object or a list that is not complete: its complete parts, and the level of its open part. */
interface Level {
  readonly part: Part
  readonly parts: Parts
  open: { readonly key: Key; readonly level: Level } | undefined
}

type Parts = Array<unknown> | Record<string, unknown>
type Key = string | number

/** A value of which nothing has arrived. */
export const make = (part: Part): PartialValue => {
  const completed: Array<Complete> = []
  const parser = makeParser((complete) => completed.push(complete))
  let root: Level | undefined
  let whole: unknown
  let tail = ""
  /** A repeated key replaces a part that was shown, so nothing is shown after it. */
  let hasRepeat = false

  /** Moves a complete value into its level. Returns whether a snapshot could not show it before. */
  const settle = ({ path, value }: Complete): boolean => {
    const key = path.at(-1)
    if (key === undefined) {
      whole = complete(part, root, value)
      return part.isWhole
    }
    root ??= level(part, path[0])
    let at = root
    for (let depth = 1; depth < path.length; depth++) {
      const step = path[depth - 1] ?? ""
      if (at.open?.key !== step) {
        if (isTaken(at.parts, step)) return repeated()
        at.open = { key: step, level: level(at.part.at(step), path[depth]) }
      }
      at = at.open.level
    }
    if (isTaken(at.parts, key)) return repeated()
    const inner = at.part.at(key)
    put(at.parts, key, complete(inner, at.open?.key === key ? at.open.level : undefined, value))
    at.open = undefined
    return inner.isWhole || !Predicate.isObjectOrArray(value)
  }

  const repeated = (): boolean => {
    hasRepeat = true
    return false
  }

  /** The snapshot after a piece; undefined if there is nothing new to show. */
  const after = (text: string, hasChanged: boolean): unknown => {
    let isNew = false
    for (const one of completed) isNew = (!hasRepeat && settle(one)) || isNew
    completed.length = 0
    if (hasRepeat) return undefined
    tail = (tail + text).slice(-12)
    if (!hasChanged && !isNew) return undefined
    if (parser.isComplete()) return whole
    const leaf = { tail, isHidden: false, depth: 0 }
    const snapshot = copy(part, root, parser.root(), leaf)
    return leaf.isHidden && !isNew ? undefined : snapshot
  }

  return {
    push: (text) => Effect.map(parser.push(text), (hasChanged) => after(text, hasChanged)),
    items: (key) => {
      if (root === undefined) return []
      if (Array.isArray(root.parts)) return root.parts
      const list = root.open?.key === key ? root.open.level.parts : root.parts[key]
      return Array.isArray(list) ? list : []
    },
    isJson: () => parser.isComplete() && !parser.isBroken() && !hasRepeat
  }
}

/** The open text, at the end of the snapshot: the last characters that arrived, whether it is not shown, and its level. */
interface Leaf {
  readonly tail: string
  isHidden: boolean
  depth: number
}

/** A snapshot of an open value; undefined if there is nothing to show. */
const copy = (part: Part, level: Level | undefined, source: unknown, leaf: Leaf): unknown => {
  if (Predicate.isString(source)) {
    leaf.isHidden = part.isWord
    return part.isWord ? undefined : withoutHalf(source, leaf.tail)
  }
  if (!Predicate.isObjectOrArray(source) || part.isWhole || ++leaf.depth > deepest) {
    leaf.isHidden = true
    return undefined
  }
  const parts = Array.isArray(source) ? copyOfList(part, level, source, leaf) : copyOfObject(part, level, source, leaf)
  return part.join === undefined ? parts : part.join(parts, false)
}

const copyOfList = (part: Part, level: Level | undefined, source: ReadonlyArray<unknown>, leaf: Leaf) => {
  const parts: Array<unknown> = Array.isArray(level?.parts) ? level.parts : []
  const at = parts.length
  const open = source.length > at ? copy(part.at(at), level?.open?.level, source[at], leaf) : undefined
  if (open === undefined) return parts.slice()
  // A list is copied several times as fast at its final length.
  parts.push(open)
  const copied = parts.slice()
  parts.pop()
  return copied
}

const copyOfObject = (part: Part, level: Level | undefined, source: object, leaf: Leaf) => {
  const parts: Record<string, unknown> = { ...level?.parts }
  const key = openKey(source, parts)
  if (key === undefined) return parts
  const inner = level?.open?.key === key ? level.open.level : undefined
  const open = copy(part.at(key), inner, Reflect.get(source, key), leaf)
  if (open !== undefined) put(parts, key, open)
  return parts
}

/** The key of the part that is not complete. It was added last, so it is the last key unless the keys are digits. */
const openKey = (source: object, parts: object): string | undefined => {
  let last: string | undefined
  for (const key in source) last = key
  if (last === undefined || !Object.hasOwn(parts, last)) return last
  return Object.keys(source).find((key) => !Object.hasOwn(parts, key))
}

/** A complete value. Its parts have been read when they were complete. */
const complete = (part: Part, level: Level | undefined, value: unknown): unknown => {
  if (!Predicate.isObjectOrArray(value) || part.isWhole) return part.read(value)
  const parts = level?.parts ?? value
  return part.join === undefined ? parts : part.join(parts, true)
}

const level = (part: Part, key: Key | undefined): Level => ({
  part,
  parts: typeof key === "number" ? [] : {},
  open: undefined
})

/** Whether an object has this key already. */
const isTaken = (parts: Parts, key: Key): boolean => !Array.isArray(parts) && Object.hasOwn(parts, key)

const put = (parts: Parts, key: Key, value: unknown): void => {
  if (Array.isArray(parts)) parts.push(value)
  // An assignment to the key __proto__ would set the prototype.
  else if (key !== "__proto__") parts[key] = value
  else Object.defineProperty(parts, key, { value, writable: true, enumerable: true, configurable: true })
}

/**
 * The text without a first half of a surrogate pair at its end. The parser appends to its texts without copying them, and
 * reading a character of a text copies it, so this looks at what arrived first.
 */
const withoutHalf = (text: string, tail: string): string => {
  const isSuspicious = tail.includes("\\") || isFirstHalf(tail)
  return isSuspicious && isFirstHalf(text) ? text.slice(0, -1) : text
}

const isFirstHalf = (text: string): boolean => {
  const code = text.charCodeAt(text.length - 1)
  return code >= 0xd8_00 && code <= 0xdb_ff
}
