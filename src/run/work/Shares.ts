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
  /** The job that is the first to get a call that cannot be divided: another one each time, so that none waits for ever. */
  let first = 0
  const split = (wants: ReadonlyArray<number>) => {
    const shares = FairShares.split(calls, [...wants.slice(first), ...wants.slice(0, first)])
    return [...shares.slice(wants.length - first), ...shares.slice(0, wants.length - first)]
  }
  const share = () => {
    const shares = split(gates.map(wants))
    gates.forEach((gate, index) => gate.change({ share: shares[index] ?? 0 }))
  }
  const measure = Effect.sync(() => {
    first = (first + 1) % Math.max(1, gates.length)
    for (const gate of gates) gate.measure()
    share()
  })
  yield* Effect.forkScoped(Effect.forever(Effect.delay(measure, interval)))
  return {
    /** The gate of one more job. */
    join: () => {
      const room = () => FairShares.split(calls, [calls, ...gates.filter((other) => other !== gate).map(wants)])[0] ?? 0
      const gate: Gate.Gate = Gate.make({ share: 0, onWait: share, room })
      gates.push(gate)
      share()
      return gate
    }
  }
})
