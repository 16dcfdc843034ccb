import { Claude, Job } from "effect-claude"
import { Layer } from "effect"
import mails from "./mails.job.ts"

/** The mails with a default model of the job. */
export default Job.make({
  ...mails,
  name: "opus",
  layer: Layer.succeed(Claude.Defaults, { model: "claude-opus-5-5", max_tokens: 100 })
})
