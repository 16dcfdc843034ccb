/**
 * One line when a call begins and one when it is through, each with the facts as annotations beside the program's own,
 * under the names that `Telemetry` uses. Lengths and counts, never texts. Quiet by default: what goes well is `Debug`.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Attributes from "../claude/Attributes.ts"
import { CallSite } from "../claude/CallSite.ts"
import { wrap } from "../claude/Claude.ts"
import { ClaudeError } from "../claude/ClaudeError.ts"
import { Redactor } from "../claude/Redact.ts"
import type { Request } from "../claude/Request.ts"
import * as Watch from "../claude/Watch.ts"

/**
 * Logs every `create` and `stream`: at `Debug` that it begins and what it came to, at `Warn` an answer that is of no use
 * and a failure that may pass, at `Error` any other failure.
 */
export const policy = () => wrap((next) => Effect.succeed(Watch.watching(next, begin, { content: false })))

const begin = (request: Request, streaming: boolean) =>
  Effect.as(
    log("Debug", "call begins", request, () => ({
      ...Attributes.ofRequest(request, streaming),
      "effect_claude.request.messages": request.messages.length,
      "effect_claude.request.length": lengthOf(request.system) + lengthOf(request.messages)
    })),
    {
      request,
      context: Context.empty(),
      hear: () => Effect.void,
      end: (outcome: Watch.Outcome) => {
        const [level, said] = verdict(outcome)
        return log(level, `call ${said}`, request, () => ({
          ...Attributes.ofOutcome(outcome),
          "effect_claude.response.length": outcome.length,
          "effect_claude.duration": Duration.toSeconds(outcome.duration)
        }))
      }
    }
  )

/** How loud, and what is said. */
const verdict = ({ exit, message }: Watch.Outcome): readonly [LogLevel.Severity, string] => {
  if (Exit.isSuccess(exit))
    return unusable.has(message?.stop_reason ?? "") ? ["Warn", "of no use"] : ["Debug", "answered"]
  if (Cause.hasInterruptsOnly(exit.cause)) return ["Debug", "interrupted"]
  const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
  if (!(error instanceof ClaudeError)) return ["Error", "died"]
  return [error.isRetryable ? "Warn" : "Error", `failed: ${error.message}`]
}

/** Answers that the verbs reject. */
const unusable = new Set(["refusal", "max_tokens", "model_context_window_exceeded"])

/** Where the level is not wanted, nothing is computed. */
const log = (level: LogLevel.Severity, message: string, request: Request, facts: () => Attributes.Attributes) =>
  Effect.flatMap(LogLevel.isEnabled(level), (enabled) => {
    if (!enabled) return Effect.void
    return Effect.withFiber((fiber) => {
      const redact = fiber.getRef(Redactor)
      const site = Attributes.ofSite(fiber.getRef(CallSite))
      const annotations = { "gen_ai.request.model": request.model, ...site, ...facts() }
      return Effect.annotateLogs(Effect.logWithLevel(level)(redact(message)), Attributes.redacted(annotations, redact))
    })
  })

/** Characters of the texts in a prompt, results of tools among them. */
const lengthOf = (content: unknown): number => {
  if (Predicate.isString(content)) return content.length
  if (Array.isArray(content)) return content.reduce((sum: number, part) => sum + lengthOf(part), 0)
  if (Predicate.hasProperty(content, "text")) return lengthOf(content.text)
  return Predicate.hasProperty(content, "content") ? lengthOf(content.content) : 0
}
