/**
 * The format of a cassette file: HTTP exchanges as plain data that people can read and compare. Only the headers named
 * here are kept. A body is restored byte for byte. It is stored as JSON if `JSON.stringify` gives the same text, and as
 * the chunks that arrived otherwise.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"

/**
 * A part of a body that arrived at once, `at` milliseconds after the request. `lines` is its text, split at line feeds,
 * so that a diff of two files shows the event. Bytes that do not form whole characters are stored in Base64.
 */
const Chunk = Schema.Union([
  Schema.Struct({ at: Schema.Finite, lines: Schema.Array(Schema.String) }),
  Schema.Struct({ at: Schema.Finite, base64: Schema.Uint8ArrayFromBase64 })
])
export type Chunk = typeof Chunk.Type

const Headers = Schema.Record(Schema.String, Schema.String)

/** A request. `path` begins at `/v1/` and includes the query; a body that is not JSON is a string. */
const Request = Schema.Struct({
  method: Schema.String,
  path: Schema.String,
  headers: Headers,
  body: Schema.optionalKey(Schema.Json)
})
export type Request = typeof Request.Type

const Body = Schema.Union([Schema.Struct({ json: Schema.Json }), Schema.Struct({ chunks: Schema.Array(Chunk) })])
export type Body = typeof Body.Type

/** A response. Its headers arrived `at` milliseconds after the request. */
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

/** The part of a request that is recorded and compared. Removes the path of a gateway before `/v1/`. */
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

/** The response headers that a client reads, without those that identify the account. */
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

/** Makes a chunk from bytes that arrived at once. */
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

/** Makes a body from its chunks. */
export const body = (chunks: ReadonlyArray<Chunk>): Body => {
  const whole = text(chunks)
  const json = Option.filter(parse(whole), (value) => JSON.stringify(value) === whole)
  return Option.match(json, { onSome: (json) => ({ json }), onNone: () => ({ chunks }) })
}
