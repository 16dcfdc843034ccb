// Three steps, each of which needs the answer of the one before. Its answers are short, so that a budget is not reserved for long ones.
import { Dataset, Job, Step } from "effect-claude"
import { Schema } from "effect"

const Mail = Schema.Struct({ id: Schema.Int, subject: Schema.String })

const short = (content: string) => ({ max_tokens: 100, messages: [{ role: "user" as const, content }] })

export default Job.make({
  name: "three short steps",
  source: Dataset.fromFile(Mail, "mails.jsonl"),
  key: ({ id }) => String(id),
  step: Step.text("classify", ({ subject }: typeof Mail.Type) => short(`Classify this mail: ${subject}`)).pipe(
    Step.andThen(Step.text("answer", (kind) => short(`Answer a mail of this kind: ${kind}`))),
    Step.andThen(Step.text("shorten", (answer) => short(`Shorten this answer: ${answer}`)))
  ),
  output: Schema.String,
  sink: "out.jsonl"
})
