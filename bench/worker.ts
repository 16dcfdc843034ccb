/**
 * Measures one subject in a process of its own, a round each time that it is told to.
 */
import { subjects } from "./subjects.ts"

/** One round. */
export interface Round {
  readonly bench: "calls" | "stream"
  readonly inFlight: number
  readonly count: number
}

/** What came of it: calls or deltas per second, and CPU microseconds for each. */
export interface Measured {
  readonly perSecond: number
  readonly cpuMicros: number
}

const [, , name = "", url = ""] = process.argv
const subject = subjects[name]?.(url)

process.on("message", async ({ bench, inFlight, count }: Round) => {
  const cpu = process.cpuUsage()
  const start = performance.now()
  let done = count
  if (bench === "calls") await subject?.calls?.(count, inFlight)
  else done = (await subject?.streams?.(count, inFlight)) ?? 0
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(cpu)
  process.send?.({ perSecond: done / seconds, cpuMicros: (user + system) / done } satisfies Measured)
})
process.send?.("ready")
