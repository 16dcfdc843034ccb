/**
 * `npm run platform -- NAME|all`: makes a part of the platform fail while workers run a job, and checks what became of the
 * job. It starts its own servers. Some scenarios need root, network namespaces and packages of Debian; each says which.
 * `ROWS` and `WORKERS` make it long.
 */
import { Cleanup } from "./Commands.ts"
import { say } from "./World.ts"
import { scenarios } from "./scenarios.ts"

const names = process.argv.slice(2).flatMap((name) => (name === "all" ? Object.keys(scenarios) : [name]))
if (names.length === 0) say(`name scenarios, or all: ${Object.keys(scenarios).join(", ")}`)

let failed = 0
for (const name of names) {
  const scenario = scenarios[name]
  if (scenario === undefined) {
    say(`there is no scenario ${name}: ${Object.keys(scenarios).join(", ")}`)
    process.exit(2)
  }
  say(`${name}: ${scenario.about}`)
  const cleanup = new Cleanup()
  const isGood = await scenario.run(cleanup).catch((error: unknown) => {
    say(`  PROBLEM: ${error instanceof Error ? error.stack : String(error)}`)
    return false
  })
  await cleanup.run()
  say(`${name}: ${isGood ? "as it should be" : "NOT as it should be"}\n`)
  if (!isGood) failed += 1
}
process.exit(failed === 0 ? 0 : 1)
