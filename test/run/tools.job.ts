// A job whose rows call a tool three times in two turns. Each handler adds a line to a file.
import { Claude, Dataset, Job, Step } from "effect-claude"
import { Effect, Schema } from "effect"
import { Tool, Toolkit } from "effect/ai"
import { appendFileSync } from "node:fs"

const Mail = Schema.Struct({ id: Schema.Int, subject: Schema.String })

const { HANDLED = "handled.txt", JOB_NAME } = process.env
if (JOB_NAME !== undefined) process.stdout.write("loaded\n")

const toolkit = Toolkit.make(
  Tool.make("lookup", { parameters: Schema.Struct({ name: Schema.String }), success: Schema.String })
)

const handlers = toolkit.toLayer({
  lookup: ({ name }) =>
    Effect.andThen(
      Effect.sync(() => appendFileSync(HANDLED, `${name}\n`)),
      Effect.as(Effect.sleep("20 millis"), `${name} is known`)
    )
})

export default Job.make({
  name: JOB_NAME ?? "tools",
  source: Dataset.fromFile(Mail, "mails.jsonl"),
  key: ({ id }) => String(id),
  step: Step.make("ask", ({ subject }: typeof Mail.Type) =>
    Effect.map(Claude.generateWithTools(toolkit, `Who is ${subject}?`), ({ text }) => text)
  ),
  output: Schema.String,
  sink: "out.jsonl",
  layer: handlers
})
