/**
 * The tokens of a text: what to expect, and at most.
 */

/**
 * The expected tokens of a text, of the tokenizer of Claude 4.6 and before. A word has one token, or more if it is long;
 * a digit and a sign have about half a token, and a space belongs to the word behind it. The weights are fitted to
 * recorded requests, which are English and JSON. Letters of other alphabets count half a token, ideographs a whole one.
 */
export const weigh = (text: string): number => {
  let tokens = 0
  let letters = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if ((code >= 97 && code <= 122) || (code >= 65 && code <= 90)) {
      letters++
      continue
    }
    if (letters > 0) tokens += wordOf(letters)
    letters = 0
    if (code === 32) continue
    tokens += code < firstIdeograph ? 0.5 : 1
  }
  return letters > 0 ? tokens + wordOf(letters) : tokens
}

const firstIdeograph = 0x2e80

const wordOf = (letters: number): number => (letters <= 6 ? 1 : 1 + (letters - 6) * 0.3)

/**
 * At least the tokens of a text: its UTF-8 bytes, because every token has a byte or more. Anthropic's last public
 * tokenizer (`@anthropic-ai/tokenizer`) normalizes a text first, which can make it longer.
 */
export const atMost = (text: string): number => {
  const bytes = bytesOf(text)
  return bytes === text.length ? bytes : Math.max(bytes, bytesOf(text.normalize("NFKC")))
}

/** Half of a surrogate pair counts three bytes, because the API may read it as a whole character. */
const bytesOf = (text: string): number => {
  let bytes = text.length
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code >= 0x80) bytes += code >= 0x800 ? 2 : 1
  }
  return bytes
}

/** The JSON of a value; empty for `undefined`. */
export const jsonOf = (value: unknown): string => JSON.stringify(value) ?? ""

/** The most tokens of a value in JSON: one for each byte, with a space after each sign, and letters as `\uXXXX`. */
export const jsonAtMost = (value: unknown): number => {
  const json = jsonOf(value)
  let tokens = 0
  for (let at = 0; at < json.length; at++) tokens += json.charCodeAt(at) < 0x80 ? 2 : 6
  return tokens
}
