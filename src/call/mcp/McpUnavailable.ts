/**
 * The failure of a connection to an MCP server.
 */
import type { McpClientError } from "effect/ai/McpClientError"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"

/** A server cannot be started or reached, or it does not list its tools. */
export class McpUnavailable extends Schema.TaggedError<McpUnavailable>()("McpUnavailable", {
  /** The command or the address. */
  server: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `${this.server}: ${this.detail}`
  }

  /** `output` is what the server wrote last, besides messages. */
  static from(server: string, error: McpClientError, output = ""): McpUnavailable {
    const written = output === "" ? "" : ` (it wrote: ${output})`
    return new McpUnavailable({ server, detail: `${detailOf(error)}${written}; ${remedyOf(error)}` })
  }
}

const detailOf = ({ message, reason }: McpClientError): string => {
  if (reason._tag === "ValidationError" && Schema.isSchemaError(reason.cause)) {
    const [issue] = issuesOf(reason.cause.issue).issues
    // Without the value that the server sent.
    const expected = issue?.message.replace(/, got .*$/s, "")
    if (issue !== undefined) return `${message}: ${(issue.path ?? []).map(String).join(".")}: ${expected}`
  }
  const cause = reason._tag === "TransportError" ? reason.cause : undefined
  // The cause of another transport may have the address, with a key in its query.
  return Predicate.isTagged(cause, "PlatformError") && cause instanceof Error ? `${message}: ${cause.message}` : message
}

const issuesOf = SchemaIssue.makeFormatterStandardSchemaV1()

const remedyOf = ({ reason }: McpClientError): string => {
  if (reason._tag === "HttpError" && (reason.status === 401 || reason.status === 403)) {
    return 'the server requires a token: pass { headers: { authorization: "Bearer …" } }'
  }
  if (reason._tag === "HttpError" && reason.status >= 300 && reason.status < 400) {
    return "the address redirects; pass the address that it redirects to, such as the same one with or without / at its end"
  }
  if (reason._tag === "HttpError" && (reason.status === 429 || reason.status >= 500)) {
    return "the server is busy or has failed; try again later"
  }
  if (reason._tag === "TimeoutError") return "check that this is an MCP server, or pass a longer timeout"
  if (reason._tag === "TransportError") return "check the command, or the address and that the server runs"
  return "check that this is an MCP server, and that it is a recent version"
}
