/**
 * All scenarios, by name.
 */
import type { Cleanup } from "./Commands.ts"
import * as clocks from "./scenarios/clocks.ts"
import * as connections from "./scenarios/connections.ts"
import * as disk from "./scenarios/disk.ts"
import * as failover from "./scenarios/failover.ts"
import * as freeze from "./scenarios/freeze.ts"
import * as kills from "./scenarios/kills.ts"
import * as network from "./scenarios/network.ts"
import * as redis from "./scenarios/redis.ts"
import * as restart from "./scenarios/restart.ts"
import * as roles from "./scenarios/roles.ts"

/** A failure of the platform, tried on a job. */
export interface Scenario {
  readonly about: string
  /** Returns whether everything was as it should be. */
  readonly run: (cleanup: Cleanup) => Promise<boolean>
}

export const scenarios: Readonly<Record<string, Scenario>> = {
  ...kills,
  ...restart,
  ...failover,
  ...network,
  ...freeze,
  ...clocks,
  ...disk,
  ...connections,
  ...roles,
  ...redis
}
