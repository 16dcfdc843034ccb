/**
 * A PostgreSQL database as an `SqlClient`, for a cache or a journal. It needs the optional package `@effect/sql-pg`,
 * which is loaded when a layer is built. Errors never show the user or the password of the address. Where the address has
 * none, `PGUSER` and `PGPASSWORD` count, as for `psql` and pg-boss.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as SqlMessage from "../pipeline/journal/SqlMessage.ts"

/** The database cannot be used: no package, no server, no such database, a wrong password. */
export class PostgresFailed extends Schema.TaggedError<PostgresFailed>()("PostgresFailed", {
  /** The address without user and password. */
  place: Schema.String,
  /** What went wrong and what to do. */
  detail: Schema.String,
  /** Whether the same command may succeed later: the server does not answer yet, or has no free connection. */
  mayPass: Schema.Boolean
}) {
  override get message() {
    return `${this.place}: ${this.detail}`
  }
}

/** Whether a place is an address of a PostgreSQL database. */
export const isAddress = (place: string): boolean => /^postgres(ql)?:\/\//.test(place)

/** Removes what may hold a password: the user, and the options. */
export const withoutSecrets = (address: string): string => address.replace(/\/\/.*@/, "//").replace(/\?.*$/, "")

const unreachable = "check that the server runs and that the address is right"

/** The message of the server, which `SqlError` does not show. */
export const messageOf: (error: SqlError) => string = SqlMessage.of

/** By what the client says where it does not connect, so that there is no code of a server. */
const refusals: ReadonlyArray<readonly [RegExp, remedy: string]> = [
  [/No username/, "write postgres://user@host:5432/database, or set PGUSER"],
  [/certificate/, "set NODE_EXTRA_CA_CERTS to the file of the authority that signed the certificate of the server"],
  [/sslmode/, "write sslmode=verify-full, or leave it out for a connection without TLS"]
]

const remedyOf = (error: SqlError): string | undefined => {
  const message = SqlMessage.of(error)
  const refusal = refusals.find(([says]) => says.test(message))
  return SqlMessage.remedyOf(error) ?? refusal?.[1]
}

/** The code of a server without a free connection. */
const tooManyClients = "53300"

/** A variable of the environment, unless the address has its value. */
const unless = (isGiven: boolean, variable: string) =>
  isGiven ? Effect.succeedNone : Effect.option(Config.NonEmptyString(variable))

/** What the environment adds to an address. The client takes these values before those of the address. */
const credentials = ({ password, searchParams, username }: URL) =>
  Effect.map(
    Effect.all([
      unless(username !== "" || searchParams.has("user"), "PGUSER"),
      unless(password !== "" || searchParams.has("password"), "PGPASSWORD")
    ]),
    ([user, secret]) => ({
      ...(Option.isSome(user) && { username: user.value }),
      ...(Option.isSome(secret) && { password: Redacted.make(secret.value) })
    })
  )

/** Connects, so that a database that cannot be reached fails here and not at its first use. */
export const layer = (url: string): Layer.Layer<SqlClient, PostgresFailed> => {
  const place = withoutSecrets(url)
  const fail = (detail: string, mayPass = false) => new PostgresFailed({ place, detail, mayPass })
  const explain = (error: SqlError) => {
    const remedy = remedyOf(error)
    const mayPass = remedy === undefined || SqlMessage.codeOf(error) === tooManyClients
    return fail(`${SqlMessage.of(error)}; ${remedy ?? unreachable}`, mayPass)
  }
  if (!URL.canParse(url))
    return Layer.effect(SqlClient, fail("this is no address; write postgres://host:5432/database"))
  const client = Effect.map(
    Effect.tryPromise({
      try: () => import("@effect/sql-pg/PgClient"),
      catch: () => fail("the package @effect/sql-pg is missing: npm install @effect/sql-pg")
    }),
    // A firewall may forget an idle connection without a notice. With keepalive, the operating system notices it.
    (PgClient) =>
      Layer.unwrap(
        Effect.map(credentials(new URL(url)), (given) =>
          PgClient.layer({
            url: Redacted.make(url),
            applicationName: "effect-claude",
            keepAlive: "10 seconds",
            ...given
          })
        )
      )
  )
  const isReachable = Layer.effectDiscard(
    Effect.withTracerEnabled(
      SqlClient.use((sql) => sql`SELECT 1`),
      false
    )
  )
  return Layer.provideMerge(isReachable, Layer.unwrap(client)).pipe(
    Layer.catchTag("SqlError", (error) => Layer.effect(SqlClient, explain(error)))
  )
}
