/**
 * Removes a job from a database that holds other jobs too, once the person agrees. The job must have no run and no worker.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Stdio from "effect/Stdio"
import * as Terminal from "effect/Terminal"
import * as Progress from "../pipeline/Progress.ts"
import * as Cluster from "./Cluster.ts"
import { ExitWith } from "./ExitWith.ts"
import * as OpenState from "./OpenState.ts"
import { Outputs } from "./Outputs.ts"
import * as Postgres from "./Postgres.ts"
import type { StateFlags } from "./StateFlags.ts"

export interface ForgetFlags extends StateFlags {
  readonly yes: boolean
}

const refuse = (message: string) => Effect.fail(new ExitWith(2, message))

/** Removes the job that the flags name, with its replies and results. */
export const forget = Effect.fnUntraced(
  function* ({ yes, ...flags }: ForgetFlags) {
    const job = yield* OpenState.one(flags, "write")
    const name = `"${job.job}"`
    if (!Postgres.isAddress(flags.state)) {
      return yield* refuse(`${job.path} holds no other job: delete this file, and its -wal and -shm files`)
    }
    const holder = yield* job.openIn
    if (holder !== undefined)
      return yield* refuse(`${name} is in use by ${holder.name}; stop the run and the workers first`)
    if (!yes && !(yield* agrees(job))) return yield* Effect.fail(new ExitWith(130, `${name} stays as it is`))
    const keys = yield* Effect.provideContext(Cluster.forget(job.job, flags.state), job.client)
    yield* Console.log(`${name} is removed from ${job.path}, with its rows, replies and results`)
    if (keys !== undefined)
      yield* Console.log(`keys of its queue are still on Redis; delete them there with: ${deleting(keys)}`)
  },
  Effect.scoped,
  (effect) => OpenState.toExit(effect)
)

/** The command that deletes keys of Redis. */
const deleting = (keys: string) => `redis-cli --scan --pattern '${keys}' | xargs redis-cli del`

/** Asks, and shows what is lost. Without a terminal, `--yes` is required. */
const agrees = Effect.fnUntraced(function* ({ counts, job, path, totals }: OpenState.JobInState) {
  const { stderr } = yield* Outputs
  const isTerminal = stderr.isTTY === true && (yield* (yield* Stdio.Stdio).stdinIsTerminal)
  if (!isTerminal) return yield* refuse(`"${job}" stays as it is, because no terminal can ask; add --yes to remove it`)
  const { done, total } = yield* counts
  const { cost, unpriced } = (yield* totals).all
  const paid = Progress.cost({ cost, unpricedCalls: unpriced })
  stderr.write(
    `"${job}" in ${path}: ${done} of ${total} rows are done, ${paid}. Its results and replies cannot be restored, and a new ` +
      "run pays again.\nForget it? --yes does not ask. [y/N] "
  )
  const answer = yield* Effect.orElseSucceed((yield* Terminal.Terminal).readLine, () => "")
  return /^\s*y(es)?\s*$/i.test(answer)
})
