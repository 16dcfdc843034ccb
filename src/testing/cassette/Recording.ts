/**
 * What a cassette's file holds: HTTP exchanges as plain data, to be read and compared by people. Of headers only those
 * named here are kept. Bodies come back byte for byte: as JSON where it is written the way `JSON.stringify` does it,
 * else as the chunks that arrived.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"

/**
 * `at`: milliseconds since the request was sent. `lines`: the text, cut at its line feeds so that a difference of files
 * shows the event. Bytes that are no whole characters are kept in Base64.
 */
const Chunk = Schema.Union([
  Schema.Struct({ at: Schema.Finite, lines: Schema.Array(Schema.String) }),
  Schema.Struct({ at: Schema.Finite, base64: Schema.Uint8ArrayFromBase64 })
])
export type Chunk = typeof Chunk.Type

const Headers = Schema.Record(Schema.String, Schema.String)

/** What was asked. `path` begins at `/v1/` and has the query; a body that is no JSON is a string. */
const Request = Schema.Struct({
  method: Schema.String,
  path: Schema.String,
  headers: Headers,
  body: Schema.optionalKey(Schema.Json)
})
export type Request = typeof Request.Type

const Body = Schema.Union([Schema.Struct({ json: Schema.Json }), Schema.Struct({ chunks: Schema.Array(Chunk) })])
export type Body = typeof Body.Type

/** What came back. `at`: the milliseconds until its headers were there. */
const Response = Schema.Struct({ at: Schema.Finite, status: Schema.Int, headers: Headers, body: Body })

export const Exchange = Schema.Struct({ request: Request, response: Response })
export type Exchange = typeof Exchange.Type

const File = Schema.Struct({ version: Schema.Literal(1), exchanges: Schema.Array(Exchange) })

/** The exchanges of a file. */
export const decode = Schema.decodeEffect(Schema.fromJsonString(File))

/** The text of a file with these exchanges. */
export const encode = (exchanges: ReadonlyArray<Exchange>): Effect.Effect<string, Schema.SchemaError> =>
  Effect.map(encodeFile({ version: 1, exchanges }), (file) => `${JSON.stringify(file, null, 2)}\n`)

const encodeFile = Schema.encodeEffect(File)

const parse = Schema.decodeOption(Schema.fromJsonString(Schema.Json))

/** What a request is compared by and kept as. A gateway's own path before `/v1/` does not matter. */
export const request = (sent: {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
}): Request => ({
  method: sent.method,
  path: sent.path.replace(/^.*?(?=\/v1\/)/, ""),
  headers: kept(sent.headers, (name) => name === "anthropic-version" || name === "anthropic-beta"),
  ...(sent.body !== "" && { body: Option.getOrElse(parse(sent.body), () => sent.body) })
})

/** The headers of an answer that say something to a client, and nothing of who asked. */
export const responseHeaders = (headers: globalThis.Headers): Readonly<Record<string, string>> =>
  kept(Object.fromEntries(headers), (name) => answering.has(name) || name.startsWith("anthropic-ratelimit-"))

const answering = new Set([
  "content-type",
  "date",
  "request-id",
  "retry-after",
  "retry-after-ms",
  "x-emulated-by",
  "x-should-retry"
])

const kept = (headers: Readonly<Record<string, string | undefined>>, keep: (name: string) => boolean) =>
  Record.filter(headers, (value, name): value is string => value !== undefined && keep(name))

/** Bytes of a body that arrived together. */
export const chunk = (at: number, bytes: Uint8Array): Chunk =>
  Option.match(utf8(bytes), {
    onSome: (text) => ({ at, lines: text.split("\n") }),
    onNone: () => ({ at, base64: bytes.slice() })
  })

const utf8 = Option.liftThrowable((bytes: Uint8Array) =>
  new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)
)

/** The bytes of a chunk, as they arrived. */
export const bytes = (chunk: Chunk): Uint8Array =>
  "lines" in chunk ? new TextEncoder().encode(chunk.lines.join("\n")) : chunk.base64

/** The whole of a body as text. */
export const text = (chunks: ReadonlyArray<Chunk>): string => {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true })
  return chunks.map((chunk) => decoder.decode(bytes(chunk), { stream: true })).join("") + decoder.decode()
}

/** A body that arrived in these chunks. */
export const body = (chunks: ReadonlyArray<Chunk>): Body => {
  const whole = text(chunks)
  const json = Option.filter(parse(whole), (value) => JSON.stringify(value) === whole)
  return Option.match(json, { onSome: (json) => ({ json }), onNone: () => ({ chunks }) })
}
