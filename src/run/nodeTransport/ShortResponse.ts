/**
 * A response with a complete body. Creating Node's `Response` takes more time than the rest of the transport: it checks
 * each header and turns the body into a web stream. This class keeps the raw headers and bytes, and creates Node's
 * response only if the caller reads more than the status, a header or the text.
 */

/** The headers of a response, with names in lower case. */
export type RawHeaders = Readonly<Record<string, string | ReadonlyArray<string> | undefined>>

/** Headers in the form that `new Headers` takes. */
export const pairs = (headers: RawHeaders): Array<[string, string]> => {
  const pairs: Array<[string, string]> = []
  for (const [name, values = []] of Object.entries(headers)) {
    if (typeof values === "string") pairs.push([name, values])
    else for (const value of values) pairs.push([name, value])
  }
  return pairs
}

const decoder = new TextDecoder()

class ShortHeaders implements Headers {
  readonly #raw: RawHeaders
  #whole: Headers | undefined
  constructor(raw: RawHeaders) {
    this.#raw = raw
  }
  get #node(): Headers {
    return (this.#whole ??= new Headers(pairs(this.#raw)))
  }
  get(name: string): string | null {
    const value = this.#whole === undefined && isPlainName(name) ? this.#raw[name] : this.#node.get(name)
    return typeof value === "string" ? value : value === undefined || value === null ? null : value.join(", ")
  }
  has(name: string): boolean {
    return this.get(name) !== null
  }
  append(name: string, value: string): void {
    this.#node.append(name, value)
  }
  delete(name: string): void {
    this.#node.delete(name)
  }
  set(name: string, value: string): void {
    this.#node.set(name, value)
  }
  getSetCookie(): Array<string> {
    return this.#node.getSetCookie()
  }
  forEach(use: (value: string, key: string, parent: Headers) => void): void {
    this.#node.forEach((value, key) => use(value, key, this))
  }
  entries() {
    return this.#node.entries()
  }
  keys() {
    return this.#node.keys()
  }
  values() {
    return this.#node.values()
  }
  [Symbol.iterator]() {
    return this.#node[Symbol.iterator]()
  }
}

/** Whether a name is in the form of the raw headers, so that it can be looked up there. */
const isPlainName = (name: string): boolean => /^[a-z0-9-]+$/.test(name) && !(name in Object.prototype)

/** A response of status 200. */
export class ShortResponse implements Response {
  readonly status = 200
  readonly ok = true
  readonly redirected = false
  readonly type = "default"
  readonly url = ""
  readonly statusText: string
  readonly headers: Headers
  readonly #bytes: Uint8Array<ArrayBuffer>
  #isRead = false
  #whole: Response | undefined

  constructor(headers: RawHeaders, statusText: string, bytes: Uint8Array<ArrayBuffer>) {
    this.headers = new ShortHeaders(headers)
    this.statusText = statusText
    this.#bytes = bytes
  }

  get #node(): Response {
    return (this.#whole ??= new Response(this.#bytes, {
      status: 200,
      statusText: this.statusText,
      headers: this.headers
    }))
  }

  /** Node's response, unless the text was read. */
  async #unread(): Promise<Response> {
    if (this.#isRead) throw new TypeError("Body is unusable: Body has already been read")
    return this.#node
  }

  get body() {
    return this.#isRead ? null : this.#node.body
  }
  get bodyUsed(): boolean {
    return this.#isRead || (this.#whole?.bodyUsed ?? false)
  }
  async text(): Promise<string> {
    if (this.#isRead || this.#whole !== undefined) return (await this.#unread()).text()
    this.#isRead = true
    return decoder.decode(this.#bytes)
  }
  async json(): Promise<unknown> {
    return JSON.parse(await this.text())
  }
  async arrayBuffer(): Promise<ArrayBuffer> {
    return (await this.#unread()).arrayBuffer()
  }
  async blob(): Promise<Blob> {
    return (await this.#unread()).blob()
  }
  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return (await this.#unread()).bytes()
  }
  async formData(): Promise<FormData> {
    return (await this.#unread()).formData()
  }
  clone(): Response {
    if (this.#isRead) throw new TypeError("Response.clone: Body has already been consumed.")
    return this.#node.clone()
  }
}

// `instanceof Response` and `instanceof Headers` hold, as with Node's.
Object.setPrototypeOf(ShortHeaders.prototype, Headers.prototype)
Object.setPrototypeOf(ShortResponse.prototype, Response.prototype)
