// How does a job provide a service, a default model and a policy for its step? `effect-claude run` runs this file.
import { Context, Effect, Layer, Schema } from "effect"
import { Claude, Dataset, Fallback, Job, Step } from "effect-claude"

class Manuals extends Context.Service<Manuals, { readonly find: (product: string) => Effect.Effect<string> }>()(
  "example/Manuals"
) {
  static readonly layer = Layer.succeed(Manuals, { find: (product) => Effect.succeed(`The ${product} has a button.`) })
}

const Mail = Schema.Struct({ id: Schema.Int, product: Schema.String, text: Schema.String })

const mails = [
  { id: 1, product: "kettle", text: "It does not switch off." },
  { id: 2, product: "lamp", text: "It does not switch on." }
]

const research = Step.make("research", ({ product, text }: typeof Mail.Type) =>
  Manuals.use((manuals) => Effect.map(manuals.find(product), (manual) => ({ manual, text })))
)
const answer = Step.text(
  "answer",
  ({ manual, text }: { readonly manual: string; readonly text: string }) =>
    `A customer writes: ${text} ${manual} Answer in one sentence.`
)

export default Job.make({
  name: "answers",
  source: Dataset.fromIterable("mails", Mail, mails),
  key: ({ id }) => String(id),
  step: research.pipe(Step.andThen(answer)),
  output: Schema.String,
  sink: "out/answers.jsonl",
  // Without `Manuals.layer` this job does not compile.
  layer: Layer.mergeAll(
    Manuals.layer,
    Layer.succeed(Claude.Defaults, { model: "claude-haiku-5-5", max_tokens: 500 }),
    Job.claude.pipe(Fallback.policy([{ model: "claude-sonnet-5-5" }]))
  )
})
