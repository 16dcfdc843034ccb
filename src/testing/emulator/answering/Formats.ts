/**
 * Strings in the formats of JSON Schema: found in a text, or else a valid placeholder.
 */

interface Format {
  readonly pattern: RegExp
  readonly otherwise: string
}

const date = /\b\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?!\d)/
const time = /(?<!\d)(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})/
const byte = "(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)"

const formats: Readonly<Record<string, Format>> = {
  date: { pattern: date, otherwise: "1970-01-01" },
  time: { pattern: time, otherwise: "00:00:00Z" },
  "date-time": {
    pattern: new RegExp(`${date.source}T${time.source}`),
    otherwise: "1970-01-01T00:00:00Z"
  },
  duration: { pattern: /\bP(?=\w)(?:\d+[YMWD])*(?:T(?:\d+[HMS])+)?\b/, otherwise: "PT0S" },
  email: { pattern: /\b[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[a-z]{2,}\b/i, otherwise: "someone@example.com" },
  hostname: { pattern: /\b(?:[a-z\d-]{1,63}\.){1,8}[a-z]{2,}\b/i, otherwise: "example.com" },
  uri: { pattern: /\bhttps?:\/\/[^\s<>"')\]]+[^\s<>"')\].,;]/, otherwise: "https://example.com" },
  ipv4: { pattern: new RegExp(`\\b${byte}(?:\\.${byte}){3}\\b`), otherwise: "0.0.0.0" },
  ipv6: { pattern: /\b(?:[\da-f]{1,4}:){7}[\da-f]{1,4}\b/i, otherwise: "::" },
  uuid: {
    pattern: /\b[\da-f]{8}-[\da-f]{4}-[1-8][\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}\b/i,
    otherwise: "00000000-0000-0000-0000-000000000000"
  }
}

/**
 * The first string of this format in the texts, in their order, that fits; undefined where the format is unknown. A date
 * becomes the start of its day where a time is asked for too.
 */
export const find = (format: string, texts: Iterable<string>, { from, to }: Range = {}): string | undefined => {
  const known = formats[format]
  if (known === undefined) return undefined
  const fits = (found: string) => (from === undefined || found >= from) && (to === undefined || found <= to)
  for (const text of texts) {
    const found = known.pattern.exec(text)?.[0] ?? startOfDay(format, text)
    if (found !== undefined && fits(found)) return found
  }
  return fits(known.otherwise) ? known.otherwise : (from ?? to)
}

/** The earliest and the latest date that fits, as text. */
export interface Range {
  readonly from?: string | undefined
  readonly to?: string | undefined
}

const startOfDay = (format: string, text: string): string | undefined => {
  const day = format === "date-time" ? date.exec(text)?.[0] : undefined
  return day === undefined ? undefined : `${day}T00:00:00Z`
}
