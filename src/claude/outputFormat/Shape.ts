/**
 * Maps values between the shape that the model sends and the JSON of the codec. `read` never fails: it returns a value of
 * an unexpected shape unchanged, and the codec reports it.
 */
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"

/** `read` turns a sent value into the JSON of the codec, and `write` does the reverse. Without them, both are equal. */
export interface Mapping {
  readonly read?: (sent: unknown) => unknown
  readonly write?: (json: unknown) => unknown
  /** The mapping of the part under a key of an object, or of an item of a list. Without it, `read` needs a whole value. */
  readonly part?: (key: string | number) => Mapping
  /**
   * `read` for an object or a list whose parts have been read already. Unless it is complete, parts at its end may be
   * missing; the result is undefined if there is nothing to show yet.
   */
  readonly join?: (parts: object, isComplete?: boolean) => unknown
}

/** A value under a name. */
export interface Field {
  readonly name: string
  readonly node: Mapping
}

/** A map within an object: its values, and whether a key belongs to it. */
export interface MapField {
  readonly name: string
  readonly value: Mapping
  readonly holds: (key: unknown) => boolean
}

export const read = ({ read }: Mapping, sent: unknown): unknown => (read === undefined ? sent : read(sent))
export const write = ({ write }: Mapping, json: unknown): unknown => (write === undefined ? json : write(json))

const isWhole = ({ part, read }: Mapping): boolean => read !== undefined && part === undefined

/** Reads with the first mapping, then with the second. The first one keeps the keys of objects. */
export const compose = (first: Mapping, second: Mapping): Mapping => {
  if (first.read === undefined || second.read === undefined) return first.read === undefined ? second : first
  const { join, part } = first
  return {
    read: (sent) => read(second, read(first, sent)),
    write: (json) => write(first, write(second, json)),
    ...(!isWhole(first) &&
      !isWhole(second) && {
        part: (key) => compose(part?.(key) ?? {}, second.part?.(key) ?? {}),
        join: (parts, isComplete) => {
          const joined = join === undefined ? parts : join(parts, isComplete)
          return second.join === undefined || !Predicate.isObjectOrArray(joined)
            ? joined
            : second.join(joined, isComplete)
        }
      })
  }
}

type Step = (mapping: Mapping, value: unknown) => unknown

/** Combines the mappings of parts; empty if no part has a mapping. */
const over = (
  parts: ReadonlyArray<Mapping>,
  part: (key: string | number) => Mapping,
  apply: (step: Step) => (value: unknown) => unknown
): Mapping => (parts.some((part) => part.read !== undefined) ? { read: apply(read), write: apply(write), part } : {})

/** Maps every item of a list. */
export const each = (item: Mapping): Mapping =>
  over(
    [item],
    () => item,
    (step) => (value) => (Array.isArray(value) ? value.map((one) => step(item, one)) : value)
  )

/** Maps the fields of an object. */
export const fields = (known: ReadonlyArray<Field>): Mapping => {
  const part = named(known)
  return over(
    known.map(({ node }) => node),
    part,
    (step) => (value) => (Predicate.isObject(value) ? mapEntries(value, (name, one) => step(part(name), one)) : value)
  )
}

const named = (fields: ReadonlyArray<Field>) => {
  const byName = new Map<string | number, Mapping>(fields.map(({ name, node }) => [name, node]))
  return (key: string | number): Mapping => byName.get(key) ?? {}
}

/** Sends a tuple as an object: the first elements, a list of any length, and the last elements, each under a key. */
export const tuple = (first: ReadonlyArray<Field>, many: Field | undefined, last: ReadonlyArray<Field>): Mapping => {
  const part = named([...first, ...(many === undefined ? [] : [many]), ...last])
  const join = (sent: object): unknown => {
    const parts = new Map(Object.entries(sent))
    const take = (some: ReadonlyArray<Field>) => some.flatMap(({ name }) => (parts.has(name) ? [parts.get(name)] : []))
    const items = many && parts.get(many.name)
    return [...take(first), ...(Array.isArray(items) ? items : []), ...take(last)]
  }
  return {
    part,
    join,
    read: (sent) => (Predicate.isObject(sent) ? join(mapEntries(sent, (name, one) => read(part(name), one))) : sent),
    write: (json) => {
      if (!Array.isArray(json)) return json
      const end = json.length - last.length
      const put = (some: ReadonlyArray<Field>, from: number) =>
        some.flatMap(({ name, node }, index) =>
          from + index < json.length ? [[name, write(node, json[from + index])]] : []
        )
      const items = many && [[many.name, write(many.node, json.slice(first.length, end))]]
      return Object.fromEntries([...put(first, 0), ...(items ?? []), ...put(last, end)])
    }
  }
}

/** Sends a map as a list of its entries. */
export const map = ({ value }: Pick<MapField, "value">): Mapping => {
  const entry: Mapping = { part: (key) => (key === "value" ? value : whole) }
  return {
    part: () => entry,
    join: (entries) => (Array.isArray(entries) ? Object.fromEntries(entries.flatMap(pairsOf)) : entries),
    read: (sent) => (isEntries(sent) ? Object.fromEntries(sent.map((one) => [one.key, read(value, one.value)])) : sent),
    write: (json) =>
      Predicate.isObject(json) ? Object.entries(json).map(([key, one]) => ({ key, value: write(value, one) })) : json
  }
}

/** Any value, unchanged. It has no parts, so that it is read only when it is complete. */
const whole: Mapping = { read: (sent) => sent }

/** The key and the value of an entry; none if it has only one of both so far. */
const pairsOf = (entry: unknown) =>
  Predicate.hasProperty(entry, "key") && Predicate.isString(entry.key) && Predicate.hasProperty(entry, "value")
    ? [[entry.key, entry.value] as const]
    : []

/** Sends an object with fields and maps: each map is a list of entries under its name. */
export const fieldsAndMaps = (known: ReadonlyArray<Field>, maps: ReadonlyArray<MapField>): Mapping => {
  const own = fields(known)
  const names = new Set(known.map(({ name }) => name))
  const mapNames = new Set(maps.map(({ name }) => name))
  const lists = maps.map(({ name, value }) => ({ name, node: map({ value }) }))
  const part = named([...known, ...lists])
  const join = (sent: object): unknown => {
    const parts = Object.entries(sent)
    const entries = maps.flatMap(({ name }) => {
      const list = parts.find(([one]) => one === name)?.[1]
      return Predicate.isObject(list) ? Object.entries(list) : []
    })
    return Object.fromEntries([...entries, ...parts.filter(([name]) => !mapNames.has(name))])
  }
  return {
    part,
    join,
    read: (sent) => {
      if (!Predicate.isObject(sent)) return sent
      const rest = Object.entries(sent).filter(([name]) => !mapNames.has(name))
      const entries = maps.flatMap((one) => Object.entries(Object(map(one).read?.(sent[one.name] ?? []))))
      const plain = read(own, Object.fromEntries(rest))
      return Predicate.isObject(plain) ? Object.fromEntries([...entries, ...Object.entries(plain)]) : plain
    },
    write: (json) => {
      if (!Predicate.isObject(json)) return json
      const entries = Object.entries(json)
      const plain = write(own, Object.fromEntries(entries.filter(([name]) => names.has(name))))
      const others = entries.filter(([name]) => !names.has(name))
      const lists = maps.map((one, index) => {
        const mine = others.filter(([name]) => maps.findIndex(({ holds }) => holds(name)) === index)
        return [one.name, map(one).write?.(Object.fromEntries(mine))]
      })
      return Predicate.isObject(plain) ? { ...plain, ...Object.fromEntries(lists) } : plain
    }
  }
}

/** A member of a union: its mapping, and a test whether JSON of the codec belongs to it. */
export interface Member {
  readonly node: Mapping
  readonly holds: (json: unknown) => boolean
}

/** Maps a union: the first member that the value belongs to decides. */
export const oneOf = (members: ReadonlyArray<Member>): Mapping =>
  members.some(({ node }) => node.read !== undefined)
    ? {
        read: (sent) => {
          for (const { holds, node } of members) {
            const json = read(node, sent)
            if (holds(json)) return json
          }
          return sent
        },
        write: (json) => write(members.find(({ holds }) => holds(json))?.node ?? {}, json)
      }
    : {}

/** Sends a value as the only field of an object, since the root must be an object. Reads a bare value, too. */
export const wrapped = (name: string, node: Mapping): Mapping => ({
  read: (sent) =>
    read(node, Predicate.isObject(sent) && Object.keys(sent).length === 1 && name in sent ? sent[name] : sent),
  write: (json) => ({ [name]: write(node, json) }),
  part: (key) => (key === name ? node : (node.part?.(key) ?? {})),
  join: (parts, isComplete) => {
    if (Array.isArray(parts)) return node.join === undefined ? parts : node.join(parts, isComplete)
    const [only, ...others] = Object.entries(parts)
    return others.length > 0 || (only !== undefined && only[0] !== name) ? parts : only?.[1]
  }
})

const decodeJson = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))

/** Sends any JSON as its text: the API's subset has no schema that allows every value. */
export const anyJson = {
  schema: { type: "string" as const },
  constraints: ["the JSON text of any value"],
  read: (sent: unknown) => Option.getOrElse(decodeJson(sent), () => sent),
  write: (json: unknown) => JSON.stringify(json)
}

const iso = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/
const isMillis = Schema.is(Schema.TaggedStruct("Millis", { value: Schema.Finite }))

/** Sends a duration in ISO 8601. Years and months have no fixed length, so they are excluded. */
export const duration = {
  schema: { type: "string" as const, format: "duration" },
  constraints: ["no years and no months, such as PT1H30M"],
  read: (sent: unknown) => {
    const [match, weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = iso.exec(String(sent)) ?? []
    if (match === undefined || !Predicate.isString(sent)) return sent
    const whole = ((Number(weeks) * 7 + Number(days)) * 24 + Number(hours)) * 60 + Number(minutes)
    return { _tag: "Millis", value: whole * 60_000 + Math.round(Number(seconds) * 1000) }
  },
  write: (json: unknown) => (isMillis(json) && json.value >= 0 ? `PT${json.value / 1000}S` : json)
}

const isEntry = Schema.Struct({ key: Schema.String, value: Schema.Unknown })
const isEntries = Schema.is(Schema.Array(isEntry))

const mapEntries = (value: object, f: (name: string, one: unknown) => unknown): object =>
  Object.fromEntries(Object.entries(value).map(([name, one]) => [name, f(name, one)]))
