// Which errors can a call fail with, and how do I choose which of them are retried?
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Schedule } from "effect"
import { Event, Claude, type ClaudeError, Retry } from "effect-claude"

// Every failure is a ClaudeError with a typed reason: catch the reasons that you can handle.
const program = Claude.generateText({ model: "claude-sonnet-0", messages: [{ role: "user", content: "Hello" }] }).pipe(
  Effect.catchReason("ClaudeError", "NotFound", (reason) => Console.log(`No such model. ${reason.message}`)),
  Effect.catchReason("ClaudeError", "OutputTruncated", (reason) => Console.log(`Cut off: ${reason.text}`))
)

// A custom schedule: three retries, a second apart, and only if Claude is overloaded.
const patient = Schedule.spaced("1 second").pipe(
  Schedule.setInputType<ClaudeError.ClaudeError>(),
  Schedule.upTo({ times: 3 }),
  Schedule.while(({ input }) => input.reason._tag === "Overloaded")
)

const live = Claude.layerConfig().pipe(Retry.policy(patient))

const print = (event: Event.Event) => Console.log(`  ${event._tag} ${"model" in event ? event.model : ""}`)

program.pipe(Event.listen(print), Effect.provide(live), NodeRuntime.runMain)
