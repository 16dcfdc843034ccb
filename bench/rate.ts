/**
 * `npm run bench -- rate [--mix NAME]… [--subject NAME]… [--minutes N] [--server emulator] [--variant NAME]…` compares
 * how well clients use a rate limit: 600 requests, 300,000 input and 60,000 output tokens a minute. Each mix of row
 * sizes makes another limit bind. Each subject has a process and a server of its own, and all of them run at the same
 * time, because they mostly wait. The work is what the limits permit in that time, and a tenth more. Other tools run
 * with several numbers of calls at once; the best is shown, or with `--all` every one.
 *
 * `share` is how much of the binding limit was used after the first 10 seconds; what is left at the end counts as
 * unused. `idle` is what was unused after these 10 seconds, in seconds of that limit; a full bucket holds 60.
 *
 * `--virtual` runs our stack alone in virtual time, against servers that differ from the documentation. `--before
 * CHECKOUT` adds our stack from another checkout. `--overhead` measures what `RateLimit` costs where no limit binds.
 * `--json` prints one object a line.
 */
import { execFileSync } from "node:child_process"
import { resolve } from "node:path"
import { parseArgs } from "node:util"
import * as Figures from "./rate/figures.ts"
import * as Overhead from "./rate/overhead.ts"
import * as Processes from "./rate/processes.ts"
import { mixes } from "./rate/rows.ts"
import { usual, type Variant } from "./rate/standIn.ts"
import { variants } from "./rate/variants.ts"
import * as Virtual from "./rate/virtual.ts"

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    mix: { type: "string", multiple: true, default: Object.keys(mixes) },
    subject: { type: "string", multiple: true },
    minutes: { type: "string" },
    server: { type: "string", default: "stand-in" },
    variant: { type: "string", multiple: true },
    virtual: { type: "boolean", default: false },
    overhead: { type: "boolean", default: false },
    before: { type: "string" },
    all: { type: "boolean", default: false },
    json: { type: "boolean", default: false }
  }
})
const { before, json, mix: chosenMixes, virtual } = values
const minutes = Number(values.minutes ?? (virtual ? 30 : 3))
const server = values.server === "emulator" ? "emulator" : "stand-in"
const chosenVariants = values.variant ?? (virtual ? Object.keys(variants[server]) : ["as documented"])

const variantOf = (name: string): Variant => {
  const known = variants[server]
  const differences = known[name]
  if (differences === undefined) throw new Error(`there is no variant "${name}"; use ${Object.keys(known).join(", ")}`)
  return { ...usual, ...differences }
}

const ours = [
  { name: "effect-claude", root: resolve(import.meta.dirname, "..") },
  ...(before === undefined ? [] : [{ name: "before", root: resolve(before) }])
]

const inVirtualTime = async () => {
  for (const { name: subject, root } of ours) {
    const run = await Virtual.make(root)
    for (const variant of chosenVariants) {
      for (const mix of chosenMixes) {
        const ran = await run(server, mix, variantOf(variant), minutes)
        console.log(
          Figures.show(Figures.of({ subject, mix, variant, ...ran }, variantOf(variant), minutes), undefined, json)
        )
      }
    }
  }
}

/** How many calls at once the user of another tool might try. */
const tries = [16, 64]
const subjects = [
  ...ours.map((subject) => ({ ...subject, tries: [undefined] })),
  ...["sdk", "ai", "langchain", "promptfoo"].map((name) => ({ name, root: undefined, tries })),
  ...["sdk default", "ai default"].map((name) => ({ name, root: undefined, tries: [16] })),
  { name: "bottleneck", root: undefined, tries: [undefined] }
].filter(({ name }) => values.subject === undefined || values.subject.includes(name))

const inProcesses = async () => {
  if (subjects.some(({ name }) => name === "promptfoo")) {
    const folder = resolve(import.meta.dirname, "rate/promptfoo")
    execFileSync("npm", ["install", "--prefix", folder, "--silent", "--omit=optional"], { stdio: "inherit" })
  }
  for (const variant of chosenVariants) {
    for (const mix of chosenMixes) {
      const runs = await Processes.run({
        tries: subjects.flatMap(({ name, root, tries }) => tries.map((concurrency) => ({ name, root, concurrency }))),
        mix,
        minutes,
        server,
        variant: variantOf(variant)
      })
      const figures = runs
        .map((run) => Figures.of({ ...run, mix, variant }, variantOf(variant), minutes))
        .toSorted((a, b) => b.answersPerMinute - a.answersPerMinute)
      const best = subjects.flatMap(({ name }) => figures.find(({ subject }) => subject.startsWith(name)) ?? [])
      const mine = figures.find(({ subject }) => subject === "effect-claude")
      for (const line of values.all ? figures : best) console.log(Figures.show(line, mine, json))
    }
  }
}

const overhead = async () => {
  const measured = await Overhead.measure()
  const micros = (figure: keyof Overhead.Overhead) => `${measured[figure].toFixed(2)} µs`
  console.log(
    json
      ? JSON.stringify({ bench: "rate", ...measured })
      : `a call takes ${micros("without")} without RateLimit and ${micros("with")} with it: ${micros("difference")} more`
  )
}

await (values.overhead ? overhead() : virtual ? inVirtualTime() : inProcesses())
