/**
 * Takes secrets out of text that leaves the program: messages of errors, logs, reports. Pure and idempotent.
 */

const patterns = [
  /sk-ant-[\w-]+/g,
  // Long enough to be a token: the API itself says "Invalid bearer token".
  /(?<=bearer\s{1,3})[^\s"']{16,}/gi,
  // What Node says of a key that is no header value, such as one with a line break in it.
  /(?<=Headers\.append: ")[^"]+/g,
  /(?<=x-api-key["']?\s{0,3}[:=]\s{0,3}["']?)[^\s"']{8,}/gi
]

/** The text with API keys and bearer tokens replaced by `[redacted]`. */
export const redact = (text: string): string =>
  patterns.reduce((kept, pattern) => kept.replace(pattern, "[redacted]"), text)
