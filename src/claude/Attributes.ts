/**
 * The attributes of a call, named by the OpenTelemetry GenAI conventions, for spans and logs. They contain no text of a
 * prompt or an answer. Pure.
 *
 * Source: docs/gen-ai/client-inference.md in open-telemetry/semantic-conventions-genai at commit 024a4f9, read in
 * November 2026. The GenAI conventions moved there from open-telemetry/semantic-conventions and are still in
 * development. Attributes that they do not define have the prefix `effect_claude`.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import { errorOf } from "./Admission.ts"
import type { CallSite } from "./CallSite.ts"
import { isBilled, isEmulated } from "./Reply.ts"
import type { Redact } from "./Redact.ts"
import type { Request } from "./Request.ts"
import * as Usage from "./Usage.ts"
import type { Outcome } from "./Watcher.ts"

/** Attributes by name. Undefined ones are left out. */
export type Attributes = Readonly<Record<string, string | number | boolean | ReadonlyArray<string>>>

/** The provider and its address, found from the base URL of the client. */
export const ofProvider = (baseURL: string | undefined): Attributes => {
  const url = baseURL !== undefined && URL.canParse(baseURL) ? new URL(baseURL) : undefined
  return defined({
    "gen_ai.provider.name": provider(url?.hostname ?? ""),
    "server.address": url?.hostname,
    "server.port": url && Number(url.port || (url.protocol === "http:" ? 80 : 443))
  })
}

const provider = (host: string): string => {
  if (/^bedrock.*\.amazonaws\.com$/.test(host)) return "aws.bedrock"
  if (/aiplatform\..*googleapis\.com$/.test(host)) return "gcp.vertex_ai"
  return "anthropic"
}

/** The model and the settings of a request. */
export const ofRequest = (request: Request, streaming: boolean): Attributes =>
  defined({
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": request.model,
    "gen_ai.request.max_tokens": request.max_tokens,
    "gen_ai.request.stream": streaming || undefined,
    "gen_ai.request.reasoning.level": request.output_config?.effort ?? undefined,
    "gen_ai.output.type": request.output_config?.format ? "json" : undefined
  })

/** The place in the program. It includes the key of the row, so do not use personal data as a key. */
export const ofSite = ({ job, labels, path, row }: CallSite): Attributes => {
  const site: Record<string, string> = {}
  if (job !== undefined) site["effect_claude.job"] = job
  if (row !== undefined) site["effect_claude.row"] = row
  if (path.length > 0) site["effect_claude.step.path"] = path.join("/")
  for (const name in labels) site[`effect_claude.label.${name}`] = labels[name] ?? ""
  return site
}

/** The same attributes with redacted texts: row keys and labels come from the program and may contain secrets. */
export const redacted = (attributes: Attributes, redact: Redact): Attributes =>
  Record.map(attributes, (value) => (Predicate.isString(value) ? redact(value) : value))

/** The outcome of a call. Tokens are the sum that all its attempts were billed; the tokens of a cached answer are not. */
export const ofOutcome = (outcome: Outcome): Attributes => {
  const { attempts, cost, exit, facts, message } = outcome
  const usage = usageOf(outcome)
  const requestId = facts?.requestId ?? errorOf(outcome)?.reason.requestId
  return defined({
    "gen_ai.response.id": message?.id,
    "gen_ai.response.model": message?.model,
    "gen_ai.response.finish_reasons": [Exit.isSuccess(exit) ? (message?.stop_reason ?? "error") : "error"],
    "gen_ai.usage.input_tokens": usage && Usage.totalInput(usage),
    "gen_ai.usage.output_tokens": usage?.output,
    "gen_ai.usage.cache_read.input_tokens": usage?.cacheRead,
    "gen_ai.usage.cache_write.input_tokens": usage && usage.cacheWrite5m + usage.cacheWrite1h,
    "gen_ai.usage.reasoning.output_tokens": usage && message?.usage.output_tokens_details?.thinking_tokens,
    "error.type": errorType(exit),
    "effect_claude.attempts": attempts,
    "effect_claude.cost.usd": cost && BigDecimal.toNumberUnsafe(cost),
    "effect_claude.origin": facts?.origin,
    "effect_claude.request_id": requestId,
    "effect_claude.emulated": isEmulated(requestId) || undefined
  })
}

/** The billed tokens. For a stream that broke off, the tokens reported so far; undefined if none are known or billed. */
export const usageOf = ({ facts, message, usage }: Outcome): Usage.Usage | undefined => {
  const due = facts === undefined || isBilled(facts.origin)
  return usage ?? (due && message ? Usage.fromMessage(message.usage) : undefined)
}

/** The reason of the failure; undefined for a success and for an interruption. */
export const errorType = (exit: Exit.Exit<unknown, unknown>): string | undefined => {
  if (Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)) return undefined
  return errorOf({ exit })?.reason._tag ?? "_OTHER"
}

const defined = (attributes: { readonly [name: string]: Attributes[string] | undefined }): Attributes => {
  const kept: Record<string, Attributes[string]> = {}
  for (const name in attributes) {
    const value = attributes[name]
    if (value !== undefined) kept[name] = value
  }
  return kept
}
