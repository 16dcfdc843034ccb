import { execFileSync } from "node:child_process"
import { assert, describe, it } from "@effect/vitest"

describe("limit", () => {
  it("bounds the young generation of a process that allocates much", () => {
    assert.isAtMost(youngAfter("limit()"), 20e6)
    assert.isAtLeast(youngAfter(""), 30e6)
  })
})

/** The bytes of the young generation in a process that allocates, after `start`. */
const youngAfter = (start: string) => {
  const script = `
    import { limit } from ${JSON.stringify(new URL("../../src/run/Heap.ts", import.meta.url).href)}
    import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8"
    ${start === "" ? 'setFlagsFromString("--semi-space-growth-factor=2")' : start}
    let kept = []
    for (let round = 0; round < 300; round++) {
      kept = [...kept.slice(-100), Array.from({ length: 10_000 }, (_, index) => ({ index }))]
      await new Promise((resolve) => setImmediate(resolve))
    }
    console.log(getHeapSpaceStatistics().find((space) => space.space_name === "new_space").space_size)
  `
  const flags = ["--semi-space-growth-factor=1", "--input-type=module-typescript"]
  return Number(execFileSync(process.execPath, [...flags, "--eval", script], { encoding: "utf8", timeout: 30_000 }))
}
