/**
 * How a run was started, in the words of its flags. The state keeps it for reports.
 */
import * as os from "node:os"
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Settings } from "../pipeline/Journal.ts"
import type { RunFlags } from "./RunFlags.ts"

/** The settings of a run that starts now, on this machine. */
export const of = (flags: RunFlags, files: Pick<Settings, "input" | "output">): Effect.Effect<Settings> =>
  Effect.sync(() => {
    const { budget, concurrency, itpm, mode, otpm, rpm } = flags
    const limits = {
      ...(Option.isSome(rpm) && { requests: rpm.value }),
      ...(Option.isSome(itpm) && { inputTokens: itpm.value }),
      ...(Option.isSome(otpm) && { outputTokens: otpm.value })
    }
    return {
      mode,
      worker: os.hostname(),
      ...files,
      ...(Option.isSome(concurrency) && { concurrency: concurrency.value }),
      ...(Option.isSome(budget) && { budget: `${BigDecimal.format(budget.value.value)} ${budget.value.unit}` }),
      ...(Object.keys(limits).length > 0 && { limits })
    }
  })
