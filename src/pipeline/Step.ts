/**
 * A step: a named, typed function that returns an Effect. Call it, pipe it, or read its `shape`. Spans, costs and reports
 * group the calls of a step under its name. The code inside a step is ordinary Effect code.
 */
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import { type Pipeable, Prototype as PipeablePrototype } from "effect/Pipeable"
import * as Record from "effect/Record"
import type * as Schema from "effect/Schema"
import type * as Types from "effect/Types"
import { generateObject, type ObjectOptions } from "../call/object.ts"
import { generateText } from "../call/text.ts"
import * as CallSite from "../claude/CallSite.ts"
import type { Claude } from "../claude/Claude.ts"
import type { ClaudeError } from "../claude/ClaudeError.ts"
import type { Prompt } from "../claude/Request.ts"

/** The structure of a step, as data. */
export interface Shape {
  readonly name: string
  readonly version?: string
  readonly steps: ReadonlyArray<Shape>
}

/** A named function from `A` to an effect that succeeds with `B`. */
export interface Step<in A, out B, out E = never, out R = never> extends Pipeable {
  (input: A): Effect.Effect<B, E, R>
  readonly name: string
  readonly shape: Shape
}

const Prototype = Object.assign(Object.create(Function.prototype), PipeablePrototype)

const build = <A, B, E, R>(shape: Shape, run: (input: A) => Effect.Effect<B, E, R>): Step<A, B, E, R> =>
  Object.assign(
    Object.setPrototypeOf(
      Object.defineProperty((input: A) => run(input), "name", { value: shape.name }),
      Prototype
    ),
    { shape }
  )

/** Makes a step from any function. Its calls are attributed to `name`. */
export const make = <A, B, E, R>(name: string, run: (input: A) => Effect.Effect<B, E, R>): Step<A, B, E, R> =>
  build({ name, steps: [] }, (input) => CallSite.within(name)(run(input)))

/** A step that asks Claude for text. It fails if the answer is unfinished or empty. */
export const text = <A>(name: string, prompt: (input: A) => Prompt): Step<A, string, ClaudeError, Claude> =>
  make(name, (input) => Effect.map(generateText(prompt(input)), (reply) => reply.text))

/** A step that asks Claude for a value of a schema. See `generateObject` for the options. */
export const object = <A, B, I, RD, RE>(
  name: string,
  schema: Schema.ConstraintCodec<B, I, RD, RE>,
  prompt: (input: A) => Prompt,
  options?: ObjectOptions
): Step<A, B, ClaudeError, Claude | RD> =>
  make(name, (input) => Effect.map(generateObject(schema, prompt(input), options), (reply) => reply.value))

/** Runs one step after the other. */
export const andThen: {
  <B, C, E2, R2>(next: Step<B, C, E2, R2>): <A, E, R>(self: Step<A, B, E, R>) => Step<A, C, E | E2, R | R2>
  <A, B, E, R, C, E2, R2>(self: Step<A, B, E, R>, next: Step<B, C, E2, R2>): Step<A, C, E | E2, R | R2>
} = dual(2, <A, B, E, R, C, E2, R2>(self: Step<A, B, E, R>, next: Step<B, C, E2, R2>) =>
  build({ name: `${self.name} → ${next.name}`, steps: [self.shape, next.shape] }, (input: A) =>
    Effect.flatMap(self(input), next)
  )
)

/** Changes the output of a step. */
export const map: {
  <B, C>(f: (output: B) => C): <A, E, R>(self: Step<A, B, E, R>) => Step<A, C, E, R>
  <A, B, E, R, C>(self: Step<A, B, E, R>, f: (output: B) => C): Step<A, C, E, R>
} = dual(2, <A, B, E, R, C>(self: Step<A, B, E, R>, f: (output: B) => C) =>
  build(self.shape, (input: A) => Effect.map(self(input), f))
)

/**
 * Changes how a step runs, and keeps its name and shape: `Step.around(step, Effect.retry({ times: 2 }))`. `f` gets the
 * effect of each run, and its input.
 */
export const around: {
  <A, B, E, R, C, E2, R2>(
    f: (run: Effect.Effect<B, E, R>, input: A) => Effect.Effect<C, E2, R2>
  ): (self: Step<A, B, E, R>) => Step<A, C, E2, R2>
  <A, B, E, R, C, E2, R2>(
    self: Step<A, B, E, R>,
    f: (run: Effect.Effect<B, E, R>, input: A) => Effect.Effect<C, E2, R2>
  ): Step<A, C, E2, R2>
} = dual(
  2,
  <A, B, E, R, C, E2, R2>(
    self: Step<A, B, E, R>,
    f: (run: Effect.Effect<B, E, R>, input: A) => Effect.Effect<C, E2, R2>
  ) => build(self.shape, (input: A) => f(self(input), input))
)

/** Keeps the input of a step beside its output. */
export const withInput = <A, B, E, R>(
  self: Step<A, B, E, R>
): Step<A, { readonly input: A; readonly output: B }, E, R> =>
  build(self.shape, (input: A) => Effect.map(self(input), (output) => ({ input, output })))

/**
 * Gives a step a version, for changes that its requests do not show: in what it computes from an answer, or in a service
 * that it uses. A job whose finished rows have another version stops and asks what to do with them.
 */
export const version: {
  (version: string): <A, B, E, R>(self: Step<A, B, E, R>) => Step<A, B, E, R>
  <A, B, E, R>(self: Step<A, B, E, R>, version: string): Step<A, B, E, R>
} = dual(2, <A, B, E, R>(self: Step<A, B, E, R>, version: string) => build({ ...self.shape, version }, self))

type AnyStep = Step<never, unknown, unknown, unknown>
/** The input that fits all steps. It is boxed, because the intersection would distribute over an input that is a union. */
type Input<S> =
  Types.UnionToIntersection<
    S extends Step<infer A, infer _B, infer _E, infer _R> ? { readonly box: A } : never
  > extends {
    readonly box: infer A
  }
    ? A
    : never
type Output<S> = S extends Step<never, infer B, infer _E, infer _R> ? B : never
type Failure<S> = S extends Step<never, infer _B, infer E, infer _R> ? E : never
type Services<S> = S extends Step<never, infer _B, infer _E, infer R> ? R : never

/** Runs several steps on one input at the same time, and returns a record of their outputs. */
export const all = <const S extends Readonly<Record<string, AnyStep>>>(name: string, steps: S) =>
  build(
    { name, steps: Object.values(steps).map((step) => step.shape) },
    (
      input: Input<S[keyof S]>
    ): Effect.Effect<{ [K in keyof S]: Output<S[K]> }, Failure<S[keyof S]>, Services<S[keyof S]>> =>
      // The type of the record is computed above; here the steps are only known as `AnyStep`.
      CallSite.within(name)(
        Effect.all(
          Record.map(steps, (step) => step(input as never)),
          // Bounded by the number of keys.
          { concurrency: "unbounded" }
        )
      ) as never
  )

/** Runs a step on each element of a list, at most `concurrency` at the same time (8 by default). */
export const each: {
  (options?: {
    readonly concurrency?: number
  }): <A, B, E, R>(self: Step<A, B, E, R>) => Step<ReadonlyArray<A>, Array<B>, E, R>
  <A, B, E, R>(
    self: Step<A, B, E, R>,
    options?: { readonly concurrency?: number }
  ): Step<ReadonlyArray<A>, Array<B>, E, R>
} = dual(
  (args) => typeof args[0] === "function",
  <A, B, E, R>(self: Step<A, B, E, R>, options?: { readonly concurrency?: number }) =>
    build({ name: `each ${self.name}`, steps: [self.shape] }, (inputs: ReadonlyArray<A>) =>
      Effect.forEach(inputs, self, { concurrency: options?.concurrency ?? 8 })
    )
)

/** The shape as an indented outline, one step per line. */
export const draw = (shape: Shape, depth = 0): string =>
  [
    `${"  ".repeat(depth)}${shape.name}${shape.version === undefined ? "" : ` (version ${shape.version})`}`,
    ...shape.steps.map((step) => draw(step, depth + 1))
  ].join("\n")
