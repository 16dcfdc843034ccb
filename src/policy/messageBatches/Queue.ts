/**
 * Collects calls and sends them as batches: when enough calls or bytes have come together, when the first of them has
 * waited for long enough, or when the program cannot continue without an answer.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Request } from "../../claude/Request.ts"
import { paramsOf } from "./BatchesApi.ts"
import type { Call } from "./Call.ts"
import type { Lane } from "./Lanes.ts"

/** The limits of one batch. */
export interface Limits {
  readonly requests: number
  readonly bytes: number
  /** The longest time that a call waits for others. */
  readonly delay: Duration.Duration
}

/** Calls that wait for their batch. */
export interface Queue {
  readonly add: (call: Call, bytes: number) => void
  readonly remove: (call: Call) => void
  /** Sends the calls of a lane. */
  readonly sendLane: (lane: Lane) => void
  /** Sends all of them. */
  readonly sendAll: () => void
}

interface Waiting {
  readonly calls: Map<Call, number>
  bytes: number
}

/** `send` starts a batch; `fork` runs an effect for a lane in the background. */
export const make = (
  limits: Limits,
  send: (lane: Lane, calls: ReadonlyArray<Call>) => void,
  fork: (lane: Lane, effect: Effect.Effect<void>) => void
): Queue => {
  const waiting = new Map<Lane, Waiting>()

  const sendLane = (lane: Lane) => {
    const queue = waiting.get(lane)
    if (queue === undefined) return
    waiting.delete(lane)
    send(lane, [...queue.calls.keys()])
  }
  const begin = (lane: Lane): Waiting => {
    const queue: Waiting = { calls: new Map(), bytes: 0 }
    waiting.set(lane, queue)
    const late = Effect.sync(() => {
      if (waiting.get(lane) === queue) sendLane(lane)
    })
    fork(lane, Effect.delay(late, limits.delay))
    return queue
  }
  return {
    add: (call, bytes) => {
      const { lane } = call
      if ((waiting.get(lane)?.bytes ?? 0) + bytes > limits.bytes) sendLane(lane)
      const queue = waiting.get(lane) ?? begin(lane)
      queue.calls.set(call, bytes)
      queue.bytes += bytes
      if (queue.calls.size >= limits.requests) sendLane(lane)
    },
    remove: (call) => {
      const queue = waiting.get(call.lane)
      if (queue === undefined) return
      queue.bytes -= queue.calls.get(call) ?? 0
      queue.calls.delete(call)
      if (queue.calls.size === 0) waiting.delete(call.lane)
    },
    sendLane,
    sendAll: () => {
      for (const lane of waiting.keys()) sendLane(lane)
    }
  }
}

/** Bytes of a request in a batch, with its `custom_id`. */
export const bytesOf = (request: Request): number =>
  new TextEncoder().encode(JSON.stringify(paramsOf(request))).length + envelope

/** `{"custom_id":"…","params":…},` with the longest id. */
const envelope = 100
