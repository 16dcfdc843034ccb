// Two calls a row. The second prompt needs the answer to the first.
import { Dataset, Job, Step } from "../../src/index.ts"
import { Schema } from "effect"

const { BENCH_INPUT = "rows.jsonl", BENCH_JOB = "bench" } = process.env
const Row = Schema.Struct({ id: Schema.String, question: Schema.String })

export default Job.make({
  name: BENCH_JOB,
  source: Dataset.fromFile(Row, BENCH_INPUT),
  key: ({ id }) => id,
  step: Step.text("first", ({ id, question }: typeof Row.Type) => `first (${id}): ${question}`).pipe(
    Step.andThen(Step.text("second", (answer) => `second: ${answer}`))
  ),
  output: Schema.String,
  sink: "out.jsonl"
})
