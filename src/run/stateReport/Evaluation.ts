/**
 * The scores of the rows: the accuracy, also by field, and the answers that were given for each expected value.
 */
import { percent } from "../../pipeline/Evaluation.ts"
import type { Report } from "../../pipeline/Report.ts"
import * as Format from "./Format.ts"
import { type Html, html } from "./Html.ts"
import * as Section from "./Section.ts"
import * as Table from "./Table.ts"

type Evaluation = NonNullable<Report["evaluation"]>
type Accuracy = Evaluation["accuracy"]
type Confusion = NonNullable<Evaluation["fields"][number]["confusion"]>

/** Nothing where no row has a score. */
export const draw = ({ evaluation }: Report): Html | undefined =>
  evaluation &&
  Section.draw({
    id: "scores",
    title: "Scores",
    lead: `The mean score is ${meanOf(evaluation.accuracy)}. Its 95 % interval is ${intervalOf(evaluation.accuracy)}.`,
    body: html`${Table.make("Scores by field", columns, [
      { name: "All", accuracy: evaluation.accuracy },
      ...(evaluation.fields.length > 1 ? evaluation.fields : [])
    ])}
    ${evaluation.fields.map(({ confusion, name }) => confusion && matrix(name, confusion))}`
  })

const columns: ReadonlyArray<Table.Column<{ readonly name: string; readonly accuracy: Accuracy }>> = [
  { name: "Field", cell: ({ name }) => name },
  { name: "Mean", isFigure: true, cell: ({ accuracy }) => meanOf(accuracy) },
  { name: "95 % interval", isFigure: true, cell: ({ accuracy }) => intervalOf(accuracy) },
  { name: "Rows", isFigure: true, cell: ({ accuracy }) => Format.count(accuracy.scored) },
  { name: "Without a score", isFigure: true, cell: ({ accuracy }) => Format.count(accuracy.unscored) }
]

const meanOf = ({ mean }: Accuracy): string => (mean === null ? "unknown" : percent(mean))
const intervalOf = ({ lower, upper }: Accuracy): string => `${percent(lower)} to ${percent(upper)}`

const matrix = (name: string, { counts, labels }: Confusion): Html =>
  Table.make(
    `${name}: a row for each expected value, a column for each answer`,
    [
      { name: "Expected", cell: ({ label }) => label },
      ...labels.map((label, column) => ({
        name: label,
        isFigure: true,
        cell: ({ row, at }: { readonly row: ReadonlyArray<number>; readonly at: number }) =>
          at === column ? html`<strong>${Format.count(row[column] ?? 0)}</strong>` : Format.count(row[column] ?? 0)
      }))
    ],
    counts.map((row, at) => ({ label: labels[at] ?? "", row, at }))
  )
