/**
 * The ids of messages. They depend on the request, and on how often it was answered before; never on what else was.
 */
import * as Occurrences from "../wire/Occurrences.ts"

/** Gives the n-th answer to a request its id. */
export const make = () => {
  const occurrence = Occurrences.make()
  return (requestHash: string): string => `msg_emulated_${requestHash.slice(0, 24)}_${occurrence(requestHash)}`
}
