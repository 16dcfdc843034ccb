/**
 * The ids of messages. They depend on the request, and on how often it was answered before; never on what else was.
 */

/** Gives the n-th answer to a request its id. */
export const make = () => {
  // 52 bits of the hash: the map is the largest thing that the emulator keeps of a call.
  const occurrences = new Map<number, number>()
  return (requestHash: string): string => {
    const key = Number.parseInt(requestHash.slice(0, 13), 16)
    const occurrence = (occurrences.get(key) ?? 0) + 1
    occurrences.set(key, occurrence)
    return `msg_emulated_${requestHash.slice(0, 24)}_${occurrence}`
  }
}
