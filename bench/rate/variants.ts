/**
 * How servers differ from the documentation of the API, and how accounts differ from each other.
 */
import type { Variant } from "./standIn.ts"

export const variants: Readonly<Record<string, Partial<Variant>>> = {
  "as documented": {},
  "burst of 1 s": { burst: 1 },
  "fixed minutes": { refill: "minutely" },
  "bare refusals": { headers: "answers", retryAfter: false },
  "no headers": { headers: "none" },
  "nothing said": { headers: "none", retryAfter: false },
  "headers 5 s old": { stale: 5 },
  "calls of 0.2 s": { latency: [200, 0] },
  "calls of 20 s": { latency: [20_000, 0] },
  "first tier": { limits: { requests: 50, input: 30_000, output: 8000 } },
  "half is foreign": { foreign: 0.5 },
  "halved, doubled": {
    changes: [
      { at: 600, factor: 0.5 },
      { at: 1200, factor: 2 }
    ]
  }
}
