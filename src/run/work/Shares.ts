/**
 * The calls of a worker, shared between its jobs: each job that has rows gets an equal share, and what one does not use
 * goes to the others. A job that begins beside a large one gets its share as soon as calls of the large one end.
 */
import * as Effect from "effect/Effect"
import * as FairShares from "../../pipeline/FairShares.ts"
import * as Gate from "../Gate.ts"

/** How often shares that are not used go to the others. A share that is missed comes back at once. */
const interval = "500 millis"

/** Shares this many calls between the gates of the jobs, until the scope closes. */
export const make = Effect.fnUntraced(function* (calls: number) {
  const gates: Array<Gate.Gate> = []
  /** A job wants no more than the workers of the job have granted. */
  const wants = (gate: Gate.Gate) => Math.min(gate.wants(), gate.grant())
  const share = () => {
    const shares = FairShares.split(calls, gates.map(wants))
    gates.forEach((gate, index) => gate.change({ share: shares[index] ?? 0 }))
  }
  const measure = Effect.sync(() => {
    for (const gate of gates) gate.measure()
    share()
  })
  yield* Effect.forkScoped(Effect.forever(Effect.delay(measure, interval)))
  return {
    /** The gate of one more job. */
    join: () => {
      const index = gates.length
      const room = () =>
        FairShares.split(
          calls,
          gates.map((gate, other) => (other === index ? calls : wants(gate)))
        )[index] ?? 0
      const gate = Gate.make({ share: 0, onWait: share, room })
      gates.push(gate)
      share()
      return gate
    }
  }
})
