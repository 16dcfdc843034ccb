import { Schema } from "effect"
import { Dataset, Job, Step } from "effect-claude"

const Letter = Schema.Struct({ id: Schema.String, text: Schema.String })

const summarise = Step.text("summarise", ({ text }: typeof Letter.Type) => `Summarise in one sentence: ${text}`)
const reply = Step.text("reply", (summary: string) => `Write a friendly reply: ${summary}`)

export default Job.make({
  name: "letters",
  source: Dataset.fromFile(Letter, "letters.ndjson"),
  key: ({ id }) => id,
  step: summarise.pipe(Step.andThen(reply)),
  output: Schema.String,
  sink: "replies.ndjson"
})
