/**
 * Finds the messages in the standard output of an MCP server. Many servers also print other lines there, such as "Server
 * started", which Effect's client would read as a broken message. Pure.
 */

/** The most bytes of a line: more than Effect's client takes. A longer line is cut, and Effect's client refuses it. */
const most = 17 * 1024 * 1024

/** Returns only the lines that are messages, and hands the other ones to `ignored`. Chunks may end anywhere. */
export const only = (ignored: (line: Uint8Array) => void): ((chunk: Uint8Array) => Uint8Array) => {
  let parts: Array<Uint8Array> = []
  let size = 0
  return (chunk) => {
    const messages: Array<Uint8Array> = []
    for (let at = 0; at < chunk.length;) {
      const end = chunk.indexOf(newline, at)
      const part = chunk.subarray(at, end === -1 ? chunk.length : end + 1)
      parts.push(part)
      size += part.length
      at += part.length
      if (end === -1 && size < most) continue
      const line = concat(parts)
      parts = []
      size = 0
      if (isMessage(line)) messages.push(line)
      else ignored(line)
    }
    return concat(messages)
  }
}

const newline = 10

const decoder = new TextDecoder("latin1")

/** A message is a JSON object with the field `jsonrpc`; a logger may write other objects. */
const isMessage = (line: Uint8Array): boolean => {
  const text = decoder.decode(line)
  return /^(?:\u00ef\u00bb\u00bf)?\s*\{/.test(text) && (text.includes('"jsonrpc"') || line.length >= most)
}

const concat = (parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const [first] = parts
  if (first !== undefined && parts.length === 1) return first
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
