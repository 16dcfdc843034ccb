/**
 * Reads the request that creates a batch: the API refuses a wrong size and wrong `custom_id`s at once. It checks the
 * parameters of each item later, and a wrong item becomes an `errored` result.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Json from "../request/Json.ts"
import type * as ApiError from "../wire/ApiError.ts"
import type * as Exchange from "../wire/Exchange.ts"
import { decode, refuse, required, shouldBe, text } from "../wire/Refusal.ts"

/** A request of a batch; its body is that of the call that it stands for, as JSON. */
export interface Item {
  readonly customId: string
  readonly body: string
}

const maximumBytes = 256 * 1024 * 1024
const maximumItems = 100_000

const pattern = "^[a-zA-Z0-9_-]{1,64}$"

const Create = Schema.Struct({
  requests: Schema.Array(
    Schema.Struct({
      custom_id: text
        .check(
          Schema.isMaxLength(64, { message: "String should have at most 64 characters" }),
          Schema.isPattern(new RegExp(pattern), { message: `String should match pattern '${pattern}'` })
        )
        .annotateKey(required),
      params: Schema.Unknown.annotateKey(required)
    }).annotate(shouldBe("an object"))
  )
    .annotate(shouldBe("a valid list"))
    .annotateKey(required)
}).annotate(shouldBe("an object"))

const decodeCreate = decode(Create)

/** The requests of a batch, in the order in which they were sent. */
export const read = Effect.fnUntraced(function* (
  request: Pick<Exchange.Request, "body" | "headers">
): Effect.fn.Return<ReadonlyArray<Item>, ApiError.ApiError> {
  const { requests } = yield* decodeCreate(yield* Json.parse(request, maximumBytes))
  const { length } = requests
  if (length === 0) return yield* refuse("requests: List should have at least 1 item after validation, not 0")
  if (length > maximumItems) {
    return yield* refuse(`requests: List should have at most ${maximumItems} items after validation, not ${length}`)
  }
  const seen = new Set<string>()
  for (const { custom_id } of requests) {
    if (seen.has(custom_id)) {
      return yield* refuse(
        `requests: custom_id's must be unique within a batch. Duplicate custom_id found: ${custom_id}`
      )
    }
    seen.add(custom_id)
  }
  return requests.map(({ custom_id, params }) => ({ customId: custom_id, body: JSON.stringify(params) }))
})
