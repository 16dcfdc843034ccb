/**
 * How servers differ from the documentation of the API, and how accounts differ from each other.
 */
import type { Variant } from "./standIn.ts"

const firstTier = { limits: { requests: 50, input: 30_000, output: 8000 } }

/** Of the emulator, which has fewer ways. The last one permits 60 calls in the first minute, and then twice as many each. */
const emulator: Readonly<Record<string, Partial<Variant>>> = {
  "as documented": {},
  "first tier": firstTier,
  accelerating: { acceleration: { requests: 60, factor: 2 } }
}

const standIn: Readonly<Record<string, Partial<Variant>>> = {
  "as documented": {},
  "burst of 1 s": { burst: 1 },
  "fixed minutes": { refill: "minutely" },
  "bare refusals": { headers: "answers", retryAfter: false },
  "no headers": { headers: "none" },
  "nothing said": { headers: "none", retryAfter: false },
  "headers 5 s old": { stale: 5 },
  "output at the start": { output: "at the start" },
  "output at the end": { output: "at the end" },
  "calls of 0.2 s": { latency: [200, 0] },
  "calls of 20 s": { latency: [20_000, 0] },
  "first tier": firstTier,
  "half is foreign": { foreign: 0.5 },
  "halved, doubled": {
    changes: [
      { at: 120, factor: 0.5 },
      { at: 360, factor: 2 }
    ]
  }
}

export const variants = { emulator, "stand-in": standIn }
