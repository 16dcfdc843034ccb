/**
 * Redis, in which the workers share their rate limits, disappears, returns empty, and is full.
 */
import { sleep } from "../Commands.ts"
import * as Postgres from "../Postgres.ts"
import * as Redis from "../Redis.ts"
import type { Scenario } from "../scenarios.ts"
import * as World from "../World.ts"

/** Requests that the API accepts in a minute. It accepts as many at once after a minute without one. */
const limit = 600

const limited =
  (fail: (redis: Redis.Server) => Promise<void>): Scenario["run"] =>
  async (cleanup) => {
    const database = await Postgres.make(cleanup)
    const redis = await Redis.make(cleanup)
    const world = await World.make(cleanup, { REQUESTS_PER_MINUTE: String(limit) })
    const submission = world.submit(database.url)
    for (let index = 0; index < world.workers; index++) world.work(database.url, { flags: ["--redis", redis.url] })
    await world.reach(0.2)
    const began = Date.now()
    await fail(redis)
    const isGood = await world.conclude(submission, [{ began, ended: Date.now(), concerned: 0 }])
    const { refused } = world.emulator
    const per1000 = (refused() * 1000) / world.emulator.billed()
    World.say(`  ${refused()} calls were refused with 429: ${per1000.toFixed(1)} of 1,000 (limit ${limit} a minute)`)
    return isGood
  }

export const redisHealthy: Scenario = {
  about: "workers share rate limits in Redis",
  run: limited(async () => undefined)
}

export const redisAway: Scenario = {
  about: "Redis is away for 30 s, and returns empty",
  run: limited(async (redis) => {
    await redis.kill()
    await sleep(30_000)
    await redis.start()
  })
}

export const redisFull: Scenario = {
  about: "Redis accepts no writes for 30 s, because its memory is full",
  run: limited(async ({ command }) => {
    await command("CONFIG", "SET", "maxmemory-policy", "noeviction")
    await command("CONFIG", "SET", "maxmemory", "1")
    await sleep(30_000)
    await command("CONFIG", "SET", "maxmemory", "0")
  })
}
