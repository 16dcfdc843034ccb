/**
 * The ids of messages. They depend on the request and on the number of its earlier answers, not on other requests.
 */
import * as Occurrences from "../wire/Occurrences.ts"

/** Gives the n-th answer to a request its id. */
export const make = () => {
  const occurrence = Occurrences.make()
  return (requestHash: string): string => `msg_emulated_${requestHash.slice(0, 24)}_${occurrence(requestHash)}`
}
