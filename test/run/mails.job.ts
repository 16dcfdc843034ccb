import { Dataset, Job, Step } from "effect-claude"
import { Schema } from "effect"

const Mail = Schema.Struct({ id: Schema.Int, subject: Schema.String })

/** Mails, one call each, from a file that the test names with --input. */
export default Job.make({
  name: "mails",
  source: Dataset.fromFile(Mail, "mails.jsonl"),
  key: ({ id }) => String(id),
  step: Step.text("answer", ({ subject }: typeof Mail.Type) => `Answer this mail: ${subject}`),
  output: Schema.String,
  sink: "out.jsonl"
})
