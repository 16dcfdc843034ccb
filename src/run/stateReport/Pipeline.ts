/**
 * The steps of the job, drawn from their outline: steps that follow each other stand side by side with an arrow, steps that
 * run at the same time are stacked.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Cost from "../../claude/Cost.ts"
import type { Report } from "../../pipeline/Report.ts"
import * as Format from "./Format.ts"
import { type Html, html } from "./Html.ts"
import * as Section from "./Section.ts"

interface Node {
  readonly name: string
  readonly steps: Array<Node>
}

/** Reads an outline of `Step.draw`: one step a line, indented by two spaces a level. */
export const parse = (outline: string): Node => {
  const root: Node = { name: "", steps: [] }
  const parents = [root]
  for (const line of outline.split("\n").filter((line) => line.trim() !== "")) {
    const depth = Math.floor((line.length - line.trimStart().length) / 2)
    const node: Node = { name: line.trim(), steps: [] }
    const parent = parents[depth] ?? root
    parent.steps.push(node)
    parents.length = depth + 1
    parents.push(node)
  }
  return root
}

/** A sequence has the names of its steps, and adds nothing to their path; `each` adds nothing either. */
const isSequence = ({ name, steps }: Node) => steps.length > 1 && steps.map(plain).join(" → ") === plain({ name })
const isEach = ({ name, steps }: Node) => steps.length === 1 && plain({ name }).startsWith("each ")
const plain = ({ name }: Pick<Node, "name">) => name.replace(/ \(version .*\)$/, "")

type Facts = (path: ReadonlyArray<string>) => Html | undefined

const drawNode = (node: Node, path: ReadonlyArray<string>, facts: Facts): Html => {
  if (isSequence(node))
    return html`<ol>
      ${flat(node).map((step) => html`<li>${drawNode(step, path, facts)}</li>`)}
    </ol>`
  if (isEach(node)) {
    return html`<div class="group">
      <div class="facts">for each element</div>
      ${node.steps.map((step) => drawNode(step, path, facts))}
    </div>`
  }
  const inner = [...path, plain(node)]
  if (node.steps.length === 0) {
    return html`<div class="step">
      <div class="name">${node.name}</div>
      <div class="facts">${facts(inner)}</div>
    </div>`
  }
  return html`<div class="group">
    <div class="name">${node.name}</div>
    <div class="facts">at the same time ${facts(inner)}</div>
    <ul>
      ${node.steps.map((step) => html`<li>${drawNode(step, inner, facts)}</li>`)}
    </ul>
  </div>`
}

/** `a → b → c` is a sequence of a sequence. */
const flat = (node: Node): ReadonlyArray<Node> => (isSequence(node) ? node.steps.flatMap(flat) : [node])

export const draw = (report: Report): Html => {
  const { steps } = parse(report.pipeline)
  const facts: Facts = (path) => {
    const name = path.join("/")
    const found = report.money.steps.filter(({ step }) => step === name)
    if (found.length === 0) return undefined
    const calls = found.reduce((sum, { batch, direct }) => sum + batch.calls + direct.calls, 0)
    const cost = BigDecimal.sumAll(found.flatMap(({ batch, direct }) => [batch.cost, direct.cost]))
    const latency = report.latency?.steps.find(({ step }) => step === name)
    return html`${Format.counted(calls, "call")} ·
    ${Cost.format(cost)}${latency !== undefined && ` · ${Format.duration(latency.duration.p50)} median`}`
  }
  return Section.draw({
    id: "pipeline",
    title: "Pipeline",
    lead: "The steps that every row goes through, with the calls of each.",
    body:
      steps.length === 0
        ? Section.empty("The state does not name the steps.")
        : html`<div class="pipeline">${steps.map((step) => drawNode(step, [], facts))}</div>`
  })
}
