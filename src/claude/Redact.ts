/**
 * Takes secrets out of text that leaves the program: errors, logs, spans, reports, cassettes. Pure, and idempotent.
 *
 * The kinds of secrets are those that the rules of secretlint's recommended preset know, as far as they can be told by
 * their looks; that preset itself works in promises, on files. A test holds that it finds nothing in what came out.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Exit from "effect/Exit"
import * as Formatter from "effect/Formatter"
import * as Fields from "./redact/Fields.ts"

/** Text without its secrets. */
export type Redact = (text: string) => string

/** What is secret besides the usual. */
export interface Options {
  /**
   * Names of fields or headers, in any case: their values go. In JSON that is a text, a number, an object or a list; after
   * `name:` what is in quotes or brackets there, or else the rest of the line; after `name=` what comes before a space,
   * `,`, `;` or `&`.
   */
  readonly fields?: ReadonlyArray<string>
  /** Whatever these match goes. */
  readonly patterns?: ReadonlyArray<RegExp>
}

const hidden = "[redacted]"

/** Keys and tokens that say by their beginning what they are. */
const tokens = [
  "sk-ant-[\\w-]+", // Anthropic
  "\\bsk-(?:[a-z][a-z0-9]{0,9}-){0,3}[A-Za-z0-9]{20}[\\w-]*", // OpenAI, and those that copied it
  "(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Za-z0-9])", // AWS, ids of keys
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

/** What is secret by what stands before it: the first group stays. Look-behinds would say it better, and be slower. */
const patterns = [
  new RegExp(`()(?:${tokens.join("|")})`, "g"),
  // Long enough to be a token: the API itself says "Invalid bearer token".
  /(\bbearer\s{1,3})[^\s"'\\]{16,}/gi,
  /(\bbasic\s{1,3})[\w+/]{16,}={0,2}/gi,
  // What Node says of a key that is no header value, such as one with a line break in it.
  /(Headers\.append: ")[^"]+/g,
  // The name and password of an address.
  /(:\/\/)[^\s/@:"'<>]*:[^\s/@"'<>]+(?=@)/g,
  /(https:\/\/hooks\.slack\.com\/)[\w/]+/g,
  /()-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----[^]*?(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|$)/g
]

/** A redaction of the usual secrets and of one's own. */
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
 * The same end, but for what its failures and defects say: for the span that a policy or a job ends with it. The errors
 * themselves are the program's, and stay as they are.
 */
export const exit = <A>(exit: Exit.Exit<A, unknown>, redact: Redact): Exit.Exit<A, unknown> =>
  Exit.isSuccess(exit)
    ? exit
    : Exit.failCause(
        Cause.fromReasons(
          exit.cause.reasons.map((reason) => {
            if (Cause.isFailReason(reason)) return Cause.makeFailReason(told(reason.error, redact))
            return Cause.isDieReason(reason) ? Cause.makeDieReason(told(reason.defect, redact)) : reason
          })
        )
      )

/** Causes go no deeper than this: an error can be its own. */
const depth = 8

const told = (error: unknown, redact: Redact, level = 0): unknown => {
  if (!(error instanceof Error)) return redact(Formatter.format(error))
  const { cause, message, stack = "" } = error
  const below = (inner: unknown) =>
    inner === undefined || level === depth ? undefined : told(inner, redact, level + 1)
  return Object.create(error, {
    message: { value: redact(message) },
    stack: { value: redact(stack) },
    cause: { value: below(cause) },
    ...(error instanceof AggregateError && { errors: { value: error.errors.map(below) } })
  })
}

/**
 * How the running fiber's logs, spans and reports are redacted; the usual way by default.
 * `Effect.provideService(Redact.Redactor, Redact.make({ fields: ["patient"] }))` makes it stricter. Errors are redacted in
 * the usual way, where they are made, and by this only where `Telemetry` and `Job` tell them. A span around, such as a
 * verb's or the program's own, is ended by Effect with the error as it is, in the API's words.
 */
export const Redactor: Context.Reference<Redact> = Context.Reference("effect-claude/Redact", {
  defaultValue: (): Redact => redact
})
