/**
 * `npm run bench -- job [SUBJECT…] [--rows N] [--tokens N] [--before CHECKOUT] [--rounds N] [--json]` runs a job of one
 * call a row, with 64 in flight, against a server that always sends the same answer, of about `--tokens` tokens. Beside
 * it: what a user would write instead. Each subject runs in a fresh process. A ratio is the median of the ratios within
 * the rounds. `--resume` measures the time to the first call of a job of which all but 1 % of the rows are done.
 * `--profile cpu|heap` leaves the profiles of our subjects in the folder `profiles`.
 */
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { createWriteStream, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { finished } from "node:stream/promises"
import { parseArgs } from "node:util"
import type { Measured, Task } from "./jobWorker.ts"
import type { Serving } from "./server.ts"
import { median } from "./median.ts"

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    rows: { type: "string" },
    tokens: { type: "string", default: "300" },
    rounds: { type: "string", default: "1" },
    before: { type: "string" },
    profile: { type: "string" },
    resume: { type: "boolean", default: false },
    json: { type: "boolean", default: false }
  }
})
const { json, profile, resume } = values
const rows = Number(values.rows ?? (resume ? 1_000_000 : 100_000))
const chosen = positionals.slice(1)
const folder = mkdtempSync(join(tmpdir(), "effect-claude-bench-"))
let server: ChildProcess | undefined

const here = resolve(import.meta.dirname, "..")
const subjects: ReadonlyArray<{ readonly name: string; readonly root?: string }> = [
  { name: "effect-claude", root: here },
  ...(values.before === undefined ? [] : [{ name: "before", root: resolve(values.before) }]),
  ...(resume ? [] : [{ name: "sdk" }, { name: "ai" }])
].filter(({ name }) => chosen.length === 0 || chosen.includes(name))

const writeInput = async (path: string) => {
  const file = createWriteStream(path)
  const question = "Why is the sky blue? ".repeat(20)
  for (let number = 1; number <= rows; number++) {
    const line = `${JSON.stringify({ id: `${number}`.padStart(8, "0"), question })}\n`
    if (!file.write(line)) await once(file, "drain")
  }
  file.end()
  await finished(file)
}

/** Runs a task in a process that is new, and waits for its end. */
const work = async (task: Task): Promise<Measured> => {
  const measures = profile !== undefined && task.root === here && task.act !== "prepare"
  const profiling = measures ? [`--${profile}-prof`, `--${profile}-prof-dir=profiles`] : []
  // The flag of the command line, see src/run/Heap.ts.
  const bounded = task.root === here ? ["--semi-space-growth-factor=1"] : []
  const worker = fork(new URL("./jobWorker.ts", import.meta.url), [JSON.stringify(task)], {
    execArgv: ["--conditions=effect-claude-source", ...bounded, ...profiling]
  })
  const ended = once(worker, "exit")
  const measured = await Promise.race([once(worker, "message"), ended.then(() => undefined)])
  await ended
  if (measured === undefined) throw new Error(`${task.subject} ended early; see its output above`)
  return measured[0]
}

try {
  const input = join(folder, "rows.ndjson")
  await writeInput(input)
  server = fork(new URL("./server.ts", import.meta.url), ["job", values.tokens])
  const serving: Serving = (await once(server, "message"))[0]
  const taken = new Map<string, Array<Measured>>(subjects.map(({ name }) => [name, []]))
  for (let round = 0; round < Number(values.rounds); round++) {
    const first = round % subjects.length
    for (const { name, root } of [...subjects.slice(first), ...subjects.slice(0, first)]) {
      const place = join(folder, name)
      const task = { subject: name, root, url: serving.url, input, folder: place, rows, inFlight: 64 } as const
      if (resume) await work({ ...task, act: "prepare" })
      taken.get(name)?.push(await work({ ...task, act: resume ? "resume" : "run" }))
      rmSync(place, { recursive: true })
    }
  }
  const of = (name: string, figure: keyof Measured) => taken.get(name)?.map((measured) => measured[figure]) ?? []
  /** More is better: rows a second over those of another subject, CPU time of another subject over ours. */
  const ratio = (name: string, other: string, figure: keyof Measured) => {
    const [mine, theirs] = [of(name, figure), of(other, figure)]
    return median(mine.map((value, round) => (theirs[round] ?? NaN) / value))
  }
  for (const { name } of subjects) {
    const [seconds, cpu, rss, state] = (["seconds", "cpuSeconds", "peakBytes", "stateBytes"] as const).map((figure) =>
      median(of(name, figure))
    ) as [number, number, number, number]
    const others = subjects.map((subject) => subject.name).filter((other) => other !== name)
    const ratios = others.map((other) => ({
      other,
      speed: ratio(name, other, "seconds"),
      cpu: ratio(name, other, "cpuSeconds")
    }))
    if (json) {
      console.log(
        JSON.stringify({ bench: resume ? "resume" : "job", subject: name, rows, seconds, cpu, rss, state, ratios })
      )
      continue
    }
    const cells = resume
      ? [`${seconds.toFixed(2)} s to the first call`, `${cpu.toFixed(2)} s of CPU`]
      : [`${Math.round(rows / seconds)} rows/s`.padStart(12), `${((cpu / rows) * 1e6).toFixed(0)} µs/row`.padStart(11)]
    const bytes = state > 0 ? `${Math.round(state / rows)} B/row of state` : "no state"
    console.log(
      [name.padEnd(14), ...cells, `${(rss / 1e6).toFixed(0)} MB peak`.padStart(12), bytes.padStart(20)].join("  "),
      ...ratios.map(({ cpu, other, speed }) => ` ${speed.toFixed(2)} × ${other} (CPU ${cpu.toFixed(2)} ×)`)
    )
  }
} finally {
  server?.kill()
  rmSync(folder, { recursive: true, force: true })
}
