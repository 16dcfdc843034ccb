/**
 * Counts what happened over time, in slots that become longer as the time becomes longer, so that a run of a day takes no
 * more memory than one of a minute.
 */
import * as Schema from "effect/Schema"

/** What happened in a slot. Tokens of a prompt count when its request is sent, tokens of an answer when it has arrived. */
export const Slot = Schema.Struct({
  /** The beginning, in milliseconds since 1970. */
  at: Schema.Finite,
  requests: Schema.Int,
  inputTokens: Schema.Int,
  outputTokens: Schema.Int,
  /** Attempts that gave no reply. */
  lost: Schema.Int,
  /** Answers of batches, which have separate rate limits. */
  batched: Schema.Int
})
export type Slot = typeof Slot.Type

/** Slots of equal length, the earliest first. */
export const Series = Schema.Struct({
  /** The length of a slot, in milliseconds. */
  width: Schema.Finite,
  slots: Schema.Array(Slot)
})
export type Series = typeof Series.Type

type Counts = Partial<Omit<Slot, "at">>

export interface Recorder {
  readonly add: (at: number, counts: Counts) => void
  readonly result: () => Series
}

/** The longest series. */
const mostSlots = 60

const second = 1000
const widths = [1, 2, 5, 10, 30, 60, 120, 300, 900, 1800, 3600, 7200, 21_600, 86_400].map((seconds) => seconds * second)

export const make = (): Recorder => {
  let width = second
  let slots = new Map<number, { -readonly [K in keyof Slot]: Slot[K] }>()
  let first = Infinity
  let last = -Infinity
  const slotOf = (at: number) => {
    const start = Math.floor(at / width) * width
    let slot = slots.get(start)
    if (slot === undefined) {
      slots.set(start, (slot = { at: start, requests: 0, inputTokens: 0, outputTokens: 0, lost: 0, batched: 0 }))
    }
    return slot
  }
  const put = (at: number, counts: Counts) => {
    const slot = slotOf(at)
    for (const kind of kinds) slot[kind] += counts[kind] ?? 0
  }
  const widen = () => {
    const wider = widths.find((candidate) => (last - first) / candidate < mostSlots) ?? width * 2
    if (wider <= width) return
    const earlier = slots
    width = wider
    slots = new Map()
    for (const slot of earlier.values()) put(slot.at, slot)
  }
  return {
    add: (at, counts) => {
      if (at < first || at > last) {
        first = Math.min(first, at)
        last = Math.max(last, at)
        if ((last - first) / width >= mostSlots) widen()
      }
      put(at, counts)
    },
    result: () => ({ width, slots: [...slots.values()].toSorted((one, other) => one.at - other.at) })
  }
}

const kinds = ["requests", "inputTokens", "outputTokens", "lost", "batched"] as const
