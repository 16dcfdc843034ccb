import { Job } from "effect-claude"
import mails from "./mails.job.ts"

/** The job of the mails under another name. */
export default Job.make({ ...mails, name: "letters" })
