import { spawn } from "node:child_process"
import { once } from "node:events"

/** Runs a command in a process, which is killed some milliseconds after it has loaded its job. */
export const killed = async (args: ReadonlyArray<string>, env: Record<string, string>, patience: number) => {
  const main = ["--conditions=effect-claude-source", "src/run/main.ts"]
  const child = spawn(process.execPath, [...main, ...args], { env })
  let stderr = ""
  let killer: NodeJS.Timeout | undefined
  child.stderr.on("data", (data) => (stderr += data))
  child.stdout.once("data", () => {
    if (Number.isFinite(patience)) killer = setTimeout(() => child.kill("SIGKILL"), patience)
  })
  const [code, signal] = await once(child, "exit")
  clearTimeout(killer)
  return { code, signal, stderr }
}
