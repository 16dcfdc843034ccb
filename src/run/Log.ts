/**
 * How the command line prints log records: one line each on stderr. The records of `Logging`, one or more for every
 * call, are left out, because the display counts retries and the report lists failures; `--log-level` brings them back.
 */
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { format } from "effect/Formatter"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as References from "effect/References"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import { redact } from "../claude/Redact.ts"

/** An annotation that every record of `Logging` has. */
const ofCall = "gen_ai.request.model"

/** Prints the records of a job; with `--log-level`, the records of calls too. */
export const layer = Layer.unwrap(
  Effect.map(Effect.serviceOption(GlobalFlag.LogLevel), (flag) => {
    const isAskedFor = Option.isSome(Option.flatten(flag))
    return Logger.layer([lines(isAskedFor), Logger.tracerLogger])
  })
)

const lines = (withCalls: boolean) =>
  Logger.make<unknown, void>(({ cause, date, fiber, logLevel, message }) => {
    const annotations = Object.entries(fiber.getRef(References.CurrentLogAnnotations))
    if (!withCalls && annotations.some(([name]) => name === ofCall)) return
    const parts = (Array.isArray(message) ? message : [message]).map(text)
    const facts = annotations.map(([name, value]) => `${name}=${text(value)}`)
    const line = [date.toTimeString().slice(0, 8), logLevel.toUpperCase(), ...parts, ...facts].join(" ")
    const trace = cause.reasons.length === 0 ? "" : `\n${Cause.pretty(cause)}`
    fiber.getRef(Console.Console).error(redact(line + trace))
  })

const text = (value: unknown): string => (typeof value === "string" ? value : format(value))
