/**
 * Finds the revision of MCP that a server speaks: the newest first, then 2025-11-25, then the older one that the server
 * offers instead. Effect's client speaks one revision, which the caller chooses.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as McpClient from "effect/ai/McpClient"
import type { McpClientError } from "effect/ai/McpClientError"
import * as McpProtocol from "effect/ai/McpProtocol"
import type * as McpSchema from "effect/ai/McpSchema"
import * as Predicate from "effect/Predicate"

/** A revision, as Effect's client takes it. */
export type Protocol = McpProtocol.ProtocolAdapter<McpClient.ProtocolVersion>

/**
 * Connects with the first revision that the server accepts. `open` makes the transport of an attempt, and `timeout` is the
 * longest time of one; the first attempt takes at most 10 seconds, because some older servers never answer it.
 */
export const connect = Effect.fnUntraced(function* <R>(
  open: (protocol: Protocol, attempt: number) => Effect.Effect<McpClient.Transport, McpClientError, R>,
  timeout: Duration.Input = "60 seconds"
) {
  let offered: string | undefined
  const listen = (transport: McpClient.Transport): McpClient.Transport => ({
    ...transport,
    request: (message, tool) =>
      Effect.tap(transport.request(message, tool), (response) =>
        Effect.sync(() => {
          if (message.method === "initialize") offered = versionIn(response)
        })
      )
  })
  const attempt = (protocol: Protocol, number: number, timeout: Duration.Duration) =>
    Effect.flatMap(open(protocol, number), (transport) =>
      Effect.provideService(McpClient.make({ ...client, timeout }), McpClient.Transport, listen(transport))
    )
  const longest = Duration.fromInputUnsafe(timeout)
  return yield* attempt(McpProtocol.v2026_07_28, 0, Duration.min(longest, Duration.seconds(10))).pipe(
    Effect.catchIf(mayBeOlder, () => attempt(McpProtocol.v2025_11_25, 1, longest)),
    Effect.catch((error) => {
      const protocol = older.find(({ protocolVersion }) => protocolVersion === offered)
      return protocol === undefined ? Effect.fail(error) : attempt(protocol, 2, longest)
    })
  )
})

/** How the client introduces itself to servers. */
const client = { name: "effect-claude", version: "0.1.0" }

/** Effect's client takes two revisions only by its types: these have the same requests, initialization included. */
const older = [McpProtocol.v2025_06_18, McpProtocol.v2025_03_26, McpProtocol.v2024_11_05] as ReadonlyArray<
  McpProtocol.ProtocolAdapter<McpProtocol.ProtocolVersion>
> as ReadonlyArray<Protocol>

/**
 * Whether a server may speak another revision only. An older one refuses the first request of the newest, with an error or
 * status 400, or never answers it.
 */
const mayBeOlder = ({ reason }: McpClientError): boolean =>
  reason._tag === "HttpError"
    ? reason.status >= 400 && reason.status < 500 && ![401, 403, 429].includes(reason.status)
    : ["ProtocolError", "UnsupportedError", "ValidationError", "TimeoutError"].includes(reason._tag)

const versionIn = (response: McpSchema.JsonRpcResponse): string | undefined => {
  const result = "result" in response ? response.result : undefined
  const version = Predicate.isObject(result) ? result["protocolVersion"] : undefined
  return Predicate.isString(version) ? version : undefined
}
