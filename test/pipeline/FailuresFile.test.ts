import { assert, it } from "@effect/vitest"
import * as FailuresFile from "../../src/pipeline/FailuresFile.ts"

it("the file of failures is next to the output, with its ending", () => {
  assert.strictEqual(FailuresFile.pathOf("out/results.jsonl"), "out/results.failures.jsonl")
  assert.strictEqual(FailuresFile.pathOf("v1.2/results"), "v1.2/results.failures")
  assert.strictEqual(FailuresFile.pathOf("out/results.csv.gz"), "out/results.failures.csv.gz")
})
