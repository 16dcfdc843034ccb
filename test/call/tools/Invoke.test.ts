/**
 * Handlers that are run directly behave as with `Toolkit.handle`.
 */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Context, Effect, Exit, Layer, Result, Schema } from "effect"
import { AiError, Prompt, Tool, Toolkit } from "effect/ai"
import * as Invoke from "../../../src/call/tools/Invoke.ts"
import * as ToolFormat from "../../../src/claude/ToolFormat.ts"

describe("a handler that is run directly", () => {
  for (const name of ["fine", "failing", "raising", "reason", "schema", "progress", "image", "service"] as const) {
    it.effect(`gives what Toolkit.handle gives: ${name}`, () =>
      Effect.gen(function* () {
        const [direct, through] = yield* ways(name)
        assert.deepStrictEqual(direct.ended, through.ended)
        assert.deepStrictEqual(direct.progress, through.progress)
      }).pipe(Effect.provide(handlers), Effect.provideService(Greeting, "of the caller"))
    )
  }

  it.effect("dies of a defect, and reports a result that does not fit its schema", () =>
    Effect.gen(function* () {
      const [direct, through] = yield* ways("defect")
      assert.isTrue(Exit.hasDies(direct.exit) && Exit.hasDies(through.exit))
      for (const { exit } of yield* ways("wrong")) {
        assert.isTrue(
          Exit.isFailure(exit) && exit.cause.reasons.some((one) => "error" in one && Invoke.isUnencodable(one.error))
        )
      }
    }).pipe(Effect.provide(handlers), Effect.provideService(Greeting, "of the caller"))
  )

  it.effect("has the services of the caller, also where its layer was built with others", () =>
    Effect.gen(function* () {
      const [direct, through] = yield* ways("service")
      assert.deepInclude(Object(direct.ended), { encodedResult: "of the caller 1" })
      assert.deepStrictEqual(direct.ended, through.ended)
    }).pipe(
      Effect.provideService(Greeting, "of the caller"),
      Effect.provide(Layer.provide(handlers, Layer.succeed(Greeting, "of the layer")))
    )
  )

  it("is used for a Toolkit only, because any other effect may give another handle", () => {
    assert.isTrue(Invoke.isToolkit(toolkit))
    assert.isFalse(Invoke.isToolkit(Effect.map(toolkit, (one) => one)))
  })
})

class Broken extends Schema.TaggedError<Broken>()("Broken", { detail: Schema.String }) {}
class Greeting extends Context.Service<Greeting, string>()("test/Greeting") {}

const parameters = Schema.Struct({ at: Schema.Date })
const returning = { parameters, success: Schema.Date, failure: Broken, failureMode: "return" } as const
const toolkit = Toolkit.make(
  Tool.make("fine", { parameters, success: Schema.Struct({ at: Schema.Date }) }),
  Tool.make("failing", returning),
  Tool.make("raising", { parameters, success: Schema.Date, failure: Broken }),
  Tool.make("reason", returning),
  Tool.make("schema", returning),
  Tool.make("progress", { parameters, success: Schema.FiniteFromString }),
  Tool.make("image", {
    parameters,
    success: Schema.String,
    toModelOutput: (data) => [Prompt.filePart({ mediaType: "image/png", data })]
  }),
  Tool.make("service", { parameters, success: Schema.String, dependencies: [Greeting] }),
  Tool.make("defect", returning),
  Tool.make("wrong", { parameters, success: Schema.NonEmptyString, failureMode: "return" })
)

const handlers = toolkit.toLayer({
  fine: ({ at }) => Effect.succeed({ at }),
  failing: () => Effect.fail(new Broken({ detail: "no" })),
  raising: () => Effect.fail(new Broken({ detail: "no" })),
  reason: () => Effect.fail(new AiError.InternalProviderError({ description: "down" })),
  schema: () =>
    Effect.orDie(Effect.fail("never")).pipe(Effect.catchDefect(() => Effect.fail(new Broken({ detail: "x" })))),
  progress: (_, { preliminary }) => Effect.as(preliminary(1), 2),
  image: () => Effect.succeed("AQID"),
  service: (_, { toolCallId }) => Effect.map(Greeting, (greeting) => `${greeting} ${toolCallId}`),
  defect: () => Effect.die(new Error("bug")),
  wrong: () => Effect.succeed("")
})

const returned = ({ encodedResult, isFailure, modelOutput }: Invoke.Returned) => ({
  encodedResult,
  isFailure,
  modelOutput
})

interface Ended {
  readonly exit: Exit.Exit<Invoke.Returned, unknown>
  readonly ended: unknown
  readonly progress: ReadonlyArray<unknown>
}

/** The exits and the progress of both ways. */
const ways = Effect.fnUntraced(function* (name: keyof typeof toolkit.tools) {
  const tool: Tool.Any = toolkit.tools[name]
  const format = Result.getOrThrow(ToolFormat.make(tool))
  const input = { at: "2026-01-02T03:04:05.000Z" }
  // The schemas need no services.
  const params = yield* format.decode(input) as Effect.Effect<unknown>
  const other = Invoke.through(yield* toolkit)
  const run = (invoke: Invoke.Invoke): Effect.Effect<Ended> =>
    Effect.gen(function* () {
      const progress: Array<unknown> = []
      const call = { id: "1", input, params }
      // The handlers need what the tests provide.
      const exit = yield* Effect.exit(
        invoke(format, call, (one) => Effect.sync(() => void progress.push(one))) as Effect.Effect<
          Invoke.Returned,
          unknown
        >
      )
      return {
        progress,
        exit,
        // `Toolkit.handle` annotates the cause of a failure.
        ended: Exit.isFailure(exit) ? Cause.squash(exit.cause) : returned(exit.value)
      }
    })
  return [yield* run(Invoke.direct(yield* Effect.context<never>(), other)), yield* run(other)] as const
})
