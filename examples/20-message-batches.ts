// How do I pay half the price, where an answer may take an hour?
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Result } from "effect"
import { Batch, Claude, Event, Step } from "effect-claude"

const letters = Array.from({ length: 20 }, (_, index) => `My parcel number ${index} is late. Where is it?`)

const summarise = Step.text("summarise", (letter: string) => `Summarise this letter in one sentence. ${letter}`)
const reply = Step.text("reply", (summary: string) => `Write a friendly reply. ${summary}`)

const report = Event.listen((event) =>
  event._tag === "batch-sent" ? Console.log(`sent a batch of ${event.requests} requests`) : Effect.void
)

// A batch is sent when every letter waits for an answer: first all summaries, then all replies. In a program without a
// job, batches are kept in memory only.
const program = Effect.gen(function* () {
  const replies = yield* report(Batch.map(letters, summarise.pipe(Step.andThen(reply))))
  yield* Console.log(`${replies.filter(Result.isSuccess).length} replies`)
})

const live = Claude.layerConfig().pipe(Claude.stack({ batches: { shortestPoll: "1 second" } }))

program.pipe(Effect.provide(live), NodeRuntime.runMain)
