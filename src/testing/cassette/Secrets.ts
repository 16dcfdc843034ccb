/**
 * Finds secrets in a recording before it is written: texts that `Redact` recognizes, the credentials in request
 * headers, environment variables with names such as `API_KEY`, and passwords in addresses in the environment. It
 * reports the place and the kind of a secret, never the secret.
 */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Redact } from "../../claude/Redact.ts"
import { leaves } from "./Leaves.ts"
import * as Recording from "./Recording.ts"

/** A known secret. `name` describes its source, such as `GITHUB_TOKEN`. */
export interface Secret {
  readonly name: string
  readonly value: string
}

/** What to search for: the known secrets, and any text that `redact` changes. */
export interface Search {
  readonly known: ReadonlyArray<Secret>
  readonly redact: Redact
}

/** Shorter values are ignored: they occur in too many texts by chance. */
const shortest = 8

/**
 * Names of variables that hold secrets. A long word matches unless more letters follow; a short one matches at the end
 * of the name only. `PWD` alone does not match: it is the working folder of the shell.
 */
const secretName =
  /(key|token|secret|password|passwd|passphrase|credential)(s?\d*$|_)|((^|_)(pass|pat|auth|jwt|pem)|_pwd)(_?\d+)?$/i

/** The secrets in the environment, if the `ConfigProvider` of the program can list it. */
export const ofEnvironment: Effect.Effect<ReadonlyArray<Secret>, ConfigProvider.SourceError> = Effect.flatMap(
  ConfigProvider.ConfigProvider,
  (provider) => valuesBelow(provider, [])
).pipe(Effect.map((all) => all.flatMap(secretsOf).filter(({ value }) => value.length >= shortest)))

const secretsOf = (variable: Secret): ReadonlyArray<Secret> => [
  ...(secretName.test(variable.name) ? [variable] : []),
  ...Option.toArray(passwordOf(variable.value)).map((value) => ({ name: `the password in ${variable.name}`, value }))
]

/** The password in an address such as `postgres://user:password@host/database`. */
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

/**
 * The provider reads `TOKEN_1` and `TOKEN_2` as a list. A variable that ends in a large number would make it very long.
 */
const keysOf = (node: ConfigProvider.Node): ReadonlyArray<string | number> => {
  if (node._tag === "Record") return [...node.keys]
  return node._tag === "Array" ? Array.from({ length: Math.min(node.length, 100) }, (_, index) => index) : []
}

/** The credentials in the headers of a request. */
export const ofHeaders = (headers: Headers): ReadonlyArray<Secret> =>
  [...headers]
    .filter(([name]) => credentials.test(name))
    .map(([name, value]) => ({ name: `the header ${name}`, value: value.replace(/^(bearer|basic)\s+/i, "") }))
    .filter(({ value }) => value.length >= shortest)

const credentials = /key|token|secret|authorization|cookie/

/** The places of secrets, such as `exchange 2, request.body.system: the value of GITHUB_TOKEN`. */
export const find = (exchanges: ReadonlyArray<Recording.Exchange>, search: Search): ReadonlyArray<string> =>
  exchanges.flatMap((exchange, index) =>
    textsOf(exchange).flatMap(([path, text]) => {
      // The path is searched too: a field name can mark its value as a secret, and a key of an object can be a secret.
      const found = secretIn(`${path}: ${text}`, search)
      return found === undefined ? [] : [`exchange ${index + 1}, ${hide(search)(path)}: ${found}`]
    })
  )

const secretIn = (text: string, { known, redact }: Search): string | undefined => {
  const secret = known.find(({ value }) => formsOf(value).some((form) => text.includes(form)))
  if (secret !== undefined) return `the value of ${secret.name}`
  return redact(text) === text ? undefined : "text that looks like a secret"
}

/** Redacts the secrets in a text. */
export const hide =
  ({ known, redact }: Search): Redact =>
  (text) =>
    redact(
      known.flatMap(({ value }) => formsOf(value)).reduce((kept, form) => kept.replaceAll(form, "[redacted]"), text)
    )

/** The forms of a secret: unchanged, escaped for JSON, and escaped for an address. */
const formsOf = (value: string) => [value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value)]

/** The texts of an exchange with their paths. Chunks and deltas are joined, since a secret may span several of them. */
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
