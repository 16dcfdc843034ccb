/** Files of jobs with names that no other test has, and the commands that submit them and work on them. */
import { Emulator } from "effect-claude/testing"
import { Context, Effect, Layer } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Signals from "../../../src/run/Signals.ts"
import { at, folder, program, runOf } from "../cli.ts"

let made = 0

/** A folder with an input of this many rows, and the file of a job with a new name. `change`: code that changes `job`. */
export const jobOf = (rows: number, change = "job") => {
  const files = folder(rows)
  made += 1
  const name = `mails ${made} of ${process.pid} ${Math.random()}`
  const job = fileOf(files.path, name, change)
  return { ...files, job, name }
}

/** The file of a job with this name. `change` may use another step, `other`. */
export const fileOf = (path: string, name: string, change = "job", file = "mails.job.ts") => {
  const place = join(path, file)
  const original = JSON.stringify(join(import.meta.dirname, "../mails.job.ts"))
  writeFileSync(
    place,
    `import original from ${original}
const job = { ...original, name: ${JSON.stringify(name)} }
const other = Object.assign((row) => job.step(row), { shape: { ...job.step.shape, name: "other" } })
export default ${change}
`
  )
  return place
}

/** An emulator, and the commands that use it, on a database. */
export const world = Effect.fnUntraced(function* (database: string, latency = 20) {
  const { ledger, url } = Context.get(yield* Layer.build(Emulator.layerServer({ latency })), Emulator.Emulator)
  const env = at(url)
  const submitting = (files: ReturnType<typeof jobOf>, ...flags: ReadonlyArray<string>) =>
    program(runOf(files, "--database", database, ...flags), { env })
  const working = Effect.fnUntraced(function* (...jobs: ReadonlyArray<string>) {
    const signals = Signals.make()
    const args = ["worker", "--database", database, "--concurrency", "8", ...jobs]
    return { signals, ends: yield* Effect.forkChild(program(args, { env, signals })) }
  })
  return { ledger, submitting, working }
})
