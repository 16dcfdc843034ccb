/**
 * `npm run bench -- cluster [PART…] [--latency MS] [--in-flight N] [--flag=--queue=redis://…]` measures a job of two calls a
 * row on several workers, on one machine, against a lean API server and a PostgreSQL server of the bench.
 *
 * `speed`: rows a second, CPU time and commits a row, with 1, 2 and 4 workers. `submission`: rows a second and memory, and
 * the memory of the process that watches. `failover`, `late`, `drain`: how long it takes others to notice a killed worker, a
 * new worker to begin, and a worker to leave. `frozen`: calls that a frozen worker pays twice, with and without the fence.
 * `dispatchers`: both queues of chunks alone. `beside`: a job of 100 rows alone, and beside one of 20,000 on the same two
 * workers, with a quarter of the calls in flight. With `--flag=--queue=redis://…`, the other parts use the queue on Redis.
 * All processes share the CPUs of the machine: where it is busy, more latency or fewer calls in flight show more.
 */
import { parseArgs } from "node:util"
import * as Beside from "./cluster/beside.ts"
import * as Dispatchers from "./cluster/dispatchers.ts"
import * as Events from "./cluster/events.ts"
import * as Speed from "./cluster/speed.ts"
import * as Submission from "./cluster/submission.ts"
import * as World from "./cluster/world.ts"

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    latency: { type: "string", default: "300" },
    "in-flight": { type: "string", default: "128" },
    flag: { type: "string", multiple: true, default: [] },
    rows: { type: "string", multiple: true, default: ["10000", "100000", "1000000"] },
    chunks: { type: "string", default: "10000" },
    times: { type: "string", default: "5" }
  }
})
const chosen = positionals.slice(1)
const latency = Number(values.latency)
const inFlight = Number(values["in-flight"])
const times = Number(values.times)

const parts: Record<string, (world: World.World) => Promise<void>> = {
  speed: (world) => Speed.run(world, { inFlight, latency }),
  submission: (world) => Submission.run(world, values.rows.map(Number)),
  failover: (world) => Events.failover(world, times),
  late: (world) => Events.late(world, times),
  drain: (world) => Events.drain(world, times),
  frozen: Events.frozen,
  dispatchers: (world) => Dispatchers.run(world, Number(values.chunks)),
  beside: (world) => Beside.run(world, { inFlight: inFlight / 4 })
}
const unknown = chosen.filter((name) => !(name in parts))
if (unknown.length > 0) throw new Error(`no part ${unknown.join(", ")}; the parts are ${Object.keys(parts).join(", ")}`)

const world = await World.make({ latency, inFlight, flags: values.flag })
try {
  for (const [name, run] of Object.entries(parts)) {
    if (chosen.length > 0 && !chosen.includes(name)) continue
    const began = performance.now()
    world.tell({ ask: "reset" })
    await run(world)
    await world.clear()
    console.log(`(${name}: ${((performance.now() - began) / 1000).toFixed(0)} s)`)
  }
} finally {
  await world.stop()
}
