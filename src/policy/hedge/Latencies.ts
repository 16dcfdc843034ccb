/**
 * Learns how long answers take: a quantile of the last 200 for each kind of call. It knows nothing before it has seen 20.
 */

/** The latencies so far, in milliseconds. */
export interface Latencies {
  readonly add: (kind: string, millis: number) => void
  /** The quantile of a kind; undefined while there are too few answers. */
  readonly quantile: (kind: string) => number | undefined
}

const fewest = 20
const most = 200

/** Kinds come from the paths of steps, and a program may have any number of these. The oldest kinds are forgotten. */
const mostKinds = 1000

interface Window {
  /** In order of arrival; the oldest is at `next` once the window is full. */
  readonly recent: Array<number>
  next: number
  /** The same latencies, ascending. */
  readonly sorted: Array<number>
}

/** No latencies yet. `share` is that of the answers that are faster than the quantile, between 0 and 1. */
export const make = (share: number): Latencies => {
  const windows = new Map<string, Window>()

  const windowOf = (kind: string): Window => {
    const known = windows.get(kind)
    if (known !== undefined) return known
    const [oldest] = windows.keys()
    if (windows.size >= mostKinds && oldest !== undefined) windows.delete(oldest)
    const fresh: Window = { recent: [], next: 0, sorted: [] }
    windows.set(kind, fresh)
    return fresh
  }
  return {
    add: (kind, millis) => {
      const window = windowOf(kind)
      const { next, recent, sorted } = window
      const oldest = recent[next]
      if (oldest !== undefined) sorted.splice(placeIn(sorted, oldest), 1)
      recent[next] = millis
      window.next = (next + 1) % most
      sorted.splice(placeIn(sorted, millis), 0, millis)
    },
    quantile: (kind) => {
      const sorted = windows.get(kind)?.sorted ?? []
      return sorted.length < fewest ? undefined : sorted[Math.ceil(share * sorted.length) - 1]
    }
  }
}

/** The index of the first number that is not smaller. */
const placeIn = (sorted: ReadonlyArray<number>, number: number): number => {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] ?? Infinity) < number) low = middle + 1
    else high = middle
  }
  return low
}
