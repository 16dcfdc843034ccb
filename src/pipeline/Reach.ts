/**
 * Notices that no call of a run has reached the host for some time. `Retry` gives up a call after some repeats, but where
 * each attempt takes long, such as without name servers, all calls of a run would make them first, taking turns.
 */
import type * as Clock from "effect/Clock"
import type { ClaudeError } from "../claude/ClaudeError.ts"
import * as Timer from "../claude/Timer.ts"
import { isUnreachable } from "../claude/Unreachable.ts"

/** After this time, in milliseconds, and this many attempts, the host counts as unreachable. */
const longest = 30_000
const least = 16

export interface Reach {
  /** An attempt has failed. Whether the host counts as unreachable now. */
  readonly failed: (error: ClaudeError) => boolean
  /** An attempt has been answered. */
  readonly answered: () => void
}

/** Starts without an attempt. */
export const make = (clock: Clock.Clock): Reach => {
  let since: number | undefined
  let failures = 0
  const answered = () => {
    since = undefined
    failures = 0
  }
  return {
    answered,
    failed: (error) => {
      if (!isUnreachable(error)) {
        answered()
        return false
      }
      const now = Timer.now(clock)
      since ??= now
      failures += 1
      return failures >= least && now - since >= longest
    }
  }
}
