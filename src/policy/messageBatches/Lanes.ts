/**
 * Finds the lane of a call: the calls that may share a batch with it.
 */
import * as Context from "effect/Context"
import type { Client } from "../../claude/AnthropicClient.ts"
import type { ReplyStore } from "../../claude/ReplyStore.ts"
import type { Request } from "../../claude/Request.ts"
import { type Fetch, Transport } from "../../claude/Transport.ts"
import * as BatchesApi from "./BatchesApi.ts"

/** Calls with one store, one transport and equal headers. */
export interface Lane {
  readonly api: BatchesApi.BatchesApi
  readonly store: ReplyStore | undefined
  /** The context in which the batches of the lane are sent: that of its latest call. */
  context: Context.Context<never>
}

interface Entry {
  readonly lane: Lane
  readonly transport: Fetch
  /** The headers, as a text that can be compared. */
  readonly head: string
}

/** The lanes of a client; undefined if its backend has no batches. */
export const make = (client: Client) => {
  const entries = new WeakMap<object, Array<Entry>>()

  return (context: Context.Context<never>, request: Request, store: ReplyStore | undefined): Lane | undefined => {
    const transport = Context.get(context, Transport)
    const head = BatchesApi.headOf(request)
    const text = JSON.stringify(head)
    const home = store ?? transport
    const known = entries.get(home) ?? []
    const found = known.find((entry) => entry.transport === transport && entry.head === text)
    if (found !== undefined) {
      found.lane.context = context
      return found.lane
    }
    const api = BatchesApi.make(client, head)
    if (api === undefined) return undefined
    const lane: Lane = { api, store, context }
    entries.set(home, [...known, { lane, transport, head: text }])
    return lane
  }
}
