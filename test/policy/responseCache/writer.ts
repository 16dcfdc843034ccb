// Stores the answers to the same 20 prompts again and again in the store that its arguments name, and prints a dot for
// each. The content of an answer follows from its prompt; its length is random.
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import { generateText } from "../../../src/call/text.ts"
import * as ResponseCache from "../../../src/policy/ResponseCache.ts"
import * as TestClaude from "../../../src/testing/TestClaude.ts"
import * as stores from "./stores.ts"

const [, , kind, place = ""] = process.argv

const answer = (prompt: string) =>
  Effect.runSync(Effect.map(Random.nextIntBetween(1000, 200_000), (times) => `${prompt}|`.repeat(times)))

Effect.forEach(
  Array.from({ length: 20 }, (_, prompt) => String(prompt)),
  (prompt) =>
    Effect.andThen(
      ResponseCache.refresh(generateText(prompt)),
      Effect.sync(() => process.stdout.write("."))
    ),
  { concurrency: 10, discard: true }
).pipe(
  Effect.forever,
  Effect.provide(
    TestClaude.layer((request) => answer(TestClaude.promptText(request))).pipe(
      ResponseCache.policy(),
      Layer.provide(kind === "files" ? stores.files(place) : stores.sqlite(place))
    )
  ),
  NodeRuntime.runMain
)
