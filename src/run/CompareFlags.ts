/**
 * The flags of `compare`: the flags of `map`, with two prompts or two models.
 */
import * as Argument from "effect/cli/Argument"
import type * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Struct from "effect/Struct"
import { file, fileArgument, toggle } from "./Flags.ts"
import * as MapFlags from "./MapFlags.ts"
import * as RunFlags from "./RunFlags.ts"
import * as ScoreFlags from "./ScoreFlags.ts"

const twice = (name: string, description: string) =>
  Flag.String(name).pipe(Flag.withDescription(description), Flag.between(0, 2))

/** `compare` takes the file with the rows as one of its places. */
const mapFlags = Struct.omit(MapFlags.flags, ["data"])

export const flags = {
  places: fileArgument(
    "place",
    "Two states of finished runs, or the outputs next to them; or the file with the rows"
  ).pipe(Argument.variadic({ min: 1, max: 2 })),
  ...mapFlags,
  ...ScoreFlags.flags,
  ...RunFlags.flags,
  report: file("report", "Write the comparison as an HTML page, too"),
  texts: toggle("texts", "Include the answers of rows that differ in the page"),
  prompt: twice("prompt", "The prompt of both, or the prompt of A and then the one of B; as in map"),
  model: twice("model", "The model of both, or the model of A and then the one of B"),
  output: RunFlags.flags.output.pipe(
    Flag.withDescription("The file for the results: results.jsonl becomes results-a.jsonl and results-b.jsonl")
  )
}

/** The values of the flags. */
export type CompareFlags = Command.Command.Config.Infer<typeof flags>
