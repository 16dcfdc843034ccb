import { Schema } from "effect"
import { Dataset, Job, Step } from "effect-claude"

const Mail = Schema.Struct({ id: Schema.Int, text: Schema.String })
const Ticket = Schema.Struct({ product: Schema.String, urgency: Schema.Literals(["low", "high"]) })

export default Job.make({
  name: "mails",
  source: Dataset.fromFile(Mail, "mails.ndjson"),
  key: ({ id }) => String(id),
  step: Step.object("ticket", Ticket, ({ text }: typeof Mail.Type) => `What is this mail about?\n${text}`),
  output: Ticket,
  sink: "tickets.ndjson"
})
