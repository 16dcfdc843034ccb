/**
 * Sends plain calls without the SDK. The SDK builds the same address and headers for every plain call, which takes
 * longer than the rest of the call. This module copies them from the first call and reuses them. The SDK still reads
 * failures.
 */
import type { Client } from "./AnthropicClient.ts"
import type { Request } from "./Request.ts"
import type { Fetch } from "./Transport.ts"

/** The part of a call that does not change. */
interface Copied {
  readonly input: Parameters<Fetch>[0]
  /** Frozen, so that a transport can recognise it and prepare it once. */
  readonly headers: Readonly<Record<string, string>>
}

const copies = new WeakMap<Client, Map<string, Copied>>()

/** Enables plain calls for a client. The settings of the client must be the same for all calls. */
export const enable = (client: Client): void => void copies.set(client, new Map())

/** A key that is equal for calls with equal headers; undefined for calls that the SDK changes. */
const kindOf = (request: Request, streaming: boolean): string | undefined => {
  const { betas, headers, thinking } = request
  if (betas !== undefined || headers !== undefined || thinking?.type === "enabled") return undefined
  return `${streaming} ${request.model} ${Object.keys(request).join(" ")}`
}

const bodyOf = (request: Request, streaming: boolean) =>
  JSON.stringify(streaming ? { ...request, stream: true } : request)

/** Sends a call over a transport; undefined if the SDK must send it. */
export const send = (
  client: Client,
  request: Request,
  streaming: boolean,
  transport: Fetch,
  signal: AbortSignal
): Promise<Response> | undefined => {
  const copied = copies.get(client)?.get(kindOf(request, streaming) ?? "")
  if (copied === undefined) return undefined
  const { headers, input } = copied
  return transport(input, { method: "POST", headers, body: bodyOf(request, streaming), signal })
}

/**
 * A transport that copies the address and headers of the SDK's call, if the SDK sends the request unchanged. It sends
 * some fields as headers, such as `user_profile_id`.
 */
export const copying = (client: Client, request: Request, streaming: boolean, transport: Fetch): Fetch => {
  const known = copies.get(client)
  const kind = known && kindOf(request, streaming)
  if (known === undefined || kind === undefined) return transport
  return (input, init = {}) => {
    const { body, headers, method } = init
    if (method === "POST" && body === bodyOf(request, streaming)) {
      if (known.size >= most) known.clear()
      known.set(kind, { input, headers: Object.freeze(Object.fromEntries(new Headers(headers))) })
    }
    return transport(input, init)
  }
}

/** Bounds the memory. Most programs use only a few kinds of calls. */
const most = 1000
