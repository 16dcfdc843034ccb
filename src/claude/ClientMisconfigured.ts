/**
 * Finds keys and addresses that cannot work, before anything is sent. It refuses only values that are certain to fail.
 * The server refuses the others, with a more precise message.
 */
import * as Schema from "effect/Schema"

/** The key or the address of a client cannot be used. The message never repeats the key. */
export class ClientMisconfigured extends Schema.TaggedError<ClientMisconfigured>()("ClientMisconfigured", {
  detail: Schema.String,
  remedy: Schema.String
}) {
  override get message() {
    return `${this.detail}; ${this.remedy}`
  }
}

/** A problem of a value: `detail` continues a sentence that begins with the name of the value. */
interface Problem {
  readonly detail: string
  readonly remedy: string
}

/** Where a value came from, such as `ANTHROPIC_API_KEY`. */
export interface Names {
  readonly apiKey: string
  readonly baseURL: string
}

/** The first problem of a key and an address. Both are trimmed before use, so white space around them is allowed. */
export const find = (apiKey: string, baseURL: string, names: Names): ClientMisconfigured | undefined => {
  const ofAddress = problemOfAddress(baseURL.trim())
  if (ofAddress) return new ClientMisconfigured({ ...ofAddress, detail: `${names.baseURL} ${ofAddress.detail}` })
  const ofKey = problemOfKey(apiKey.trim(), isAnthropics(baseURL.trim()))
  return ofKey && new ClientMisconfigured({ ...ofKey, detail: `${names.apiKey} ${ofKey.detail}` })
}

/** The error for a missing key. */
export const missingKey = (name: string): ClientMisconfigured =>
  new ClientMisconfigured({ detail: `${name} is not set`, remedy: setIt })

const setIt = "set it to your API key"
const copyAgain = "copy the key again, and nothing else with it"

const problemOfKey = (key: string, anthropics: boolean): Problem | undefined => {
  if (key === "") return { detail: "is empty", remedy: setIt }
  if (/[\r\n]/.test(key)) return { detail: "contains a line break", remedy: copyAgain }
  const odd = /[^\x20-\x7e]/u.exec(key)?.[0].codePointAt(0)
  if (odd !== undefined) {
    const code = odd.toString(16).toUpperCase().padStart(4, "0")
    return { detail: `contains a character that no key has (U+${code})`, remedy: copyAgain }
  }
  if (/^(["'`]).*\1$/.test(key)) return { detail: "is in quotes", remedy: "remove the quotes" }
  if (/^bearer\s/i.test(key)) return { detail: 'begins with "Bearer"', remedy: "leave that word out" }
  if (/^(x-api-key|authorization|anthropic_api_key)\s*[:=]/i.test(key)) {
    return { detail: "begins with the name of a header or a variable", remedy: "leave the name out" }
  }
  if (/^sk-ant-\S*\s/.test(key)) return { detail: "contains a space", remedy: copyAgain }
  const isPlaceholder = neverKey.test(key) || (anthropics && placeholder.test(key))
  return isPlaceholder ? { detail: "is a placeholder", remedy: setIt } : undefined
}

/** No gateway gives out such keys. */
const neverKey = /^(\$\{?\w+\}?|\{\{.*\}\}|<.*>|undefined|null|\[object Object\])$/

/** A gateway may take any word for a key; Anthropic's API does not. */
const placeholder =
  /\.\.\.|^(sk-ant-)?[xX*]+$|^(change|replace)[-_ ]?me$|your[-_ ]?(own[-_ ])?((anthropic|claude)[-_ ])?(api[-_ ]?)?(key|token)/i

const isAnthropics = (address: string) => /^https?:\/\/([\w-]+\.)*anthropic\.com([:/]|$)/i.test(address)

const write = "write it as https://host or http://host:port"

const problemOfAddress = (address: string): Problem | undefined => {
  if (address === "") return { detail: "is empty", remedy: `${write}, or leave it out` }
  if (/\s/.test(address)) return { detail: "contains a space", remedy: write }
  if (!address.includes("://")) return { detail: "has no http:// or https:// at its beginning", remedy: write }
  const url = URL.parse(address)
  if (url === null) return { detail: "is no address", remedy: write }
  const { hash, hostname, password, pathname, port, protocol, search, username } = url
  if (protocol !== "http:" && protocol !== "https:") return { detail: `begins with ${protocol}//`, remedy: write }
  if (search !== "" || hash !== "") return { detail: 'contains "?" or "#"', remedy: "end it with the host or a path" }
  if (username !== "" || password !== "") {
    return { detail: "contains a user or a password", remedy: "send them in a header, with defaultHeaders" }
  }
  if (/\/v1\/messages\/?$/.test(pathname) || (isAnthropics(address) && /\/v1\/?$/.test(pathname))) {
    return { detail: "ends with a path that the client adds itself", remedy: "end it before /v1" }
  }
  if (protocol === "http:" && (port === "443" || isAnthropics(address))) {
    return { detail: `has http:// although ${hostname} expects https://`, remedy: "write https://" }
  }
  return protocol === "https:" && port === "80"
    ? { detail: "has https:// with port 80, which has no TLS", remedy: "write http://, or leave the port out" }
    : undefined
}
