/**
 * Our default stack in virtual time: half an hour of work takes seconds, and no other load on the machine disturbs it.
 * The server is in memory.
 */
import type * as effect from "effect"
import type { Effect } from "effect"
import type * as library from "../../src/index.ts"
import type * as Exchange from "../../src/testing/emulator/wire/Exchange.ts"
import * as Emulated from "./emulated.ts"
import type { Run } from "./figures.ts"
import type * as Meter from "./meter.ts"
import { load } from "./ours.ts"
import { fitting, rows } from "./rows.ts"
import type { Served } from "./server.ts"
import * as StandIn from "./standIn.ts"

interface Server {
  readonly handle: Exchange.Handler
  readonly state: (now: number) => Meter.State
}

/** What our subject of the checkout at `root` does. */
export const make = async (root: string) => {
  const { from, work } = await load(root)
  const { Clock, Duration, Effect, Fiber }: typeof effect = await from("node_modules/effect/dist/index.js")
  const { TestClock }: typeof import("effect/testing") = await from("node_modules/effect/dist/testing/index.js")
  const { Transport }: typeof library = await from("src/index.ts")
  const App: typeof import("../../src/testing/emulator/App.ts") = await from("src/testing/emulator/App.ts")
  const InMemory: typeof import("../../src/testing/emulator/wire/Fetch.ts") = await from(
    "src/testing/emulator/wire/Fetch.ts"
  )

  const standIn = (variant: StandIn.Variant): Effect.Effect<Server> =>
    Effect.sync(() => {
      const { answer, state } = StandIn.make(variant, 0)
      const handle: Exchange.Handler = Effect.fnUntraced(function* (request) {
        const { after, body, headers, parts, produce, status } = answer(yield* Clock.currentTimeMillis, request.body)
        for (let part = 0; part < parts; part++) {
          yield* Effect.sleep(after / parts)
          produce(yield* Clock.currentTimeMillis)
        }
        return { status, headers: { ...headers, "content-type": "application/json" }, body }
      })
      return { handle, state }
    })

  const emulator = (variant: StandIn.Variant): Effect.Effect<Server> =>
    Effect.map(App.make(Emulated.optionsOf(variant)), (app) => {
      const { answered, state } = Emulated.watch(variant)
      const handle: Exchange.Handler = Effect.fnUntraced(function* (request) {
        const came = yield* Clock.currentTimeMillis
        const response = yield* app.handle(request)
        if (typeof response.body === "string") {
          answered(came, yield* Clock.currentTimeMillis, response.status, response.body)
        }
        return response
      })
      return { handle, state }
    })

  return (
    kind: Served["server"],
    mix: string,
    variant: StandIn.Variant,
    minutes: number
  ): Promise<Omit<Run, "subject" | "mix" | "variant">> =>
    Effect.gen(function* () {
      const server = yield* kind === "emulator" ? emulator(variant) : standIn(variant)
      const fetch = yield* InMemory.make(server)
      let answered = 0
      let lost = 0
      const working = work("http://server.invalid", rows(mix, fitting(variant, minutes)), (isAnswered) => {
        if (isAnswered) answered += 1
        else lost += 1
      })
      const fiber = yield* Effect.forkChild(Effect.provideService(working, Transport.Transport, fetch))
      yield* TestClock.adjust("10 seconds")
      const early = server.state(yield* Clock.currentTimeMillis)
      yield* TestClock.adjust(Duration.minutes(minutes - 1 / 6))
      const end = server.state(yield* Clock.currentTimeMillis)
      const ran = { answered, lost, early, end }
      yield* Fiber.interrupt(fiber)
      return ran
    }).pipe(Effect.provide(TestClock.layer()), Effect.runPromise)
}
