/**
 * Redacts the values of named fields in a text: in JSON, also where it is quoted in other JSON, in headers, and in
 * `name=value`. The end of the text ends every value.
 */

/** Names of fields that always hold a secret. Patterns of plain letters are the fastest. */
const usual = [
  "api[_-]?key",
  "account_?key",
  "access_?token",
  "refresh_?token",
  "session_?token",
  "auth_?token",
  "secret_?key",
  "secret_?access_?key",
  "client_?secret",
  "password",
  "passwd"
]

/**
 * Redacts the values of the usual fields if they are quoted or long enough for a secret, and all values of `own`
 * fields.
 */
export const make = (own: ReadonlyArray<string>, hidden: string): ((text: string) => string) => {
  const hideUsual = hiding(usual, hidden, (text, start) => endOf(token, text, start))
  if (own.length === 0) return hideUsual
  const names = own.map((name) => name.replace(/\W/g, "\\$&"))
  const hideOwn = hiding(names, hidden, endOfOwn)
  return (text) => hideUsual(hideOwn(text))
}

/** `end` finds the end of a value without quotes. */
const hiding = (names: ReadonlyArray<string>, hidden: string, end: typeof endOfOwn) => {
  const beginnings = new RegExp(`(?:${names.join("|")})(\\\\*["'])?\\s{0,3}([:=])\\s{0,3}(\\\\*["'])?`, "gi")
  return (text: string): string => {
    let kept = ""
    let at = 0
    for (const { 0: all, 1: nameQuote, 2: separator, 3: quote, index } of text.matchAll(beginnings)) {
      const start = index + all.length
      if (start < at) continue
      const until = quote === undefined ? end(text, start, nameQuote, separator) : closing(text, start, quote)
      if (until === start) continue
      kept += text.slice(at, start) + hidden
      at = until
    }
    return at === 0 ? text : kept + text.slice(at)
  }
}

/** At least 8 characters: prose may have a colon after such a name, too. */
const token = /[^\s"'\\,;&}]{8,}/y
const valueInPair = /[^\s"'\\,;&}]+/y
const literal = /[^\s,}\]]+/y
/** The value of a header, which may be quoted in JSON. */
const restOfLine = /(?:[^"\n\\]|\\(?![nr"\\]))+/y

const endOf = (pattern: RegExp, text: string, start: number): number => {
  pattern.lastIndex = start
  return pattern.test(text) ? pattern.lastIndex : start
}

const endOfOwn = (text: string, start: number, nameQuote: string | undefined, separator: string | undefined) => {
  if (text[start] === "{" || text[start] === "[") return balanced(text, start, nameQuote)
  if (nameQuote !== undefined) return endOf(literal, text, start)
  return endOf(separator === "=" ? valueInPair : restOfLine, text, start)
}

/**
 * The end of a string that began with `delimiter`: a quote after n backslashes, where n is 0, 1, 3, 7 for JSON that was
 * quoted 0, 1, 2, 3 times. Quotes inside the string have 2n + 1 backslashes, and its own backslashes come in multiples
 * of 2n + 2.
 */
const closing = (text: string, start: number, delimiter: string): number => {
  const quote = delimiter.slice(-1)
  const slashes = delimiter.length - 1
  for (let at = text.indexOf(quote, start); at !== -1; at = text.indexOf(quote, at + 1)) {
    let before = at
    while (before > start && text[before - 1] === "\\") before--
    if ((at - before) % (2 * slashes + 2) === slashes) return at - slashes
  }
  return text.length
}

/** The end of the object or list that begins here. */
const balanced = (text: string, start: number, quote: string | undefined): number => {
  const delimiters = quote === undefined ? ['"', "'"] : [quote]
  let depth = 0
  let at = start
  while (at < text.length) {
    const delimiter = delimiters.find((delimiter) => text.startsWith(delimiter, at))
    if (delimiter !== undefined) {
      at = closing(text, at + delimiter.length, delimiter) + delimiter.length
      continue
    }
    const character = text[at++]
    if (character === "{" || character === "[") depth++
    if ((character === "}" || character === "]") && --depth === 0) return at
  }
  return text.length
}
