/**
 * The flags that score the answers of `map` against a column of the input.
 */
import type * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Schema from "effect/Schema"
import { text } from "./Flags.ts"
import { amount } from "./RunFlags.ts"

export const flags = {
  expected: text(
    "expected",
    'The columns with the expected values: "label" for the field of the same name, "urgency=priority" for another, and ' +
      "several with commas between them"
  ),
  scorer: Flag.Literals("scorer", ["exact", "includes", "numeric", "fields", "judge"]).pipe(
    Flag.withDescription(
      "How an answer is compared: as text, without case, white space and closing punctuation (exact); whether it contains " +
        "the text (includes); by its last number (numeric); each field by its type (fields, the default); by a model (judge)"
    ),
    Flag.optional
  ),
  tolerance: Flag.Finite("tolerance").pipe(
    Flag.withDescription("The largest difference that --scorer numeric takes as equal; 0 by default"),
    Flag.withSchema(Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))),
    Flag.optional
  ),
  rubric: text("rubric", "What a good answer is, for --scorer judge; @file reads it from a file"),
  judgeModel: text("judge-model", "The model of --scorer judge; by default the model of the answers"),
  judgeBudget: amount(
    "judge-budget",
    'Spend at most this part of --budget on the judge in a run: "1 USD"; further rows stay unscored'
  )
}

/** The values of the flags. */
export type ScoreFlags = Command.Command.Config.Infer<typeof flags>

/** What a run needs of them. */
export type JudgeFlags = Partial<Pick<ScoreFlags, "judgeBudget">>
