/**
 * Removes secrets from text that leaves the program: errors, logs, spans, reports, cassettes. Pure and idempotent.
 *
 * It covers the secrets of secretlint's recommended preset that have a recognizable form; the preset itself is
 * asynchronous and reads files. A test checks that the preset finds nothing in redacted text.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Exit from "effect/Exit"
import * as Formatter from "effect/Formatter"
import * as Fields from "./redact/Fields.ts"

/** Text without its secrets. */
export type Redact = (text: string) => string

/** Further secrets, besides the usual ones. */
export interface Options {
  /**
   * Names of fields or headers, in any case: their values are redacted. In JSON, the value is a text, a number, an object
   * or a list. After `name:`, it is the text in quotes or brackets, or the rest of the line. After `name=`, it ends before
   * a space, `,`, `;` or `&`.
   */
  readonly fields?: ReadonlyArray<string>
  /** Every match is redacted. */
  readonly patterns?: ReadonlyArray<RegExp>
}

const hidden = "[redacted]"

/** Keys and tokens with a prefix that identifies them. */
const tokens = [
  "sk-ant-[\\w-]+", // Anthropic
  "\\bsk-(?:[a-z][a-z0-9]{0,9}-){0,3}[A-Za-z0-9]{20}[\\w-]*", // OpenAI, and APIs with the same form
  "(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Za-z0-9])", // AWS, key ids
  "gh[pousr]_\\w{36,}", // GitHub
  "github_pat_\\w{22,}",
  "gl(?:pat|ptt|ft|dt|rt|cbt|imt|agent|soat)-[\\w.-]{20,}", // GitLab
  "xox[a-z](?:\\.xox[a-z])?-[\\w-]{10,}", // Slack
  "xapp-[\\w-]{10,}",
  "AIza[\\w-]{35}", // Google
  "ya29\\.[\\w-]{20,}",
  "GOCSPX-[\\w-]{20,}",
  "[sr]k_(?:live|test)_\\w{10,}", // Stripe
  "SG\\.[\\w-]{16,}\\.[\\w-]{16,}", // SendGrid
  "npm_\\w{36}", // npm
  "hf_[A-Za-z]{30,}", // Hugging Face
  "gsk_\\w{40,}", // Groq
  "shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}", // Shopify
  "lin_(?:api|oauth)_\\w{30,}", // Linear
  "(?:ntn_|secret_)[A-Za-z0-9]{40,}", // Notion
  "fig[dou]_?[\\w-]{36,}", // Figma
  "(?:hvs|hvb|hvr)\\.[\\w-]{20,}", // HashiCorp Vault
  "gl(?:c|sa)_[\\w+/=-]{20,}", // Grafana
  "dckr_(?:pat|oat)_[\\w-]{20,}", // Docker
  "dapi[a-f0-9]{32}(?:-\\d+)?", // Databricks
  "ops_eyJ[\\w-]{50,}={0,3}", // 1Password
  "vc[piakr]_[A-Za-z0-9]{20,}", // Vercel
  "(?<![\\w-])eyJ[\\w-]{10,}\\.[\\w-]{10,}\\.[\\w-]*" // JSON Web Tokens
]

/** Secrets that the text before them identifies. The first group stays. Look-behinds would be clearer and slower. */
const patterns = [
  new RegExp(`()(?:${tokens.join("|")})`, "g"),
  // Long enough to be a token: the API's own error reads "Invalid bearer token".
  /(\bbearer\s{1,3})[^\s"'\\]{16,}/gi,
  /(\bbasic\s{1,3})[\w+/]{16,}={0,2}/gi,
  // Node repeats a key that is no header value, such as a key with a line break.
  /(Headers\.append: ")[^"]+/g,
  // The name and password of an address.
  /(:\/\/)[^\s/@:"'<>]*:[^\s/@"'<>]+(?=@)/g,
  /(https:\/\/hooks\.slack\.com\/)[\w/]+/g,
  /()-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----[^]*?(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|$)/g
]

/** Redacts the usual secrets and the given ones. */
export const make = ({ fields = [], patterns: own = [] }: Options): Redact => {
  const withoutFields = Fields.make(fields, hidden)
  const others = own.map((pattern) => new RegExp(pattern, `${pattern.flags.replace("g", "")}g`))
  return (text) => {
    const kept = patterns.reduce((kept, pattern) => kept.replace(pattern, `$1${hidden}`), text)
    return others.reduce((kept, pattern) => kept.replace(pattern, hidden), withoutFields(kept))
  }
}

/** The text with keys, tokens and passwords of the usual kinds replaced by `[redacted]`. */
export const redact: Redact = make({})

/**
 * The same exit with redacted failures and defects, for the span that a policy or a job ends with it. The program's own
 * errors stay as they are.
 */
export const exit = <A>(exit: Exit.Exit<A, unknown>, redact: Redact): Exit.Exit<A, unknown> =>
  Exit.isSuccess(exit)
    ? exit
    : Exit.failCause(
        Cause.fromReasons(
          exit.cause.reasons.map((reason) => {
            if (Cause.isFailReason(reason)) return Cause.makeFailReason(redactError(reason.error, redact))
            return Cause.isDieReason(reason) ? Cause.makeDieReason(redactError(reason.defect, redact)) : reason
          })
        )
      )

/** The limit for nested causes: an error can be its own cause. */
const depth = 8

const redactError = (error: unknown, redact: Redact, level = 0): unknown => {
  if (!(error instanceof Error)) return redact(Formatter.format(error))
  const { cause, message, stack = "" } = error
  const below = (inner: unknown) =>
    inner === undefined || level === depth ? undefined : redactError(inner, redact, level + 1)
  return Object.create(error, {
    message: { value: redact(message) },
    stack: { value: redact(stack) },
    cause: { value: below(cause) },
    ...(error instanceof AggregateError && { errors: { value: error.errors.map(below) } })
  })
}

/**
 * Redacts the logs, spans and reports of the running fiber; by default the usual secrets.
 * `Effect.provideService(Redact.Redactor, Redact.make({ fields: ["patient"] }))` makes it stricter. A `ClaudeError` has
 * the usual secrets redacted when it is made; this redactor applies where `Telemetry` and `Job` report it. Effect ends
 * other spans, such as a verb's or the program's own, with the error as it is.
 */
export const Redactor: Context.Reference<Redact> = Context.Reference("effect-claude/Redact", {
  defaultValue: (): Redact => redact
})
