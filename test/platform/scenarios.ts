/**
 * All scenarios, by name.
 */
import type { Cleanup } from "./Commands.ts"
import * as kills from "./scenarios/kills.ts"
import * as restart from "./scenarios/restart.ts"
import * as network from "./scenarios/network.ts"

/** A failure of the platform, tried on a job. */
export interface Scenario {
  readonly about: string
  /** Returns whether everything was as it should be. */
  readonly run: (cleanup: Cleanup) => Promise<boolean>
}

export const scenarios: Readonly<Record<string, Scenario>> = { ...kills, ...restart, ...network }
