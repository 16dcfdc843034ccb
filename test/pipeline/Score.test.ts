import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Claude } from "../../src/claude/Claude.ts"
import { CallSite } from "../../src/claude/CallSite.ts"
import type { ClaudeError } from "../../src/claude/ClaudeError.ts"
import * as Batch from "../../src/pipeline/Batch.ts"
import * as Score from "../../src/pipeline/Score.ts"
import * as Step from "../../src/pipeline/Step.ts"
import * as TestClaude from "../../src/testing/TestClaude.ts"

describe("Score.exact", () => {
  it.effect("compares texts without case, white space and closing punctuation", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* Score.exact({ output: " Spam.", expected: "spam" }), {
        value: 1,
        explanation: 'equal to "spam"'
      })
      assert.deepStrictEqual(yield* Score.exact({ output: "not spam", expected: "spam" }), {
        value: 0,
        explanation: 'expected "spam", not "not spam"'
      })
    })
  )

  it.effect("leaves a row without an expected value unscored, and never counts it as wrong", () =>
    Effect.gen(function* () {
      for (const scorer of [Score.exact, Score.includes, Score.numeric({ tolerance: 1 })]) {
        for (const expected of ["", undefined, null]) {
          assert.strictEqual((yield* scorer({ output: "spam", expected })).value, undefined)
        }
      }
    })
  )
})

describe("Score.includes", () => {
  it.effect("finds the expected text anywhere in the answer", () =>
    Effect.gen(function* () {
      const { explanation, value } = yield* Score.includes({
        output: "I think it is PARIS, France.",
        expected: "paris"
      })
      assert.deepStrictEqual([value, explanation], [1, 'includes "paris"'])
      assert.strictEqual((yield* Score.includes({ output: "Lyon", expected: "paris" })).value, 0)
    })
  )
})

describe("Score.numeric", () => {
  it.effect("compares the last number of the answer within a tolerance", () =>
    Effect.gen(function* () {
      const within = (output: unknown, expected: unknown) => Score.numeric({ tolerance: 0.1 })({ output, expected })
      assert.strictEqual((yield* within("about 3.05 m", "3.1")).value, 1)
      assert.strictEqual((yield* within(0.1 + 0.2, 0.4)).value, 1)
      assert.strictEqual((yield* within("3.3", "3.1")).value, 0)
      assert.strictEqual((yield* within("$1,200.00", "1200")).value, 1)
    })
  )

  it.effect("counts an answer without a number as wrong, and an unreadable expected value as unscored", () =>
    Effect.gen(function* () {
      const { explanation, value } = yield* Score.numeric({ tolerance: 0 })({ output: "none", expected: "3" })
      assert.deepStrictEqual([value, explanation], [0, 'the answer "none" has no number'])
      assert.strictEqual((yield* Score.numeric({ tolerance: 0 })({ output: "3", expected: "12,5" })).value, undefined)
    })
  )
})

describe("Score.fields", () => {
  const Ticket = Schema.Struct({
    product: Schema.String,
    urgent: Schema.Boolean,
    price: Schema.Finite,
    since: Schema.DateFromString,
    tags: Schema.Array(Schema.String)
  })
  const output = { product: "Kettle", urgent: true, price: 12.5, since: new Date(0), tags: ["a", "b"] }
  const score = Score.fields(Ticket)

  it.effect("compares each expected field by its type, also with the text of a cell", () =>
    Effect.gen(function* () {
      const expected = {
        product: "kettle",
        urgent: "Yes",
        price: "12.50",
        since: "1970-01-01T00:00:00.000Z",
        tags: '["a","b"]'
      }
      assert.strictEqual((yield* score({ output, expected })).value, 1)
      assert.strictEqual((yield* score({ output, expected: { urgent: true, price: 12.5 } })).value, 1)
    })
  )

  it.effect("gives the share of right fields, and a score for each", () =>
    Effect.gen(function* () {
      const {
        explanation,
        fields = {},
        value
      } = yield* score({
        output,
        expected: { product: "toaster", price: "13", urgent: "yes", tags: "" }
      })
      assert.strictEqual(value, 1 / 3)
      assert.strictEqual(explanation, 'product: expected "toaster", not "Kettle"; price: expected 13, not 12.5')
      assert.deepStrictEqual(
        Object.entries(fields).map(([name, { value }]) => [name, value]),
        [
          ["product", 0],
          ["price", 0],
          ["urgent", 1],
          ["tags", undefined]
        ]
      )
    })
  )

  it("takes only fields of the schema", () => {
    expectTypeOf(score).parameter(0).toHaveProperty("expected")
    // @ts-expect-error: the schema has no field "colour"
    void score({ output, expected: { colour: "red" } })
  })

  it.effect("is unscored if no expected field has a value", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* score({ output, expected: { product: "" } })).value, undefined)
    })
  )
})

describe("Score.of", () => {
  it.effect("scores the answers of a step, and leaves the place of its calls as it was", () =>
    Effect.gen(function* () {
      const paths: Array<string> = []
      const record = CallSite.pipe(Effect.map(({ path }) => void paths.push(path.join("/"))))
      const shout = Step.make("shout", (text: string) => Effect.as(record, text.toUpperCase()))
      const strict = Step.make("strict", ({ expected, output }: Score.Given<string, string>) =>
        Effect.as(record, { value: Number(output === expected), explanation: "" })
      )
      const scored = shout.pipe(Score.of(strict, (text: string) => `${text.toUpperCase()}`))
      assert.deepStrictEqual(yield* scored("hi"), { output: "HI", score: { value: 1, explanation: "" } })
      assert.deepStrictEqual(paths, ["shout", "strict"])
      assert.strictEqual(Step.draw(scored.shape), "shout → strict\n  shout\n  strict")
      expectTypeOf(scored).toEqualTypeOf<Step.Step<string, Score.Scored<string>>>()
    })
  )

  it("needs what the step and the scorer need", () => {
    const scored = Score.of(
      Step.make("echo", (text: string) => Effect.succeed(text)),
      Score.judge({ rubric: "polite" }),
      () => undefined
    )
    expectTypeOf(scored).toEqualTypeOf<Step.Step<string, Score.Scored<string>, ClaudeError, Claude>>()
  })
})

describe("Score.accuracy", () => {
  it.effect("counts failed rows and unscored rows apart", () =>
    Effect.gen(function* () {
      const step = Step.make("parity", (n: number) => (n === 9 ? Effect.fail("no" as const) : Effect.succeed(n % 2)))
      const scored = step.pipe(Score.of(Score.exact, (n: number) => (n > 6 ? undefined : 0)))
      const {
        failed,
        lower,
        mean,
        scored: count,
        unscored,
        upper
      } = Score.accuracy(yield* Batch.map([1, 2, 3, 4, 6, 8, 9], scored))
      assert.deepStrictEqual([mean, count, unscored, failed], [0.6, 5, 1, 1])
      assert.isTrue(lower < 0.6 && 0.6 < upper)
    }).pipe(Effect.provide(TestClaude.layer()))
  )

  it("has no mean without scored rows", () => {
    const { lower, mean, upper } = Score.accuracy([Result.fail("x")])
    assert.isNaN(mean)
    assert.deepStrictEqual([lower, upper], [0, 1])
  })
})
