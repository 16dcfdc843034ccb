/**
 * A command line as a state keeps it, so that the run can be continued, or its failed rows retried, without its flags
 * being written again. Passwords are not kept, and neither is what came from standard input.
 */
import { resolve } from "node:path"
import type { Command } from "../pipeline/Journal.ts"
import type { MapFlags } from "./MapFlags.ts"
import * as Postgres from "./Postgres.ts"
import * as Redis from "./Redis.ts"
import type { RunFlags } from "./RunFlags.ts"
import type { ScoreFlags } from "./ScoreFlags.ts"

/** The flags without a value. */
const toggles: Record<Toggle, string> = {
  keep: "keep",
  rerun: "rerun",
  dryRun: "dry-run",
  countTokens: "count-tokens",
  yes: "yes",
  onlyFailed: "only-failed",
  onlyResults: "only-results",
  emulator: "emulator",
  json: "json"
}
type Flags = RunFlags & MapFlags & ScoreFlags & { readonly onlyFailed: boolean }
type Toggle = keyof { [Name in keyof Flags as Flags[Name] extends boolean ? Name : never]: true }

const toggleNames: ReadonlySet<string> = new Set(Object.values(toggles).flatMap((name) => [name, `no-${name}`]))

/**
 * Flags that the next run must not repeat: `--rerun` would make every finished row pending again, `--only-failed` leaves
 * the others, and the rest is between the caller and one run.
 */
const ofOneRun: ReadonlySet<string> = new Set(["only-failed", "rerun", "yes", "json"])

/** An argument, or a flag with its value. */
interface Part {
  /** The name of the flag. */
  readonly flag: string | undefined
  /** Undefined for a flag without a value. */
  readonly value: string | undefined
}

/** Splits arguments as the parser of the command line does. */
const split = (args: ReadonlyArray<string>): ReadonlyArray<Part> => {
  const parts: Array<Part> = []
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? ""
    const [, flag, value] = /^--([^=]+)(?:=([^]*))?$/.exec(arg) ?? []
    if (arg === "--") return [...parts, ...args.slice(index + 1).map((value) => ({ flag: undefined, value }))]
    if (flag === undefined) parts.push({ flag, value: arg })
    else if (value !== undefined) parts.push({ flag, value })
    else if (!toggleNames.has(flag)) parts.push({ flag, value: args[++index] })
    else {
      const next = args[index + 1] ?? ""
      const isLiteral = /^(?:true|false|yes|no|on|off|y|n|1|0)$/.test(next)
      parts.push({ flag, value: isLiteral ? args[++index] : undefined })
    }
  }
  return parts
}

/** The arguments of parts. A value may begin with a dash, so it is written behind `=` then. */
const join = (parts: ReadonlyArray<Part>): ReadonlyArray<string> =>
  parts.flatMap(({ flag, value }) => {
    if (flag === undefined) return value === undefined ? [] : [value]
    if (value === undefined) return [`--${flag}`]
    return toggleNames.has(flag) || value.startsWith("-") ? [`--${flag}=${value}`] : [`--${flag}`, value]
  })

/** The flag without `no-`. */
const nameOf = ({ flag }: Part) =>
  flag !== undefined && toggleNames.has(flag) ? flag.replace(/^no-/, "") : (flag ?? "")

/** The command line of a run, without secrets. `args` contain the name of the command. */
export const toStore = (command: "run" | "map", args: ReadonlyArray<string>, folder: string): Command => {
  const parts = split(args.slice(args.indexOf(command) + 1)).filter((part) => !ofOneRun.has(nameOf(part)))
  const isOmitted = ({ value }: Part) => value !== undefined && (isSecret(value) || value === "-" || value === "@-")
  const omitted = parts.filter(isOmitted).map(({ flag }) => (flag === undefined ? argumentOf[command] : `--${flag}`))
  const kept = parts.filter((part) => !isOmitted(part))
  return { folder, args: [command, ...join(kept)], omitted: [...new Set(omitted)] }
}

/** The name of the only argument of a command. */
const argumentOf = { run: "<job>", map: "<data>" } as const

/** An address with a user or a password, or with a password among its options. */
const isSecret = (value: string): boolean =>
  (Postgres.isAddress(value) || Redis.isAddress(value)) && /\/\/.*@|[?&](?:ssl)?password=/i.test(value)

/** What a command adds to a stored one. */
export interface Changes {
  /** Its own arguments, of which the flags win over the stored ones. */
  readonly given: ReadonlyArray<string>
  /** Its flags that the stored command does not have. */
  readonly own: ReadonlyArray<string>
  /** The state, as the stored command must name it. */
  readonly state: string
  /** The folder of the caller, from which the given files are. */
  readonly folder: string
}

/** The arguments of the stored command with changes, and what is still to be given. */
export const change = (command: Command, { folder, given, own, state }: Changes) => {
  const flags = split(given).filter((part) => part.flag !== undefined && !own.includes(part.flag))
  const names = new Set([...flags.map(nameOf), "state"])
  const [name = "", ...args] = command.args
  const parts = [
    ...split(args).filter((part) => !names.has(nameOf(part))),
    ...(folder === command.folder ? flags : flags.map((part) => absolute(part, folder))),
    { flag: "state", value: state }
  ]
  return {
    args: [name, ...join(parts)],
    missing: command.omitted.filter((omitted) => !names.has(omitted.replace(/^--/, "")))
  }
}

/** The flags of a run that name files. */
const files: ReadonlySet<string> = new Set(["output", "input", "cache", "rejects"])

/** A flag whose file does not depend on the working folder. */
const absolute = (part: Part, folder: string): Part => {
  const { flag, value } = part
  if (flag === undefined || value === undefined || !files.has(flag) || value === "-") return part
  const [, kind = "", path = value] = /^(sqlite:)(.*)$/s.exec(value) ?? []
  return /^\w+:\/\//.test(value) ? part : { flag, value: kind + resolve(folder, path) }
}

/** The command with the place where its state is now: a database may be restored under another address. */
export const at = (command: Command, place: string): Command => {
  if (!Postgres.isAddress(place)) return command
  const [name = "", ...args] = command.args
  const parts = split(args).map((part) => {
    const { flag, value = "" } = part
    const isPlace = (flag === "database" || flag === "state") && Postgres.isAddress(value)
    return isPlace && Postgres.withoutSecrets(value) !== place ? { flag, value: place } : part
  })
  return { ...command, args: [name, ...join(parts)] }
}

/** The command as a shell takes it, in the folder where it began. */
export const toText = ({ args, folder, omitted }: Command, here: string): string =>
  [
    folder === here ? "" : `cd ${quoted(folder)} && `,
    ["effect-claude", ...args.map(quoted), ...omitted.map((name) => (name.startsWith("<") ? name : `${name} …`))].join(
      " "
    )
  ].join("")

/** A word of a POSIX shell. */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
