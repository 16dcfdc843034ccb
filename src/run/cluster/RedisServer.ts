/**
 * A connection to the Redis server of a queue. Calls fail at once while the server cannot be reached, and the connection
 * returns with the server. Errors say what to do, and never show the user or the password of the address.
 */
import * as Effect from "effect/Effect"
import { DispatcherFailed } from "../../pipeline/Dispatcher.ts"
import * as Postgres from "../Postgres.ts"
import * as Redis from "../Redis.ts"

/** A connected server. */
export type RedisServer = Effect.Success<ReturnType<typeof connect>>

/** What to do about an error, by the first word of the server, https://redis.io/docs/latest/develop/reference/protocol-spec/ */
const remedies: Readonly<Record<string, string>> = {
  LOADING: "wait until the server has read its data",
  MISCONF: "the server cannot save its data; free its disk, or correct its permissions",
  NOAUTH: "add the password to the address: redis://:password@host:6379",
  NOPERM: "let this user run all commands on the keys effect-claude:*",
  OOM: "the server has no memory left; raise its maxmemory, or remove keys of others",
  READONLY: "this server is a replica; write the address of the primary",
  WRONGPASS: "correct the user and the password in the address"
}

const unreachable = "check that the server runs and that the address is right"

/** Milliseconds until a call has failed. It is less than a lease. */
const longestCall = 2500

/** The server answers each second, or the connection is renewed, in milliseconds. */
const silence = 5000

/** Connects until the scope closes. */
export const connect = Effect.fnUntraced(function* (url: string) {
  const place = Postgres.withoutSecrets(url)
  const failed = (detail: string) => new DispatcherFailed({ detail: `${place}: ${detail}` })
  const explain = (cause: unknown) => {
    const message = cause instanceof Error ? cause.message : String(cause)
    return failed(`${message}; ${remedies[message.split(" ", 1)[0] ?? ""] ?? unreachable}`)
  }
  /** Runs a call, for a limited time: a server that hangs answers none. */
  const call = <A>(run: () => Promise<A>, longest = longestCall) =>
    Effect.tryPromise({ try: run, catch: explain }).pipe(
      Effect.timeoutOrElse({
        duration: longest,
        orElse: () => Effect.fail(failed(`no answer within ${longest / 1000} seconds; ${unreachable}`))
      })
    )
  if (!Redis.isValid(url)) return yield* failed("this is no address; write redis://host:6379")
  const { createClient } = yield* Effect.tryPromise({
    try: () => import("redis"),
    catch: () => failed("the package redis is missing: npm install redis")
  })
  let hasConnected = false
  const reconnectStrategy = (retries: number, cause: Error) =>
    hasConnected ? Math.min(100 * 2 ** Math.min(retries, 5), 2000) : cause
  const client = createClient({
    url,
    name: "effect-claude-queue",
    disableOfflineQueue: true,
    pingInterval: 1000,
    socket: { socketTimeout: silence, reconnectStrategy }
  })
  // Each call reports its own failure. Without a listener, the event would end the process.
  client.on("error", () => undefined)
  yield* Effect.acquireRelease(
    call(() => client.connect(), 2 * silence),
    () => Effect.sync(() => client.destroy())
  )
  hasConnected = true

  let facts: Facts | undefined
  client.on("ready", () => {
    facts = undefined
  })
  const read = Effect.map(
    call(() => client.info()),
    (text) => {
      facts = factsIn(text)
      return facts
    }
  )
  const { maxmemory, policy } = yield* read
  const warning = `${place}: the server removes keys when its memory is full (maxmemory-policy ${policy}), and chunks with them; set its maxmemory-policy to noeviction`
  if (maxmemory !== "0" && policy !== "noeviction" && !warned.has(warning)) {
    warned.add(warning)
    yield* Effect.logWarning(warning)
  }
  return {
    client,
    failed,
    call,
    /** Differs between servers, and after each restart of one. */
    identity: Effect.suspend(() => (facts === undefined ? read : Effect.succeed(facts))).pipe(
      Effect.map(({ id }) => id)
    ),
    /** Calls a listener after each loss of the connection. */
    onReconnect: (listener: () => void) => void client.on("ready", listener)
  }
})

/** The warnings of this process so far: it connects for each job, and again after each failure. */
const warned = new Set<string>()

interface Facts {
  readonly id: string
  readonly maxmemory: string
  readonly policy: string
}

/** From the answer of `INFO`. Servers that speak the protocol of Redis may leave facts out. */
const factsIn = (text: string): Facts => {
  const find = (name: string, missing: string) => new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(text)?.[1] ?? missing
  return {
    id: find("run_id", "unknown"),
    maxmemory: find("maxmemory", "0"),
    policy: find("maxmemory_policy", "noeviction")
  }
}
