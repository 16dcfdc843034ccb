import { Job, Step } from "effect-claude"
import { Effect } from "effect"
import mails from "./mails.job.ts"

/** The job of the mails with a log record for each mail. */
export default Job.make({
  ...mails,
  step: Step.make("answer", (mail: Parameters<typeof mails.step>[0]) =>
    Effect.andThen(Effect.log(`answering ${mail.subject}`), mails.step(mail))
  )
})
