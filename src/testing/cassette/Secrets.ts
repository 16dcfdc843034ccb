/**
 * Looks for secrets in what a cassette is about to write: what `Redact` takes for one, the credentials that requests
 * were sent with, and of the environment the values of variables whose names speak of secrets, and the passwords in
 * addresses. Says where one stands, and what it is; never the secret.
 */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Redact } from "../../claude/Redact.ts"
import { leaves } from "./Leaves.ts"
import * as Recording from "./Recording.ts"

/** A secret that is known, and where from. */
export interface Secret {
  readonly name: string
  readonly value: string
}

/** What to look for: secrets that are known, and what `redact` would take out. */
export interface Search {
  readonly known: ReadonlyArray<Secret>
  readonly redact: Redact
}

/** Shorter values stand in too many texts by chance. */
const shortest = 8

/** Long words anywhere but before other letters; short ones at the end. `PWD` by itself is where the shell is. */
const speaksOfSecrets =
  /(key|token|secret|password|passwd|passphrase|credential)(s?\d*$|_)|((^|_)(pass|pat|auth|jwt|pem)|_pwd)(_?\d+)?$/i

/** The environment's secrets, as far as the program's configuration can be listed. */
export const ofEnvironment: Effect.Effect<ReadonlyArray<Secret>, ConfigProvider.SourceError> = Effect.flatMap(
  ConfigProvider.ConfigProvider,
  (provider) => valuesBelow(provider, [])
).pipe(Effect.map((all) => all.flatMap(secretsOf).filter(({ value }) => value.length >= shortest)))

const secretsOf = (variable: Secret): ReadonlyArray<Secret> => [
  ...(speaksOfSecrets.test(variable.name) ? [variable] : []),
  ...Option.toArray(passwordOf(variable.value)).map((value) => ({ name: `the password in ${variable.name}`, value }))
]

/** Of an address such as `postgres://user:password@host/database`. */
const passwordOf = Option.liftThrowable((value: string) => decodeURIComponent(new URL(value).password))

const valuesBelow: (
  provider: ConfigProvider.ConfigProvider,
  path: ConfigProvider.Path
) => Effect.Effect<ReadonlyArray<Secret>, ConfigProvider.SourceError> = Effect.fnUntraced(function* (provider, path) {
  const node = yield* provider.load(path)
  if (node === undefined) return []
  const own = node.value === undefined ? [] : [{ name: path.join("_"), value: node.value }]
  const below = yield* Effect.forEach(keysOf(node), (key) => valuesBelow(provider, [...path, key]))
  return [...own, ...below.flat()]
})

/** `TOKEN_1` and `TOKEN_2` are a list to the provider; a variable that ends in a large number makes that a long one. */
const keysOf = (node: ConfigProvider.Node): ReadonlyArray<string | number> => {
  if (node._tag === "Record") return [...node.keys]
  return node._tag === "Array" ? Array.from({ length: Math.min(node.length, 100) }, (_, index) => index) : []
}

/** What the headers of a request give away, wherever else it appears. */
export const ofHeaders = (headers: Headers): ReadonlyArray<Secret> =>
  [...headers]
    .filter(([name]) => credentials.test(name))
    .map(([name, value]) => ({ name: `the header ${name}`, value: value.replace(/^(bearer|basic)\s+/i, "") }))
    .filter(({ value }) => value.length >= shortest)

const credentials = /key|token|secret|authorization|cookie/

/** Where secrets stand, such as `exchange 2, request.body.system: the value of GITHUB_TOKEN`. */
export const find = (exchanges: ReadonlyArray<Recording.Exchange>, search: Search): ReadonlyArray<string> =>
  exchanges.flatMap((exchange, index) =>
    textsOf(exchange).flatMap(([path, text]) => {
      // With its path, since a field may say that its value is a secret, and a key of an object may be one.
      const found = whatIsIn(`${path}: ${text}`, search)
      return found === undefined ? [] : [`exchange ${index + 1}, ${hide(search)(path)}: ${found}`]
    })
  )

const whatIsIn = (text: string, { known, redact }: Search): string | undefined => {
  const secret = known.find(({ value }) => formsOf(value).some((form) => text.includes(form)))
  if (secret !== undefined) return `the value of ${secret.name}`
  return redact(text) === text ? undefined : "what looks like a secret"
}

/** Takes the secrets out of a text. */
export const hide =
  ({ known, redact }: Search): Redact =>
  (text) =>
    redact(
      known.flatMap(({ value }) => formsOf(value)).reduce((kept, form) => kept.replaceAll(form, "[redacted]"), text)
    )

/** As it is, inside JSON, and inside an address. */
const formsOf = (value: string) => [value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value)]

/** A secret may be spread over the chunks of a body, and over the deltas of a stream. */
const textsOf = ({ request, response }: Recording.Exchange): ReadonlyArray<readonly [path: string, text: string]> => {
  const { body, ...head } = response
  const texts = leaves({ request, response: "json" in body ? response : head }).map(
    ([path, value]) => [path, String(value)] as const
  )
  if ("json" in body) return texts
  const whole = Recording.text(body.chunks)
  const events = [...whole.matchAll(/^data: ?(.*)$/gm)].flatMap(([, data = ""]) => Option.toArray(parse(data)))
  const deltas = leaves(events).filter(([path]) => /\.delta\.(text|thinking|partial_json)$/.test(path))
  return [...texts, ["response.body", `${whole}\n${deltas.map(([, value]) => value).join("")}`]]
}

const parse = Schema.decodeOption(Schema.fromJsonString(Schema.Unknown))
