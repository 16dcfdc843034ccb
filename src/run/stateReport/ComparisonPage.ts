/**
 * The result of `compare` as one HTML page: which of the two is better, by how much, and at which cost. The answers of rows
 * that differ are in it only by choice.
 */
import * as BigDecimal from "effect/BigDecimal"
import type * as Schema from "effect/Schema"
import * as Redact from "../../claude/Redact.ts"
import * as Comparison from "../../pipeline/Comparison.ts"
import { type Accuracy, percent } from "../../pipeline/Evaluation.ts"
import type { Compared, Side } from "../CompareReport.ts"
import * as Document from "./Document.ts"
import * as Format from "./Format.ts"
import { type Html, html, type Value } from "./Html.ts"
import * as Section from "./Section.ts"
import * as Table from "./Table.ts"
import * as Tile from "./Tile.ts"

/** How to draw a comparison. */
export interface Options {
  /** An ISO date. */
  readonly made: string
  /** Whether the page has the answers and the expected values of rows that differ. */
  readonly texts: boolean
}

export const draw = (compared: Compared, options: Options): string => {
  const { comparison } = compared
  const sections = [
    ["sides", "Side by side", sides(compared)],
    ["difference", "Difference", comparison.scores && difference(comparison.scores)],
    ["agreement", "Agreement", agreement(comparison)],
    ["examples", "Rows that differ", examples(comparison, options)]
  ] as const
  const present = sections.filter(([, , section]) => section !== undefined)
  return Document.draw({
    title: "Comparison of A and B",
    header: overview(compared, options),
    parts: present.map(([id, title]) => [id, title] as const),
    body: present.map(([, , section]) => section),
    footer: html`${isEmulated(compared) && "An emulator answered, not Claude. "}Made by effect-claude. This file holds
    no answer unless it was made with texts.`
  })
}

const isEmulated = ({ a, b }: Compared) => a.emulated === true || b.emulated === true

const overview = (compared: Compared, { made }: Options): Html => {
  const { a, b, comparison } = compared
  const { agreement, rows, scores } = comparison
  return html` <header>
    <p class="eyebrow">Comparison</p>
    <h1>${titleOf(scores)}</h1>
    <p class="lead">${sentence(Comparison.verdict(comparison))}</p>
    <dl class="names">
      <dt>A</dt>
      <dd>${Redact.redact(a.name)}</dd>
      <dt>B</dt>
      <dd>${Redact.redact(b.name)}</dd>
    </dl>
    ${
      isEmulated(compared) &&
      html`<p class="note" role="note">
        <strong>An emulator answered, not Claude.</strong> The scores mean nothing, and nothing was billed.
      </p>`
    }
    <dl class="tiles">
      ${Tile.draw("Rows compared", Format.count(rows), leftOut(comparison))}
      ${Tile.draw("Same answer", percent(rows === 0 ? 0 : agreement.same / rows), `on ${Format.counted(agreement.same, "row")}`)}
      ${scores && Tile.draw("B against A", `${points(scores.difference.mean)} points`, intervalOf(scores.difference))}
      ${scores && Tile.draw("McNemar’s test", `p = ${Comparison.pText(scores.p)}`, "below 0.05, chance is unlikely")}
    </dl>
    <p class="eyebrow">Made ${Format.date(made)} UTC. All costs are US dollars.</p>
  </header>`
}

const titleOf = (scores: Comparison.Scores | undefined): string => {
  if (scores === undefined) return "A and B"
  return scores.winner === null ? "No difference shown" : `${scores.winner.toUpperCase()} is better`
}

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`

const leftOut = ({ onlyA, onlyB }: Comparison.Comparison): string =>
  onlyA + onlyB === 0
    ? "that both have finished"
    : `left out: ${Format.count(onlyA)} that only A has finished, ${Format.count(onlyB)} that only B has`

/** A difference of shares in points of a hundred, with its sign. */
const points = (difference: number): string => (difference > 0 ? "+" : "") + (difference * 100).toFixed(1)

const intervalOf = ({ lower, upper }: Comparison.Scores["difference"]): string =>
  `95 % interval ${points(lower)} to ${points(upper)}`

/** A line of the table of both. */
interface Measure {
  readonly name: string
  readonly a: Value
  readonly b: Value
}

const ofBoth: ReadonlyArray<Table.Column<Measure>> = [
  { name: "Measure", cell: ({ name }) => name },
  { name: "A", isFigure: true, cell: ({ a }) => a },
  { name: "B", isFigure: true, cell: ({ b }) => b }
]

const sides = ({ a, b, comparison: { scores } }: Compared): Html => {
  const measure = (name: string, of: (side: Side) => Value): Measure => ({ name, a: of(a), b: of(b) })
  const ofScores = (name: string, of: (accuracy: Accuracy) => string): ReadonlyArray<Measure> =>
    scores === undefined ? [] : [{ name, a: of(scores.a), b: of(scores.b) }]
  const hasJudge = !BigDecimal.isZero(a.judgeCost) || !BigDecimal.isZero(b.judgeCost)
  return Section.draw({
    id: "sides",
    title: "Side by side",
    lead: "Rows, scores, cost and latency of both. The cost is that of all runs, without the calls of a judge.",
    body: Table.make("A and B", ofBoth, [
      measure("Rows done", ({ done }) => Format.count(done)),
      measure("Rows failed", ({ failed }) => Format.count(failed)),
      measure("Rows pending", ({ pending }) => Format.count(pending)),
      ...ofScores("Accuracy", ({ mean }) => percent(mean ?? 0)),
      // In two lines, which fit a phone.
      ...ofScores("From (95 % interval)", ({ lower }) => percent(lower)),
      ...ofScores("To", ({ upper }) => percent(upper)),
      measure("Cost", Format.cost),
      ...(hasJudge ? [measure("Cost of the judge", ({ judgeCost }) => Format.dollars(judgeCost))] : []),
      measure("Half of the calls within", ({ latency }) => (latency === null ? "–" : Format.duration(latency.p50))),
      measure("95 % of the calls within", ({ latency }) => (latency === null ? "–" : Format.duration(latency.p95)))
    ])
  })
}

const difference = ({ aBetter, bBetter, detectable, difference, p, rows, ties }: Comparison.Scores): Html =>
  Section.draw({
    id: "difference",
    title: "Difference",
    lead: `There is a winner if McNemar’s exact test gives p < 0.05 and the interval of the difference excludes zero. With ${Format.counted(rows, "row")}, differences under about ${(detectable * 100).toFixed(1)} points go unnoticed.`,
    body: Table.make<readonly [string, string]>(
      "Scores of the same rows",
      [
        { name: "Measure", cell: ([name]) => name },
        { name: "Value", isFigure: true, cell: ([, value]) => value }
      ],
      [
        ["Rows on which A is better", Format.count(aBetter)],
        ["Rows on which B is better", Format.count(bBetter)],
        ["Rows with equal scores", Format.count(ties)],
        ["Accuracy of B minus that of A, in points", points(difference.mean)],
        ["Its 95 % interval (paired bootstrap)", `${points(difference.lower)} to ${points(difference.upper)}`],
        ["p of McNemar’s exact test", Comparison.pText(p)]
      ]
    )
  })

const agreement = ({ agreement, fields, rows }: Comparison.Comparison): Html =>
  Section.draw({
    id: "agreement",
    title: "Agreement",
    lead:
      rows === 0
        ? "No row is finished in both."
        : `The answers are the same on ${Format.count(agreement.same)} of ${Format.counted(rows, "row")}: ${percent(agreement.same / rows)}, 95 % interval ${percent(agreement.lower)} to ${percent(agreement.upper)}.`,
    body:
      fields.length === 0
        ? Section.empty("No field differs on any row.")
        : Table.make(
            "Same answers by field; a field that never differs is left out",
            [
              { name: "Field", cell: ({ name }) => name },
              { name: "Same", isFigure: true, cell: ({ same }) => Format.count(same) },
              { name: "Share", isFigure: true, cell: ({ same }) => percent(same / rows) }
            ],
            fields
          )
  })

const examples = ({ examples }: Comparison.Comparison, { texts }: Options): Html => {
  const valuesOf = (values: Readonly<Record<string, Schema.Json>>): Value =>
    Object.entries(values).map(([name, value]) => html`<div>${name}: ${Redact.redact(JSON.stringify(value))}</div>`)
  return Section.draw({
    id: "examples",
    title: "Rows that differ",
    lead: "Some of the rows with different answers: those on which one has the higher score first.",
    body:
      examples.length === 0
        ? Section.empty("No row has different answers.")
        : Table.make<Comparison.Example>(
            texts ? "Answers of rows that differ" : "Rows that differ; --texts shows their answers",
            [
              { name: "Row", cell: ({ key }) => Redact.redact(key) },
              { name: "Better", cell: ({ better }) => (better === null ? "–" : better.toUpperCase()) },
              ...(texts
                ? [
                    { name: "A", cell: ({ a }: Comparison.Example) => valuesOf(a) },
                    { name: "B", cell: ({ b }: Comparison.Example) => valuesOf(b) },
                    { name: "Expected", cell: ({ expected }: Comparison.Example) => valuesOf(expected) }
                  ]
                : [{ name: "Fields", cell: ({ a, b }: Comparison.Example) => Object.keys({ ...a, ...b }).join(", ") }])
            ],
            examples
          )
  })
}
