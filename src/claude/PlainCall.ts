/**
 * Sends plain calls without the SDK. The SDK builds the same address and headers for every plain call; that takes longer
 * than everything else in a call. They are copied from the first call that it sends, and used for later ones. Failures go
 * through the SDK all the same, which reads them.
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

/** Enables this for a client, whose settings must be the same for all its calls. */
export const enable = (client: Client): void => void copies.set(client, new Map())

/** A name for all calls that the SDK sends with the same headers; undefined for calls that it changes. */
const kindOf = (request: Request, streaming: boolean): string | undefined => {
  const { betas, headers, thinking } = request
  if (betas !== undefined || headers !== undefined || thinking?.type === "enabled") return undefined
  const keys = Object.keys(request)
  // The SDK sends these two as headers.
  if (keys.includes("user_profile_id") || keys.includes("workspace_id")) return undefined
  return `${streaming} ${request.model} ${keys.join(" ")}`
}

const bodyOf = (request: Request, streaming: boolean) =>
  JSON.stringify(streaming ? { ...request, stream: true } : request)

/** Sends a call over a transport; undefined where the SDK has to. */
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

/** A transport that copies the call of the SDK which it carries, if the SDK sends the request as it is. */
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

/** Programs use few kinds of calls; this bounds the memory of one that makes up new ones. */
const most = 1000
