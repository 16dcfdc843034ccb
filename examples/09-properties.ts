// How do I test that a pipeline works for every answer that the schema allows?
import { assert, it } from "@effect/vitest"
import { Effect, Number, Schema } from "effect"
import { Claude } from "effect-claude"
import { TestClaude } from "effect-claude/testing"

const Rating = Schema.Struct({
  stars: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 })),
  quote: Schema.String
})

const headline = (review: string) =>
  Effect.map(Claude.generateObject(Rating, review), ({ value }) => `${"★".repeat(value.stars)} ${value.quote}`)

const average = (reviews: ReadonlyArray<string>) =>
  Effect.map(
    Effect.forEach(reviews, (review) => Claude.generateObject(Rating, review), { concurrency: 8 }),
    (replies) => Number.sumAll(replies.map(({ value }) => value.stars)) / replies.length
  )

// One call: the property chooses the answer, and a failure shows the smallest one that breaks the pipeline.
it.effect.prop("a headline begins with its stars and ends with its quote", [Rating], ([rating]) =>
  Effect.gen(function* () {
    const line = yield* headline("It broke on the first day.")
    assert.match(line, /^★{1,5} /)
    assert.isTrue(line.endsWith(rating.quote))
  }).pipe(Effect.provide(TestClaude.layer(TestClaude.object(Rating, rating))))
)

// Many calls: the property chooses the seed of all answers, so a failure can be repeated.
it.effect.prop("an average is between 1 and 5", [Schema.NonEmptyArray(Schema.String), Schema.Int], ([reviews, seed]) =>
  Effect.gen(function* () {
    const stars = yield* average(reviews)
    assert.isTrue(stars >= 1 && stars <= 5)
  }).pipe(Effect.provide(TestClaude.layer(TestClaude.arbitrary(Rating, seed))))
)
