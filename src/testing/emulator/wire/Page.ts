/**
 * Lists in pages, as the API has them: those after an id, or those before one.
 */
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { ApiError } from "./ApiError.ts"
import { decode, shouldBe } from "./Refusal.ts"

const Query = Schema.Struct({
  limit: Schema.optionalKey(
    Schema.FiniteFromString.annotate(shouldBe("a valid integer")).check(
      Schema.isInt(shouldBe("a valid integer")),
      Schema.isBetween({ minimum: 1, maximum: 1000 }, shouldBe("between 1 and 1000"))
    )
  ),
  after_id: Schema.optionalKey(Schema.String),
  before_id: Schema.optionalKey(Schema.String)
})

/** Which page is asked for. */
export type Query = typeof Query.Type

const decodeQuery = decode(Query)

/** Reads the query of a list. */
export const query = (query: unknown): Effect.Effect<Query, ApiError> => decodeQuery(query)

/** The page, at most `limit` (20) of all; `has_more` in the direction in which the pages are turned. */
export const of = <A extends { readonly id: string }>(all: ReadonlyArray<A>, query: Query) => {
  const { after_id, before_id, limit = 20 } = query
  const end = before_id === undefined ? -1 : all.findIndex(({ id }) => id === before_id)
  const from = end === -1 ? all.findIndex(({ id }) => id === after_id) + 1 : Math.max(0, end - limit)
  const to = end === -1 ? from + limit : end
  const data = all.slice(from, to)
  const has_more = end === -1 ? to < all.length : from > 0
  return { data, has_more, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null }
}
