import { Job, Step } from "effect-claude"
import mails from "./mails.job.ts"

const rules = Array.from({ length: 300 }, (_, index) => `Rule ${index} of this house: answer mails briefly.`)

/** The job of the mails with a long system prompt, which all calls share. */
export default Job.make({
  ...mails,
  name: "house",
  step: Step.text("answer", ({ subject }: { readonly subject: string }) => ({
    system: rules.join(" "),
    messages: [{ role: "user", content: subject }]
  }))
})
