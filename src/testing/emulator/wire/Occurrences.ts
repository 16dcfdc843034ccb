/**
 * How often each request came. It keeps 52 bits of the hash of each request, because this is the largest record of a
 * call in the emulator.
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
