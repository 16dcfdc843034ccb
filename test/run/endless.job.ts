// A job with an endless input, which prints a line when the job reads it.
import { Effect, Schema, Stream } from "effect"
import { Dataset, Job, Step } from "effect-claude"

const none = Dataset.fromIterable("nothing", Schema.Struct({ id: Schema.String }), [])

const reading = Stream.fromEffectDrain(Effect.sync(() => process.stdout.write("reading")))

export default Job.make({
  name: "endless",
  source: { ...none, pages: Stream.concat(reading, Stream.never) },
  key: ({ id }) => id,
  step: Step.text("say", ({ id }: { readonly id: string }) => id),
  output: Schema.String,
  sink: "out.jsonl"
})
