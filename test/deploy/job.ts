import { Dataset, Job, Step } from "effect-claude"
import { Schema } from "effect"

const Mail = Schema.Struct({ id: Schema.Int, text: Schema.String })

export default Job.make({
  name: "mails",
  source: Dataset.fromFile(Mail, "mails.jsonl"),
  key: ({ id }) => String(id),
  step: Step.text("summarise", ({ text }: typeof Mail.Type) => `Summarise this mail in one sentence: ${text}`),
  output: Schema.String,
  sink: "summaries.jsonl"
})
