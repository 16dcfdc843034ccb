import { Job, Step } from "effect-claude"
import mails from "./mails.job.ts"

const rules = Array.from({ length: 300 }, (_, index) => `Rule ${index} of this house is to answer mails briefly.`)

/** The mails, answered by the rules of a long system prompt. */
export default Job.make({
  ...mails,
  name: "house",
  step: Step.text("answer", ({ subject }: { readonly subject: string }) => ({
    system: rules.join(" "),
    messages: [{ role: "user", content: subject }]
  }))
})
