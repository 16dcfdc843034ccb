/**
 * Fits a schema into the API's limits on optional properties and unions. While there is room, a property that may be
 * missing is sent as one that may be null, and one that may be null as one that may be missing. The rest is sent as JSON
 * in a text. The mapping restores the value of the original schema.
 */
import { type JsonSchema, limits } from "./JsonSchema.ts"
import * as JsonText from "./JsonText.ts"
import { matches } from "./Matches.ts"
import * as Nullable from "./Nullable.ts"
import * as Properties from "./Properties.ts"
import * as Shape from "./Shape.ts"

/** A schema, and the mapping of its values to the values of another schema. */
export interface Fitted extends Shape.Mapping {
  readonly schema: JsonSchema
}

/** Changes to a schema: the forms of properties, by their object, and the other places that are sent as text. */
interface Plan {
  readonly forms: Map<JsonSchema, Map<string, Properties.Form>>
  readonly texts: Set<JsonSchema>
}

/** A schema within the limits. It has no mapping if it was within them. */
export const fit = (root: JsonSchema): Fitted => {
  const plan: Plan = { forms: new Map(), texts: new Set() }
  const formOf = ({ name, parent, schema }: Place): Properties.Form | undefined =>
    plan.texts.has(schema) ? "text" : parent && plan.forms.get(parent)?.get(name)
  const isText = (place: Place | undefined): boolean =>
    place !== undefined && (formOf(place) === "text" || isText(place.above))

  /** What a place counts against the limits, with all places inside it. */
  const sizeOf = (place: Place): Size => {
    const form = formOf(place)
    if (form === "text") return { optional: 0, unions: 0 }
    const isOptional = form === undefined ? place.isOptional : form === "missing"
    const isUnion = form === "null" ? isUnionWithNull(place) : form === undefined && place.schema.anyOf !== undefined
    return place.inside.map(sizeOf).reduce(sum, { optional: Number(isOptional), unions: Number(isUnion) })
  }
  const top = placeOf(root)
  const size = sizeOf(top)
  let optionalOver = size.optional - limits.optional
  let unionsOver = size.unions - limits.unions
  if (optionalOver <= 0 && unionsOver <= 0) return { schema: root }

  const change = (places: ReadonlyArray<Place>, form: Properties.Form, mayChange: (place: Place) => boolean): void => {
    for (const place of places) {
      const { above, name, parent, schema } = place
      if (formOf(place) !== undefined || isText(above) || !mayChange(place)) continue
      const before = sizeOf(place)
      if (parent === undefined) plan.texts.add(schema)
      else plan.forms.set(parent, (plan.forms.get(parent) ?? new Map<string, Properties.Form>()).set(name, form))
      const after = sizeOf(place)
      optionalOver += after.optional - before.optional
      unionsOver += after.unions - before.unions
    }
  }
  // The last places change first: people put the important fields at the front.
  const places = within(top).toReversed()
  const optional = places.filter(({ isOptional }) => isOptional)
  const unions = places.filter(({ schema }) => schema.anyOf !== undefined)
  const shortestFirst = unions.toSorted((a, b) => lengthOf(a) - lengthOf(b))
  const hasNull = ({ isOptional, parent, schema }: Place) => parent !== undefined && !isOptional && Nullable.is(schema)
  const takesNull = (place: Place) => Nullable.canBe(place.schema) && (Nullable.isFree(place.schema) || unionsOver < 0)
  change(optional, "null", (place) => optionalOver > 0 && takesNull(place))
  change(unions, "missing", (place) => unionsOver > 0 && optionalOver < 0 && hasNull(place))
  change(optional, "text", () => optionalOver > 0)
  change(shortestFirst, "text", () => unionsOver > 0)
  return apply(root, plan)
}

interface Size {
  readonly optional: number
  readonly unions: number
}

const sum = (a: Size, b: Size): Size => ({ optional: a.optional + b.optional, unions: a.unions + b.unions })

const isUnionWithNull = ({ schema }: Place): boolean => schema.anyOf !== undefined || !Nullable.isFree(schema)

const lengthOf = ({ schema }: Place): number => JSON.stringify(schema).length

/** A place in a schema. `parent` is the object that has it as the property `name`; `above` is the place around it. */
interface Place {
  readonly schema: JsonSchema
  readonly parent: JsonSchema | undefined
  readonly name: string
  readonly isOptional: boolean
  readonly above: Place | undefined
  readonly inside: ReadonlyArray<Place>
}

const placeOf = (
  schema: JsonSchema,
  above?: Place,
  at: Pick<Place, "parent" | "name" | "isOptional"> = { parent: undefined, name: "", isOptional: false }
): Place => {
  const { anyOf = [], items, properties = {}, required = [] } = schema
  const inside: Array<Place> = []
  const place = { ...at, schema, above, inside }
  for (const [name, one] of Object.entries(properties))
    inside.push(placeOf(one, place, { parent: schema, name, isOptional: !required.includes(name) }))
  for (const one of [...anyOf, ...(items === undefined ? [] : [items])]) inside.push(placeOf(one, place))
  return place
}

/** All places inside a place, in the order of the schema. */
const within = ({ inside }: Place): ReadonlyArray<Place> => inside.flatMap((place) => [place, ...within(place)])

const apply = (schema: JsonSchema, plan: Plan): Fitted => {
  if (plan.texts.has(schema)) return JsonText.of(schema)
  const { anyOf, items, properties } = schema
  if (anyOf !== undefined) {
    const members = anyOf.map((one) => ({ node: apply(one, plan), holds: (json: unknown) => matches(one, json) }))
    return { schema: { ...schema, anyOf: members.map(({ node }) => node.schema) }, ...Shape.oneOf(members) }
  }
  if (items !== undefined) {
    const node = apply(items, plan)
    return { schema: { ...schema, items: node.schema }, ...Shape.each(node) }
  }
  if (properties === undefined) return { schema }
  return Properties.apply(schema, plan.forms.get(schema), (one) => apply(one, plan))
}
