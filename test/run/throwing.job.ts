import { Dataset, Job } from "effect-claude"
import mails from "./mails.job.ts"

function rows(): Array<unknown> {
  throw new Error("no rows today")
}

/** A job whose source throws. */
export default Job.make({ ...mails, source: Dataset.fromIterable("mails", mails.source.schema, rows) })
