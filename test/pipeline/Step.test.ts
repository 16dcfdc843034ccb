import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { pipe } from "effect/Function"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { CallSite } from "../../src/claude/CallSite.ts"
import type { Claude } from "../../src/claude/Claude.ts"
import type { ClaudeError } from "../../src/claude/ClaudeError.ts"
import * as Step from "../../src/pipeline/Step.ts"
import * as TestClaude from "../../src/testing/TestClaude.ts"

describe("a step", () => {
  it.effect("is a named function that returns an effect", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* double(21), 42)
      assert.strictEqual(yield* Effect.flatMap(Effect.succeed(4), double), 8)
      assert.strictEqual(double.name, "double")
      assert.isFunction(double)
    })
  )

  it.effect("is pipeable, and typed", () =>
    Effect.gen(function* () {
      const step = double.pipe(
        Step.andThen(greet),
        Step.map((text) => text.length)
      )
      expectTypeOf(step).toEqualTypeOf<Step.Step<number, number, "too much", Greeting>>()
      assert.strictEqual(yield* Effect.provideService(step(5), Greeting, "Hello"), "Hello 10".length)
    })
  )

  it("accepts a wider input and returns a narrower output than its type asks for", () => {
    const named = Step.make("named", ({ name }: { readonly name: string }) => Effect.succeed(name))
    expectTypeOf(named).toExtend<
      Step.Step<{ readonly name: string; readonly age: number }, string | number, Error, Claude>
    >()
    expectTypeOf(named).not.toExtend<Step.Step<{ readonly age: number }, string>>()
  })
})

describe("around", () => {
  it.effect("changes how a step runs, and keeps its name and shape", () =>
    Effect.gen(function* () {
      let failures = 2
      const failing = Step.make("failing", (number: number) =>
        Effect.suspend(() => (failures-- > 0 ? Effect.fail("too early") : Effect.succeed(number)))
      ).pipe(Step.version("2"))
      const retried = failing.pipe(
        Step.around((run, number) => Effect.map(Effect.retry(run, { times: number }), String))
      )
      expectTypeOf(retried).toEqualTypeOf<Step.Step<number, string, string>>()
      assert.strictEqual(yield* retried(2), "2")
      assert.strictEqual(retried.name, "failing")
      assert.deepStrictEqual(retried.shape, failing.shape)
    })
  )
})

describe("text and object", () => {
  it.effect("ask Claude, and return only the text or the value", () =>
    Effect.gen(function* () {
      const summary = Step.text("summarise", (letter: string) => `Summarise: ${letter}`)
      const year = Step.object("date", Schema.Struct({ year: Schema.Int }), (letter: string) => `Date: ${letter}`)
      expectTypeOf(summary).toEqualTypeOf<Step.Step<string, string, ClaudeError, Claude>>()
      expectTypeOf(year).toEqualTypeOf<Step.Step<string, { readonly year: number }, ClaudeError, Claude>>()
      assert.strictEqual(yield* summary("Dear Ada"), "Short.")
      assert.deepStrictEqual(yield* year("Dear Ada"), { year: 1842 })
    }).pipe(
      Effect.provide(
        TestClaude.layer(
          TestClaude.when(/^Summarise: Dear Ada$/, "Short."),
          TestClaude.when(/^Date: Dear Ada$/, `{"year":1842}`)
        )
      )
    )
  )
})

describe("the path of a call", () => {
  it.effect("lists the steps from the outermost to the innermost", () =>
    Effect.gen(function* () {
      const inner = path("inner")
      const outer = Step.make("outer", (input: string) => Effect.all([path("first")(input), inner(input)]))
      assert.deepStrictEqual(yield* outer("x"), [
        ["outer", "first"],
        ["outer", "inner"]
      ])
      assert.deepStrictEqual(yield* inner("x"), ["inner"])
    })
  )

  it.effect("contains the name of `all`, and no name for `andThen` and `each`", () =>
    Effect.gen(function* () {
      const both = Step.all("both", { a: path("a"), b: path("b") })
      assert.deepStrictEqual(yield* both("x"), { a: ["both", "a"], b: ["both", "b"] })
      const chain = Step.andThen(double, path("then"))
      assert.deepStrictEqual(yield* chain(1), ["then"])
      assert.deepStrictEqual(yield* Step.each(path("one"))(["x"]), [["one"]])
    })
  )
})

describe("andThen and map", () => {
  it.effect("accept their step as the first argument or in a pipe", () =>
    Effect.gen(function* () {
      const steps = [
        Step.andThen(double, double),
        pipe(double, Step.andThen(double)),
        Step.map(double, (n) => n * 2),
        pipe(
          double,
          Step.map((n) => n * 2)
        )
      ]
      for (const step of steps) assert.strictEqual(yield* step(1), 4)
    })
  )
})

describe("all", () => {
  it.effect("runs its steps at the same time, and returns a record", () =>
    Effect.gen(function* () {
      const second = Step.make("slow", (input: string) => Effect.as(Effect.sleep("1 seconds"), input))
      const running = yield* Effect.forkChild(Step.all("both", { a: second, b: second })("x"))
      yield* TestClock.adjust("1 seconds")
      assert.deepStrictEqual(yield* Fiber.join(running), { a: "x", b: "x" })
    })
  )

  it("needs the services of all its steps", () => {
    const facts = Step.all("facts", {
      name: Step.make("name", ({ name }: { readonly name: string }) => Effect.succeed(name)),
      age: Step.make("age", ({ age }: { readonly age: number }) => Effect.succeed(age)),
      greeting: greet
    })
    expectTypeOf<Parameters<typeof facts>[0]>().toExtend<{ readonly name: string; readonly age: number } & number>()
    expectTypeOf<ReturnType<typeof facts>>().toEqualTypeOf<
      Effect.Effect<{ readonly name: string; readonly age: number; readonly greeting: string }, "too much", Greeting>
    >()
  })

  it.effect("accepts steps whose input is a union", () =>
    Effect.gen(function* () {
      const not = Step.make("not", (input: boolean) => Effect.succeed(!input))
      const word = Step.make("word", (input: boolean | string) => Effect.succeed(String(input)))
      const both = Step.all("both", { not, word })
      expectTypeOf<Parameters<typeof both>[0]>().toEqualTypeOf<boolean>()
      assert.deepStrictEqual(yield* both(true), { not: false, word: "true" })
    })
  )
})

describe("each", () => {
  it.effect("runs its step on every element, with bounded concurrency, and keeps the order", () =>
    Effect.gen(function* () {
      let running = 0
      let most = 0
      const step = Step.make("slow", (input: number) =>
        Effect.sync(() => (most = Math.max(most, ++running))).pipe(
          Effect.andThen(Effect.sleep("1 seconds")),
          Effect.andThen(Effect.sync(() => (running--, input * 2)))
        )
      )
      const inputs = Array.from({ length: 20 }, (_, index) => index)
      const outputs = yield* Effect.forkChild(Step.each(step)(inputs))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(
        yield* Fiber.join(outputs),
        inputs.map((input) => input * 2)
      )
      assert.strictEqual(most, 8)
      const three = yield* Effect.forkChild(step.pipe(Step.each({ concurrency: 3 }))(inputs))
      most = 0
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(three)
      assert.strictEqual(most, 3)
    })
  )
})

describe("the shape of a step", () => {
  it("is data, and can be drawn", () => {
    const step = Step.all("facts", { doubled: double, greeting: greet }).pipe(
      Step.andThen(Step.make("report", (facts: { readonly greeting: string }) => Effect.succeed(facts.greeting))),
      Step.map((report) => report.length),
      Step.each()
    )
    assert.strictEqual(
      Step.draw(step.shape),
      ["each facts → report", "  facts → report", "    facts", "      double", "      greet", "    report"].join("\n")
    )
    assert.deepStrictEqual(structuredClone(step.shape), step.shape)
  })
})

// Builders

class Greeting extends Context.Service<Greeting, string>()("test/Greeting") {}

const double = Step.make("double", (input: number) => Effect.succeed(input * 2))
const greet = Step.make("greet", (input: number) =>
  input > 100 ? Effect.fail("too much" as const) : Effect.map(Greeting, (greeting) => `${greeting} ${input}`)
)

/** A step that returns the path of its calls. */
const path = (name: string) => Step.make(name, () => Effect.map(CallSite, (site) => site.path))
