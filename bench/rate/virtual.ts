/**
 * Our default stack in virtual time: half an hour of work takes seconds, and no other load on the machine disturbs it.
 * The server is the stand-in, in memory.
 */
import type * as effect from "effect"
import type * as library from "../../src/index.ts"
import type * as Exchange from "../../src/testing/emulator/wire/Exchange.ts"
import type { Run } from "./figures.ts"
import { load } from "./ours.ts"
import { fitting, rows } from "./rows.ts"
import * as StandIn from "./standIn.ts"

/** What our subject of the checkout at `root` does. */
export const make = async (root: string) => {
  const { from, work } = await load(root)
  const { Clock, Duration, Effect, Fiber }: typeof effect = await from("node_modules/effect/dist/index.js")
  const { TestClock }: typeof import("effect/testing") = await from("node_modules/effect/dist/testing/index.js")
  const { Transport }: typeof library = await from("src/index.ts")
  const InMemory: typeof import("../../src/testing/emulator/wire/Fetch.ts") = await from(
    "src/testing/emulator/wire/Fetch.ts"
  )

  const handlerOf = ({ answer }: StandIn.StandIn): Exchange.Handler =>
    Effect.fnUntraced(function* (request) {
      const { after, body, headers, produce, status } = answer(yield* Clock.currentTimeMillis, request.body)
      for (let slice = 0; slice < 4; slice++) {
        yield* Effect.sleep(after / 4)
        produce(yield* Clock.currentTimeMillis, 1 / 4)
      }
      return { status, headers: { ...headers, "content-type": "application/json" }, body }
    })

  return (mix: string, variant: StandIn.Variant, minutes: number): Promise<Omit<Run, "subject" | "mix" | "variant">> =>
    Effect.gen(function* () {
      const server = StandIn.make(variant, 0)
      const fetch = yield* InMemory.make({ handle: handlerOf(server) })
      let answered = 0
      let lost = 0
      const working = work("http://stand-in.invalid", rows(mix, fitting(variant, minutes)), (isAnswered) => {
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
