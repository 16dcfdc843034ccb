/**
 * Runs subjects in processes, each against a server of its own, all at the same time.
 */
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { setTimeout } from "node:timers/promises"
import type { Run } from "./figures.ts"
import type * as Meter from "./meter.ts"
import { fitting } from "./rows.ts"
import type { Served } from "./server.ts"
import type { Progress, Task } from "./worker.ts"

export interface Options extends Served {
  readonly tries: ReadonlyArray<{
    readonly name: string
    readonly root: string | undefined
    readonly concurrency: number | undefined
  }>
  readonly mix: string
  readonly minutes: number
}

/** Starts a process, and waits for its first message. */
export const start = async (file: string, argument: Served | Task) => {
  const child = fork(new URL(file, import.meta.url), [JSON.stringify(argument)], {
    execArgv: ["--conditions=effect-claude-source"]
  })
  const ended = once(child, "exit").then(() => Promise.reject(new Error(`${file} ended early; see its output above`)))
  const [message] = await Promise.race([once(child, "message"), ended])
  ended.catch(() => {})
  return { child, message }
}

/** Asks a process for its report. */
export const ask = async <A>(child: ChildProcess): Promise<A> => {
  child.send("report")
  const [report] = await once(child, "message")
  return report
}

/** Runs all tries at the same time, for this many minutes or until no row is left. */
export const run = async ({ minutes, mix, server, tries, variant }: Options) => {
  const children: Array<ChildProcess> = []
  const started = async (file: string, argument: Served | Task) => {
    const { child, message } = await start(file, argument)
    children.push(child)
    return { child, message }
  }
  try {
    const ready = []
    for (const { concurrency, name, root } of tries) {
      const served = await started("./server.ts", { server, variant })
      const task = {
        subject: name,
        concurrency,
        root,
        mix,
        url: served.message,
        fit: fitting(variant, minutes),
        limits: variant.limits
      }
      const { child } = await started("./worker.ts", { ...task, part: [0, 1], redis: undefined })
      ready.push({ subject: concurrency === undefined ? name : `${name} ${concurrency}`, served: served.child, child })
    }
    return await Promise.all(
      ready.map(async ({ child, served, subject }): Promise<Omit<Run, "mix" | "variant">> => {
        child.send("go")
        await setTimeout(10_000)
        const early = await ask<Meter.State>(served)
        for (;;) {
          const progress = await ask<Progress>(child)
          const end = await ask<Meter.State>(served)
          const left = minutes * 60_000 - end.now
          if (progress.finished || left < 5) return { subject, early, end, ...progress }
          await setTimeout(Math.min(1000, left))
        }
      })
    )
  } finally {
    for (const child of children) child.kill("SIGKILL")
  }
}
