import { Job } from "effect-claude"
import mails from "./mails.job.ts"

/** The same under another name. */
export default Job.make({ ...mails, name: "letters" })
