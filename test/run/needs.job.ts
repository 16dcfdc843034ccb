import { Claude, Job, Step } from "effect-claude"
import { Context, Effect } from "effect"
import mails from "./mails.job.ts"

class Database extends Context.Service<Database, { readonly lookUp: (id: number) => Effect.Effect<string> }>()(
  "Database"
) {}

const step = Step.make("answer", ({ id }: { readonly id: number; readonly subject: string }) =>
  Effect.gen(function* () {
    const database = yield* Database
    return (yield* Claude.generateText(yield* database.lookUp(id))).text
  })
)

/** A job whose step needs a missing service. Node runs it without a type check. */
// @ts-expect-error the step needs `Database`
export default Job.make({ ...mails, name: "needs", step })
