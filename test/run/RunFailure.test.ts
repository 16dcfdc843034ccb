import { assert, describe, it } from "@effect/vitest"
import { JournalFailed } from "../../src/pipeline/Journal.ts"
import { PostgresFailed } from "../../src/run/Postgres.ts"
import * as RunFailure from "../../src/run/RunFailure.ts"

describe("the exit code of a command whose database fails", () => {
  it.each([true, false])("says whether the same command may continue: %s", (mayPass) => {
    const code = mayPass ? 3 : 2
    for (const error of [
      new PostgresFailed({ place: "postgres://db:5432/jobs", detail: "the connection was refused", mayPass }),
      new JournalFailed({ detail: "the connection was closed", mayPass })
    ]) {
      assert.strictEqual(RunFailure.toExit({ output: "out.jsonl" }, "--database")(error).code, code)
    }
  })
})
