/**
 * The flags of commands that make a job of a prompt, without a job file.
 */
import type * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { fileArgument, positive, text } from "./Flags.ts"

export const maxTokens = positive("max-tokens", "The most tokens of an answer; 4096 by default").pipe(Flag.optional)

export const flags = {
  data: fileArgument("data", "The file with the rows"),
  prompt: Flag.String("prompt").pipe(
    Flag.withDescription(
      "The prompt, with {{column}} where a value goes, {{column?}} where rows may lack it, and \\{{ for braces that are " +
        "text; @file reads it from a file, @- from stdin"
    )
  ),
  system: text("system", "The system prompt, in the same form"),
  file: Flag.String("file").pipe(
    Flag.withDescription(
      "A column with the path, from the folder of the data, or the address of an image, a PDF or a text, which comes " +
        "before the prompt; column? where rows may have none; may be repeated"
    ),
    Flag.atLeast(0)
  ),
  fields: text(
    "fields",
    'The fields of a result: "product, urgency (how soon they need help): low|high, score: 1..5, tags: string[], note: ' +
      'string?, since: date"; types are string, number, integer, boolean and date'
  ),
  schema: text("schema", "The fields of a result, as a JSON Schema: @file"),
  maxTokens,
  key: text("key", "The column that identifies a row; by default a hash of the whole row"),
  name: text("name", "The name of the job in its state; by default that of the output")
}

/** The values of the flags. */
export type MapFlags = Command.Command.Config.Infer<typeof flags>
