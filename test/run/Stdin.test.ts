import { spawnSync } from "node:child_process"
import { assert, describe, it } from "@effect/vitest"
import { folder, lines } from "./cli.ts"

describe("--input -", () => {
  it(
    "reads the rows of standard input in the format that they have, and again in the next run",
    { timeout: 240_000 },
    () => {
      const { output } = folder(0)
      const first = run(output, "id,subject\n1,one\n2\n", "--limit", "1")
      assert.match(first.stdout, /^1 of 2 rows are done/, first.stderr)
      assert.match(first.stdout, /stdin line 3: record 3 has 1 cell, and the header 2;/)
      const second = run(output, `[{"id":1,"subject":"one"},{"id":2,"subject":"two"}]`)
      assert.match(second.stdout, /^2 of 2 rows are done/, second.stderr)
      assert.deepStrictEqual(
        lines(output).map(({ key }) => key),
        ["1", "2"]
      )
    }
  )
})

function run(output: string, input: string, ...flags: ReadonlyArray<string>) {
  const args = ["run", "test/run/mails.job.ts", "--input", "-", "--output", output, "--emulator", ...flags]
  const main = ["--conditions=effect-claude-source", "src/run/main.ts"]
  return spawnSync(process.execPath, [...main, ...args], { input, encoding: "utf8" })
}
