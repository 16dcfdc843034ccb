/**
 * Scores the answers of `map`: the fields with expected values, the columns that hold them, the scorer, and the job with the
 * columns of the scores added to its results. The calls for the answers stay as they are, so another scorer pays for nothing
 * but its own calls.
 */
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import type { Provided } from "../../pipeline/Job.ts"
import * as Score from "../../pipeline/Score.ts"
import * as ScoredLine from "../../pipeline/ScoredLine.ts"
import * as Step from "../../pipeline/Step.ts"
import * as Nearest from "../Nearest.ts"
import type { ScoreFlags } from "../ScoreFlags.ts"
import type { JsonCodec } from "./FieldSchema.ts"
import * as Template from "./Template.ts"

/** The column with the expected value of each field. */
export type Expected = Readonly<Record<string, string>>

/** The fields of a schema, with whether each is in every result. */
const fieldsOf = (schema: JsonCodec): ReadonlyArray<readonly [string, boolean]> => {
  const ast = SchemaAST.toEncoded(schema.ast)
  return SchemaAST.isObjects(ast)
    ? ast.propertySignatures.map(({ name, type }) => [String(name), !SchemaAST.isOptional(type)] as const)
    : []
}

/** Reads `--expected`: columns with the names of fields, or `field=column`. */
export const parse = (text: string, schema: JsonCodec): Result.Result<Expected, string> => {
  const fields = fieldsOf(schema).map(([name]) => name)
  const expected: Record<string, string> = {}
  for (const part of text.split(",").map((part) => part.trim())) {
    const [name = "", named] = part.split("=", 2).map((side) => side.trim())
    const column = named ?? name
    if (column === "") return Result.fail('--expected: a column has no name; write "label" or "field=column"')
    const [only, ...others] = fields
    const field = named !== undefined || fields.includes(name) || others.length > 0 ? name : (only ?? name)
    if (!fields.includes(field)) {
      return Result.fail(
        `--expected: the result has no field "${field}" to compare with the column "${column}"; write field=${column}, where the ` +
          `fields are ${Nearest.named(field, fields)}`
      )
    }
    if (field in expected)
      return Result.fail(`--expected: the field "${field}" has two expected columns; leave one out`)
    expected[field] = column
  }
  return Result.succeed(expected)
}

/** How to score, in the values of the flags. */
export interface Scoring {
  readonly expected: Expected
  readonly scorer: "exact" | "includes" | "numeric" | "fields" | "judge"
  readonly tolerance: number
  readonly judge: { readonly rubric: string; readonly model?: string }
}

/** Reads the flags apart from the columns. `rubric` is the text of `--rubric`. */
export const scoringOf = (
  { judgeBudget, judgeModel, scorer, tolerance }: ScoreFlags,
  expected: Expected,
  rubric: string | undefined
): Result.Result<Scoring, string> => {
  const ofJudge = rubric !== undefined || Option.isSome(judgeModel) || Option.isSome(judgeBudget)
  const kind = Option.getOrElse(scorer, () => (ofJudge ? "judge" : Option.isSome(tolerance) ? "numeric" : "fields"))
  const isCompared = Object.keys(expected).length > 0
  if (kind !== "judge" && ofJudge) {
    return Result.fail(`--scorer ${kind} asks no judge; leave --rubric, --judge-model and --judge-budget out`)
  }
  if (kind !== "numeric" && Option.isSome(tolerance)) {
    return Result.fail(`--scorer ${kind} has no tolerance; write --scorer numeric`)
  }
  if (kind !== "judge" && !isCompared) {
    return Result.fail(`--scorer ${kind} has nothing to compare with; name the expected values: --expected column`)
  }
  if (kind === "judge" && rubric === undefined && !isCompared) {
    return Result.fail("the judge has no measure; say what a good answer is with --rubric, or name --expected columns")
  }
  return Result.succeed({
    expected,
    scorer: kind,
    tolerance: Option.getOrElse(tolerance, () => 0),
    judge: {
      rubric: rubric ?? "The answer says the same as the expected answer, in whatever words.",
      ...(Option.isSome(judgeModel) && { model: judgeModel.value })
    }
  })
}

type Output = Readonly<Record<string, unknown>>

/** Scores one field with each of the scorers that compare; `fields` goes by the type of the answer. */
const scorerOf = (
  { judge, scorer, tolerance }: Scoring,
  schema: JsonCodec
): Score.Scorer<unknown, Texts, unknown, Provided> => {
  switch (scorer) {
    case "judge":
      return Score.judge(judge)
    case "fields":
      return Score.fields(schema)
    case "exact":
      return Score.byField(Score.exact)
    case "includes":
      return Score.byField(Score.includes)
    case "numeric":
      return Score.byField(Score.numeric({ tolerance }))
  }
}

type Texts = Readonly<Record<string, string>>

/** A step with its output, that also scores it; a message if a field of the result has the name of a column of the scores. */
export const score = <E>(
  step: Step.Step<Template.Row, unknown, E, Provided>,
  output: JsonCodec,
  scoring: Scoring
): Result.Result<
  { readonly step: Step.Step<Template.Row, Output, unknown, Provided>; readonly output: Schema.Codec<Output> },
  string
> => {
  const { expected } = scoring
  const judged = scoring.scorer === "judge"
  const columns = ScoredLine.columns(Object.keys(expected), { judged })
  const fields = fieldsOf(output)
  const taken = fields.find(([name]) => name in columns)
  if (taken !== undefined) {
    return Result.fail(`the result has a field "${taken[0]}", and so have the scores; give the field another name`)
  }
  const expectedOf = (row: Template.Row): Texts =>
    Record.map(expected, (column) => Template.textOf(Option.getOrNull(Template.find(row, column))))
  const scored = Step.withInput(Score.of(step, scorerOf(scoring, output), expectedOf)).pipe(
    Step.map(({ input, output: { output, score } }): Output => ({
      ...(Predicate.isObject(output) ? output : {}),
      ...ScoredLine.values(expectedOf(input), score, { judged })
    }))
  )
  const known = fields.map(([name, isRequired]): readonly [string, JsonCodec] => [
    name,
    isRequired ? Schema.Json : Schema.optionalKey(Schema.Json)
  ])
  return Result.succeed({ step: scored, output: Schema.Struct({ ...Object.fromEntries(known), ...columns }) })
}
