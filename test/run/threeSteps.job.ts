// A pipeline of three steps, each of which needs the answer of the one before. With a name from outside, it reports when it has been loaded.
import { Dataset, Job, Step } from "effect-claude"
import { Schema } from "effect"

const Mail = Schema.Struct({ id: Schema.Int, subject: Schema.String })

const { JOB_NAME } = process.env
if (JOB_NAME !== undefined) process.stdout.write("loaded\n")

export default Job.make({
  name: JOB_NAME ?? "three steps",
  source: Dataset.fromFile(Mail, "mails.jsonl"),
  key: ({ id }) => String(id),
  step: Step.text("classify", ({ subject }: typeof Mail.Type) => `Classify this mail: ${subject}`).pipe(
    Step.andThen(Step.text("answer", (kind) => `Answer a mail of this kind: ${kind}`)),
    Step.andThen(Step.text("shorten", (answer) => `Shorten this answer: ${answer}`))
  ),
  output: Schema.String,
  sink: "out.jsonl"
})
