/**
 * Measures one subject in a separate process, one round per message. An error ends the process.
 */

/** One round. */
export interface Round {
  readonly bench: "calls" | "stream" | "paced"
  readonly inFlight: number
  readonly count: number
  /** The number of deltas in one stream. */
  readonly deltas: number
}

/** Calls or deltas per second, and CPU microseconds for each. */
export interface Measured {
  readonly perSecond: number
  readonly cpuMicros: number
}

const [, , name = "", url = "", root] = process.argv
const subjects =
  root === undefined ? (await import("./subjects.ts")).subjects : await (await import("./ours.ts")).load(root)
const subject = subjects[name]?.(url)

process.on("message", async ({ bench, inFlight, count, deltas }: Round) => {
  const run = bench === "calls" ? subject?.calls : subject?.streams
  if (run === undefined) throw new Error(`${name} has no ${bench}`)
  const cpu = process.cpuUsage()
  const start = performance.now()
  const seen = await run(count, inFlight)
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(cpu)
  const done = bench === "calls" ? count : count * deltas
  if (bench !== "calls" && seen !== done) throw new Error(`${name} saw ${seen} deltas of ${done}`)
  process.send?.({ perSecond: done / seconds, cpuMicros: (user + system) / done } satisfies Measured)
})
process.send?.("ready")
