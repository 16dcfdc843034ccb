/**
 * How often each request came. A request takes 52 bits of its hash here, not a text: this is the largest thing that the
 * emulator keeps of a call.
 */

/** Counts from 1: the n-th time that a hash, in hexadecimal, is seen. */
export const make = (): ((hash: string) => number) => {
  const seen = new Map<number, number>()
  return (hash) => {
    const key = Number.parseInt(hash.slice(0, 13), 16)
    const occurrence = (seen.get(key) ?? 0) + 1
    seen.set(key, occurrence)
    return occurrence
  }
}
