/**
 * The emulator of a scenario: its address, how many calls it has billed by when, and which calls were billed twice.
 */
import { type Cleanup, start, until } from "./Commands.ts"

export interface Emulated {
  readonly port: number
  readonly url: string
  /** The number of billed calls, whenever it changed. */
  readonly samples: ReadonlyArray<{ readonly at: number; readonly billed: number; readonly refused: number }>
  /** When calls were sent, and from which address. */
  readonly requests: ReadonlyArray<{ readonly at: number; readonly from: string }>
  /** How many calls were refused with 429. */
  readonly refused: () => number
  readonly billed: () => number
  /** The billed calls, and how many of them are different. */
  readonly ledger: () => Promise<{ readonly billed: number; readonly different: number }>
}

/** Starts an emulator. */
export const make = async (cleanup: Cleanup, env: Readonly<Record<string, string>> = {}): Promise<Emulated> => {
  const samples: Array<{ readonly at: number; readonly billed: number; readonly refused: number }> = []
  const requests: Array<{ readonly at: number; readonly from: string }> = []
  let url = ""
  const script = new URL("emulatorProcess.ts", import.meta.url).pathname
  const running = start(process.execPath, ["--conditions=effect-claude-source", script], {
    env: { ...process.env, ...env },
    onLine: ({ at, text }) => {
      if (text.startsWith("from ")) return void requests.push({ at, from: text.slice(5).replace("::ffff:", "") })
      const [billed, refused] = text.split(" ").map(Number)
      if (billed !== undefined && refused !== undefined) samples.push({ at, billed, refused })
      else if (url === "") url = text
    }
  })
  cleanup.add(() => running.stop("SIGKILL"))
  await until("the emulator listens", () => url !== "")
  const port = Number(new URL(url).port)
  const local = `http://127.0.0.1:${port}`
  return {
    port,
    url: local,
    samples,
    requests,
    refused: () => samples.at(-1)?.refused ?? 0,
    billed: () => samples.at(-1)?.billed ?? 0,
    ledger: async () => {
      const { calls } = await (await fetch(`${local}/__ledger`)).json()
      const hashes = new Set(calls.map(({ requestHash }: { readonly requestHash: string }) => requestHash))
      return { billed: calls.length, different: hashes.size }
    }
  }
}
