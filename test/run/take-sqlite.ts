// A process that opens the SQLite file named on its command line, as often as is said there, and leaves it without a
// row, so that it is removed again. It marks what it has open with a file that only one can make, and says whether it had
// the file at all, how often another one had made that, and what failed in another way than that the file is in use.
import { closeSync, openSync, rmSync } from "node:fs"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Sqlite from "../../src/run/Sqlite.ts"

const [path = "", times = "0"] = process.argv.slice(2)

let takes = 0
let clashes = 0

const mark = Effect.acquireRelease(
  Effect.try({ try: () => closeSync(openSync(`${path}.mark`, "wx")), catch: () => clashes++ }),
  () => Effect.sync(() => rmSync(`${path}.mark`))
)

const take = Layer.build(Sqlite.layer({ path })).pipe(
  Effect.andThen(Effect.ignore(mark)),
  Effect.andThen(Effect.sync(() => takes++)),
  Effect.scoped,
  Effect.catchTag("SqliteInUse", () => Effect.void)
)

Effect.repeat(take, { times: Number(times) }).pipe(
  Effect.match({
    onFailure: ({ code, message }) => `${code} ${message}`,
    onSuccess: () => `${takes > 0 ? "some" : "no"} takes, ${clashes} clashes`
  }),
  Effect.flatMap(Console.log),
  NodeRuntime.runMain
)
