/**
 * Finds out, before a run begins, whether an emulator will answer it. The emulator marks every response with the header
 * `x-emulated-by`, so one free request without a key is enough.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { redact } from "../claude/Redact.ts"
import { Transport } from "../claude/Transport.ts"
import * as ErrorText from "./ErrorText.ts"

/** Nothing answers at `ANTHROPIC_BASE_URL`. */
export class ServerUnreachable extends Schema.TaggedError<ServerUnreachable>()("ServerUnreachable", {
  /** Without user and password. */
  address: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `ANTHROPIC_BASE_URL is ${this.address}, and it cannot be reached: ${this.detail}; start the server there, or correct the address`
  }
}

const patience = "10 seconds"

/** False without `ANTHROPIC_BASE_URL`; otherwise the server there is asked. Any answer counts, also a refusal. */
export const probe: Effect.Effect<boolean, ServerUnreachable | Config.ConfigError> = Effect.gen(function* () {
  const address = yield* Config.option(Config.NonEmptyString("ANTHROPIC_BASE_URL"))
  return Option.isSome(address) && (yield* ask(address.value.trim()))
})

const ask = (address: string) =>
  Effect.gen(function* () {
    const fetch = yield* Transport
    const unreachable = (detail: string) =>
      new ServerUnreachable({ address: withoutUser(address), detail: redact(detail) })
    const url = `${address.replace(/\/+$/, "")}/v1/models?limit=1`
    return yield* Effect.tryPromise({
      try: async (signal) => {
        const response = await fetch(url, { headers: { "anthropic-version": "2023-06-01" }, signal })
        await response.body?.cancel()
        return response.headers.has("x-emulated-by")
      },
      catch: (error) => unreachable(reasonOf(error))
    }).pipe(
      Effect.timeoutOrElse({
        duration: patience,
        orElse: () => unreachable(`no answer within ${patience}`)
      })
    )
  })

const withoutUser = (address: string) => address.replace(/\/\/[^/]*@/, "//")

/** The code of the system where there is one, such as ECONNREFUSED: fetch itself reports only "fetch failed". */
const reasonOf = (error: unknown): string => {
  const cause = Predicate.hasProperty(error, "cause") ? error.cause : error
  if (Predicate.hasProperty(cause, "code") && Predicate.isString(cause.code)) return cause.code
  return ErrorText.of(cause)
}
