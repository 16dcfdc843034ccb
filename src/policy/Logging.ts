/**
 * Logs calls: one `Info` line for each retry, fallback and hedge, and at `Debug` one line when a call begins and one when
 * it ends. Facts are annotations beside the program's own, under the names that `Telemetry` uses. No text of prompts or
 * answers is logged.
 *
 * A failed call is not logged at `Error`: its caller may handle it, and reports it otherwise.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as LogLevel from "effect/LogLevel"
import * as Predicate from "effect/Predicate"
import * as References from "effect/References"
import * as Stream from "effect/Stream"
import { errorOf, streamWithin } from "../claude/Admission.ts"
import * as Attributes from "../claude/Attributes.ts"
import { CallSite } from "../claude/CallSite.ts"
import { type Claude, wrap } from "../claude/Claude.ts"
import type { ClaudeError } from "../claude/ClaudeError.ts"
import * as Event from "../claude/Event.ts"
import { Redactor } from "../claude/Redact.ts"
import type { Request } from "../claude/Request.ts"
import * as Watcher from "../claude/Watcher.ts"

/** Logs every `create` and `stream`. To be less verbose, set `References.MinimumLogLevel`. */
export const policy = () => wrap((next) => Effect.succeed(logging(next)))

const logging = (next: Claude["Service"]): Claude["Service"] => {
  const watched = Watcher.watching(next, begin, { content: false })
  return {
    ...next,
    create: (request) =>
      Effect.withFiber((fiber) =>
        isVerbose(fiber) ? watched.create(request) : Event.listen(logRepeat)(next.create(request))
      ),
    stream: (request) =>
      Stream.unwrap(
        Effect.withFiber((fiber) =>
          Effect.succeed(isVerbose(fiber) ? watched.stream(request) : streamWithin(next.stream(request), hearRepeats))
        )
      )
  }
}

/** Most programs do not log `Debug`: their calls are not watched, only retries, fallbacks and hedges. */
const isVerbose = (fiber: Fiber.Fiber<unknown, unknown>): boolean =>
  !LogLevel.isGreaterThan(fiber.getRef(References.MinimumLogLevel), "Debug")

const hearRepeats = (context: Context.Context<never>): Context.Context<never> =>
  Context.add(context, Event.Listener, Event.both(Context.get(context, Event.Listener), logRepeat))

const begin = (request: Request, streaming: boolean) =>
  Effect.as(
    log("Debug", "call begins", request.model, () => ({
      ...Attributes.ofRequest(request, streaming),
      "effect_claude.request.messages": request.messages.length,
      "effect_claude.request.length": lengthOf(request.system) + lengthOf(request.messages)
    })),
    {
      request,
      listener: logRepeat,
      end: (outcome: Watcher.Outcome) =>
        log("Debug", `call ${resultOf(outcome)}`, request.model, () => ({
          ...Attributes.ofOutcome(outcome),
          "effect_claude.response.length": outcome.length,
          "effect_claude.duration": Duration.toSeconds(outcome.duration)
        }))
    }
  )

const logRepeat: Event.Listener = (event) => {
  switch (event._tag) {
    case "call-retried":
      return log("Info", retryLine(event), event.model, () => ({ "error.type": event.error.reason._tag }))
    case "call-fell-back":
      return log("Info", fallbackLine(event), event.model, () => ({ "error.type": event.error.reason._tag }))
    case "call-hedged":
      return log("Info", `no answer within ${shortly(event.after)}; sending the request again`, event.model, () => ({}))
    default:
      return Effect.void
  }
}

/** `attempt 1 of 13 failed: Overloaded (529): busy; trying again in 495ms`. */
const retryLine = ({ delay, error, repeat, repeats }: Event.CallRetried): string => {
  const total = repeats === undefined ? "" : ` of ${repeats + 1}`
  return `attempt ${repeat}${total} failed: ${reasonOf(error)}; trying again in ${shortly(delay)}`
}

/** `claude-opus-5-5 failed: Overloaded (529): busy; asking claude-sonnet-5-5`. */
const fallbackLine = ({ error, model, to }: Event.CallFellBack): string =>
  `${model} failed: ${reasonOf(error)}; asking ${to}`

const reasonOf = ({ reason: { _tag, code, detail, status } }: ClaudeError): string =>
  `${_tag}${status === undefined ? "" : ` (${status})`}: ${detail}${code === undefined ? "" : ` [${code}]`}`

const shortly = (duration: Duration.Duration) =>
  Duration.format(Duration.millis(Math.round(Duration.toMillis(duration))))

const resultOf = ({ exit, message }: Watcher.Outcome): string => {
  if (Exit.isSuccess(exit)) return unusable.has(message?.stop_reason ?? "") ? "answered, unusable" : "answered"
  if (Cause.hasInterruptsOnly(exit.cause)) return "interrupted"
  const error = errorOf({ exit })
  return error === undefined ? "died" : `failed: ${error.message}`
}

/** The stop reasons of answers that the verbs reject. */
const unusable = new Set(["refusal", "max_tokens", "model_context_window_exceeded"])

/** Computes nothing where the level is disabled. */
const log = (level: LogLevel.Severity, message: string, model: string, facts: () => Attributes.Attributes) =>
  Effect.flatMap(LogLevel.isEnabled(level), (enabled) => {
    if (!enabled) return Effect.void
    return Effect.withFiber((fiber) => {
      const redact = fiber.getRef(Redactor)
      const site = Attributes.ofSite(fiber.getRef(CallSite))
      const annotations = { "gen_ai.request.model": model, ...site, ...facts() }
      return Effect.annotateLogs(Effect.logWithLevel(level)(redact(message)), Attributes.redacted(annotations, redact))
    })
  })

/** Characters of the texts in a prompt, including the results of tools. */
const lengthOf = (content: unknown): number => {
  if (Predicate.isString(content)) return content.length
  if (Array.isArray(content)) return content.reduce((sum: number, part) => sum + lengthOf(part), 0)
  if (Predicate.hasProperty(content, "text")) return lengthOf(content.text)
  return Predicate.hasProperty(content, "content") ? lengthOf(content.content) : 0
}
