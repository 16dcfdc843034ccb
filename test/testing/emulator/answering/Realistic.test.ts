/**
 * Runs realistic schemas from `generateObject` through the emulator: the values decode, so all rows of a job succeed in a
 * rehearsal.
 */
import { assert, describe, it } from "@effect/vitest"
import { Claude } from "effect-claude"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Emulator from "../../../../src/testing/Emulator.ts"

const text =
  "Order AB-17 of 2026-03-04 arrived broken on 2026-03-09T14:30:00Z. Ann Lee (ann.lee@example.com) paid 249.90 EUR for " +
  "300 parcels. See https://shop.example.com/orders/17. She is very angry and wants a refund."

const answered = <A, I>(schema: Schema.ConstraintCodec<A, I>) =>
  Effect.map(Claude.generateObject(schema, text), ({ value }) => value).pipe(Effect.provide(Emulator.layer()))

describe("an object of a realistic schema", () => {
  it.effect("has numbers within their ranges, and quotes the prompt", () =>
    Effect.gen(function* () {
      const value = yield* answered(
        Schema.Struct({
          sentiment: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 })),
          share: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 })),
          parcels: Schema.Int.check(Schema.isGreaterThan(100)),
          order: Schema.String.check(Schema.isPattern(/^AB-\d+$/)),
          email: Schema.String.check(Schema.isPattern(/^[\w.]+@[\w.]+\w$/))
        })
      )
      assert.deepStrictEqual([value.parcels, value.order, value.email], [300, "AB-17", "ann.lee@example.com"])
      assert.isTrue(value.sentiment >= 1 && value.sentiment <= 5 && value.share >= 0 && value.share <= 1)
    })
  )

  it.effect("has dates, addresses and numbers in text", () =>
    Effect.gen(function* () {
      const value = yield* answered(
        Schema.Struct({
          date: Schema.DateFromString,
          arrived: Schema.DateTimeUtcFromString,
          url: Schema.URLFromString,
          amount: Schema.FiniteFromString,
          count: Schema.BigInt,
          id: Schema.String.check(Schema.isUUID()),
          wait: Schema.Duration,
          thisYear: Schema.Date.check(
            Schema.isBetweenDate({ minimum: new Date("2026-01-01"), maximum: new Date("2026-12-31") })
          )
        })
      )
      assert.strictEqual(value.date.getUTCFullYear(), 2026)
      assert.strictEqual(value.url.host, "shop.example.com")
      assert.strictEqual(value.thisYear.getUTCFullYear(), 2026)
    })
  )

  it.effect("has generated matches of patterns that the prompt does not match", () =>
    Effect.gen(function* () {
      const code = Schema.String.check(Schema.isPattern(/^[A-Z]{3}-\d{4}(-[a-z]+)?$/))
      const value = yield* answered(Schema.Struct({ code, zip: Schema.String.check(Schema.isPattern(/^\d{5}$/)) }))
      assert.match(value.code, /^[A-Z]{3}-\d{4}(-[a-z]+)?$/)
      assert.match(value.zip, /^\d{5}$/)
    })
  )

  it.effect("satisfies lengths, list sizes, choices, maps, tuples and nested objects", () =>
    Effect.gen(function* () {
      const Line = Schema.Struct({
        name: Schema.NonEmptyString,
        quantity: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 99 })),
        unit: Schema.Literals(["piece", "box"])
      })
      const schema = Schema.Struct({
        title: Schema.String.check(Schema.isMaxLength(20)),
        summary: Schema.String.check(Schema.isMinLength(30)),
        tags: Schema.Array(Schema.String.check(Schema.isMinLength(3))).check(
          Schema.isMinLength(2),
          Schema.isMaxLength(4)
        ),
        codes: Schema.UniqueArray(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100_000 }))).check(
          Schema.isMinLength(3)
        ),
        lines: Schema.Array(Line).check(Schema.isMinLength(1)),
        prices: Schema.Record(Schema.String, Schema.Finite),
        place: Schema.Tuple([Schema.Finite, Schema.Finite]),
        note: Schema.NullOr(Schema.String),
        reply: Schema.optionalKey(Schema.String),
        refund: Schema.Union([
          Schema.Struct({ kind: Schema.Literal("full") }),
          Schema.Struct({ kind: Schema.Literal("partial"), percent: Schema.Int.check(Schema.isGreaterThan(0)) })
        ])
      })
      const value = yield* answered(schema)
      assert.isAtLeast(value.lines.length, 1)
      assert.isAtMost(value.tags.length, 4)
    })
  )
})
