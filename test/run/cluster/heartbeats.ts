/** Chunks on pg-boss whose process has died. Without this, a test waits 10 seconds until another process gets them. */
import { SqlClient } from "effect/sql/SqlClient"

/** As if the last heartbeat of each chunk of a job was a minute ago, so that another process takes the chunk at once. */
export const lose = (job: string) =>
  SqlClient.use(
    (sql) => sql`UPDATE effect_claude_queue.job SET heartbeat_on = heartbeat_on - INTERVAL '1 minute'
      WHERE state = 'active' AND name = (SELECT 'job-' || id FROM effect_claude_jobs WHERE name = ${job})`
  )
