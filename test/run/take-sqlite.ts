// A process that opens the SQLite file named on its command line, as often as is said there, and leaves it without a
// row, so that it is removed again. It marks what it has open with a file that only one can make, and says how often
// another one had made that.
import { closeSync, openSync, rmSync } from "node:fs"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Sqlite from "../../src/run/Sqlite.ts"

const [path = "", times = "0"] = process.argv.slice(2)

let clashes = 0

const mark = Effect.acquireRelease(
  Effect.try({ try: () => closeSync(openSync(`${path}.mark`, "wx")), catch: () => clashes++ }),
  () => Effect.sync(() => rmSync(`${path}.mark`))
)

// To fail is what most do who find the file in use, or about to go.
const take = Layer.build(Sqlite.layer({ path })).pipe(Effect.andThen(mark), Effect.scoped, Effect.ignore)

Effect.repeat(take, { times: Number(times) }).pipe(
  Effect.andThen(Effect.sync(() => `${clashes} clashes`)),
  Effect.flatMap(Console.log),
  NodeRuntime.runMain
)
