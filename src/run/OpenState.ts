/**
 * Opens the state that a command names: the state itself, a file or the address of a database, or the output next to it. It
 * is opened without its lock, so a run of the job continues undisturbed.
 */
import { existsSync } from "node:fs"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { SqlClient } from "effect/sql/SqlClient"
import * as Journal from "../pipeline/Journal.ts"
import * as Progress from "../pipeline/Progress.ts"
import { ExitWith } from "./ExitWith.ts"
import * as Postgres from "./Postgres.ts"
import * as Sqlite from "./Sqlite.ts"
import type { StateFlags } from "./StateFlags.ts"

/** The process that has a job open. */
export interface Holder {
  /** Such as `process 12 (effect-claude) on host a`. */
  readonly name: string
  /** In milliseconds since 1970, where known. */
  readonly since: number | undefined
}

/** A job in an open state. */
export interface JobInState extends Journal.State {
  /** The file as it was named, or the address of the database without user and password. */
  readonly path: string
  readonly client: Context.Context<SqlClient>
  /** The process whose run has the job open; undefined if no run is on. */
  readonly openIn: Effect.Effect<Holder | undefined, Journal.JournalFailed>
}

/** What a command does with a state. `write`: it adds a row beside the run that may have it open. */
export type Purpose = "read" | "write"

/** The default place of a state, next to its output: `mails.state.sqlite` for `mails.csv`, `mails.csv.state.sqlite` for `mails.csv.zst`. */
export const pathOf = (output: string): string => `${output.replace(/\.\w+$/, "")}.state.sqlite`

/** A state that cannot be read ends the command. */
export const toExit = <A, R>(effect: Effect.Effect<A, Error, R>): Effect.Effect<A, ExitWith, R> =>
  Effect.mapError(effect, (error) => (error instanceof ExitWith ? error : new ExitWith(2, error.message)))

/** Every job of a state, by name. The state is open until the scope closes. */
export const all = Effect.fnUntraced(function* (given: string, purpose: Purpose = "read") {
  const place = Postgres.isAddress(given) ? given : yield* fileOf(given)
  const path = Postgres.isAddress(place) ? Postgres.withoutSecrets(place) : place
  const client = yield* Layer.build(clientOf(place, purpose))
  const states = yield* Effect.provideContext(Journal.states, client)
  if (states.length === 0) return yield* refuse(`${path} holds no job yet: a run stores its job when its input is read`)
  return states.map((state): JobInState => {
    const { lastRun, shared } = state
    if (shared !== undefined) {
      return { ...state, path, client, openIn: Effect.map(shared.workers, workersOf(lastRun.beganAt)) }
    }
    const openIn = Postgres.isAddress(place)
      ? Effect.map(state.holder, connectionOf)
      : Effect.map(Sqlite.holder(place), processOf)
    return { ...state, path, client, openIn }
  })
}, toExit)

/** One job of a state: the one with this name, or the only one. */
export const one = Effect.fnUntraced(function* ({ job, state }: StateFlags, purpose?: Purpose) {
  const states = yield* all(state, purpose)
  const { path } = states[0] ?? { path: state }
  const names = states.map(({ job }) => `"${job}"`).join(", ")
  if (Option.isNone(job)) {
    const [only, ...others] = states
    if (only !== undefined && others.length === 0) return only
    return yield* refuse(`${path} holds ${states.length} jobs: name one with --job: ${names}`)
  }
  const found = states.find(({ job: name }) => name === job.value)
  return found ?? (yield* refuse(`${path} holds no job "${job.value}"; its jobs are: ${names}`))
})

const clientOf = (
  place: string,
  purpose: Purpose
): Layer.Layer<SqlClient, Postgres.PostgresFailed | Sqlite.SqliteFailed> => {
  if (Postgres.isAddress(place)) return Postgres.layer(place)
  return purpose === "read" ? Sqlite.layerReader({ path: place }) : Sqlite.layerBeside({ path: place })
}

/** The file of a state that is named by itself or by its output. */
const fileOf = (given: string) => {
  const beside = pathOf(given)
  if (existsSync(beside)) return Effect.succeed(beside)
  if (/\.[cm]?[jt]s$/.test(given)) {
    return refuse(`${given} is a program: name the state of its job, or the output, such as results.jsonl`)
  }
  if (given.endsWith(".sqlite") || given.endsWith(".db")) {
    return existsSync(given) ? Effect.succeed(given) : refuse(`${given}: there is no such state`)
  }
  return refuse(
    `${given} has no state next to it, which would be ${beside}; if the run had --state, name that state in place of ${given}`
  )
}

const refuse = (message: string) => Effect.fail(new ExitWith(2, message))

const connectionOf = (holder: Effect.Success<Journal.State["holder"]>): Holder | undefined =>
  holder && {
    name: `connection ${holder.pid} of the server${holder.address === null ? "" : `, from ${holder.address}`}`,
    since: holder.since ?? undefined
  }

const workersOf =
  (since: number | null) =>
  (workers: number): Holder | undefined =>
    workers === 0 ? undefined : { name: Progress.counted(workers, "worker", "workers"), since: since ?? undefined }

const processOf = (holder: Sqlite.Holder | "unnamed" | undefined): Holder | undefined => {
  if (holder === undefined) return undefined
  if (holder === "unnamed") return { name: "a process that has just begun", since: undefined }
  const { command, host, pid, since } = holder
  return { name: `process ${pid} (${command}) on host ${host}`, since }
}
