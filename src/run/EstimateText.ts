/**
 * An estimate as text, for `estimate` and for the question before a run, and as JSON. Money is rounded to the nearest
 * value, and a range follows each expected amount.
 */
import * as BigDecimal from "effect/BigDecimal"
import type * as Redact from "../claude/Redact.ts"
import type { Request } from "../claude/Request.ts"
import type { FirstRequest, Proposal } from "../pipeline/Confirm.ts"
import * as Estimate from "../pipeline/Estimate.ts"
import * as Dollars from "../claude/Dollars.ts"
import * as PromptBlocks from "../claude/PromptBlocks.ts"
import * as Progress from "../pipeline/Progress.ts"
import * as DurationText from "./DurationText.ts"

/** How the flags send the calls. */
export interface Sending {
  readonly mode: "direct" | "batches"
  /** Whether the prompt cache is used. */
  readonly isCached: boolean
}

/** The cost that these flags lead to; undefined if a model has no known price. */
export const costOf = (
  { cachedCost, cost }: Estimate.Estimate,
  { isCached, mode }: Sending
): Estimate.Range | undefined => (isCached ? cachedCost : cost)[mode]

/** The whole estimate. */
export const toText = (proposal: Proposal, sending: Sending, redact: Redact.Redact): string => {
  const { estimate, job, requests } = proposal
  const { rows, sampled } = estimate
  const basis = sampled < rows ? `, from a random sample of ${counted(sampled, "row", "rows")}` : ""
  return [
    `${job}: ${counted(rows, "row", "rows")} to run${basis}. Nothing was sent.`,
    ...lines(proposal, sending),
    ...(estimate.steps.length > 1 ? ["", "By step, direct and without the prompt cache:", ...steps(estimate)] : []),
    ...(requests.length > 0 ? ["", "The requests of the first rows:"] : []),
    ...requests.flatMap((request) => requestLines(request, redact))
  ].join("\n")
}

/** The question before a run, without the requests. */
export const toQuestion = (proposal: Proposal, sending: Sending): string =>
  [
    `${proposal.job}: this run has ${counted(proposal.estimate.rows, "row", "rows")}.`,
    ...lines(proposal, sending)
  ].join("\n")

/** For programs: tokens and US dollars as numbers, time in seconds, and the text of the first requests. */
export const toJson = ({ requests, ...proposal }: Proposal, sending: Sending, redact: Redact.Redact): string =>
  JSON.stringify({
    ...proposal,
    expectedRange: costOf(proposal.estimate, sending) ?? null,
    requests: requests.map((request) => ({
      key: redact(request.key),
      path: request.path,
      text: requestLines(request, redact).join("\n")
    }))
  })

const { counted } = Progress

const lines = (
  { emulated, endsAtTools, estimate, invalid, isPartial, problems }: Proposal,
  sending: Sending
): ReadonlyArray<string> => {
  const { calls, inputTokens, mayIterate, outputTokens, unpriced } = estimate
  return [
    `calls       ${count(calls)}`,
    `tokens in   ${count(inputTokens)}${inputBasis(emulated)[estimate.inputBasis]}`,
    `tokens out  ${count(outputTokens)}${outputBasis(emulated)[estimate.outputBasis]}`,
    ...costs(estimate, sending),
    `time        ${time(estimate.time, sending)}`,
    unpriced.length > 0 && `No price is known for ${unpriced.join(", ")}, so there is no cost.`,
    invalid.invalid > 0 &&
      [
        `${counted(invalid.invalid, "row is invalid and does", "rows are invalid and do")} not run:`,
        ...invalid.problems.slice(0, maxInvalid).map((problem) => `  ${problem}`)
      ].join("\n"),
    emulated === "ignored" &&
      "An emulator answered the finished rows. Claude's answers differ, so the estimate does not use them.",
    isPartial &&
      "Only the first calls of each row are counted: the step uses services of the job, which must not get made-up answers.",
    endsAtTools &&
      "The calls after a tool are not counted, so a run costs more: an estimate runs no handlers of tools. `estimate --measure 20` runs 20 rows to find out.",
    mayIterate && "With tools of the server, the API reads a prompt several times within a call; that is not counted.",
    problems.length > 0 &&
      `${counted(problems.length, "sampled row", "sampled rows")} did not reach the end, so later calls are missing: ${problems[0]}`
  ].filter((line) => line !== false)
}

/** Invalid rows whose messages are shown. */
const maxInvalid = 3

const inputBasis = (emulated: Proposal["emulated"]) => {
  const counted = `as ${emulated === "used" ? "an emulator" : "the API"} counted for this job`
  return {
    assumed: " estimated from the length of the prompts; --count-tokens lets the API count a sample, free of charge",
    measured: ` ${counted}`,
    both: ` in part ${counted}`
  }
}

const outputBasis = (emulated: Proposal["emulated"]) => ({
  assumed:
    ` assumed: an answer by a schema as long as a made-up one, any other a quarter of max_tokens, at most ` +
    `${Estimate.assumedText}; \`estimate --measure 20\` runs 20 rows to find out`,
  measured: ` as in finished rows${answeredBy(emulated)}`,
  both: ` in part as in finished rows${answeredBy(emulated)}`
})

const answeredBy = (emulated: Proposal["emulated"]) => (emulated === "used" ? ", which an emulator answered" : "")

/** The cost of this run first, then what other flags would lead to. */
const costs = (estimate: Estimate.Estimate, sending: Sending): ReadonlyArray<string> => {
  const cost = costOf(estimate, sending)
  if (cost === undefined) return []
  const { most } = estimate
  const upTo = most === undefined || sending.mode === "batches" ? "" : `; ${money(most)} if every answer has max_tokens`
  const others = ([false, true] as const)
    .flatMap((isCached) => (["direct", "batches"] as const).map((mode) => ({ isCached, mode })))
    .filter(({ isCached, mode }) => isCached !== sending.isCached || mode !== sending.mode)
    .filter(({ isCached }) => !isCached || estimate.cacheReadTokens > 0)
    .map((other) => `            ${dollars(costOf(estimate, other))} ${nameOf(other)}`)
  const cached =
    estimate.cacheReadTokens > 0
      ? []
      : ["            The prompt cache saves nothing: sampled prompts share no prefix that is long enough."]
  return [`cost        ${dollars(cost)} ${nameOf(sending)}${upTo}`, ...others, ...cached]
}

const nameOf = ({ isCached, mode }: Sending) =>
  `${mode === "direct" ? "direct" : "as Message Batches"}${isCached ? ", with the prompt cache" : ""}`

const time = ({ atConcurrency, atLimits, concurrency, latencyBasis }: Estimate.Time, { mode }: Sending): string => {
  if (mode === "batches") return "within 24 hours; most batches end within one"
  const { firstToken, tokensPerSecond } = Estimate.assumedLatency
  const assumed = `if an answer takes ${firstToken} s and 1 s for each ${tokensPerSecond} tokens`
  const latency = {
    assumed,
    measured: "if answers take as long as in finished rows",
    both: `if answers take as long as in finished rows, and answers of other steps ${firstToken} s and 1 s for each ${tokensPerSecond} tokens`
  }
  const limits =
    atLimits === undefined
      ? "the rate limits are not known: --rpm, --itpm and --otpm state them"
      : `${duration(atLimits)} at the rate limits`
  return `${duration(atConcurrency)} with ${counted(concurrency, "call", "calls")} in flight, ${latency[latencyBasis]}; ${limits}`
}

const steps = ({ steps }: Estimate.Estimate): ReadonlyArray<string> =>
  steps.map(({ calls, cost, inputTokens, models, outputTokens, path }) =>
    [
      `  ${path === "" ? "outside of steps" : path}`,
      models.join(", "),
      `${number(calls)} calls`,
      `${number(inputTokens)} tokens in`,
      `${number(outputTokens)} out`,
      cost === undefined ? "no known price" : money(cost)
    ].join(" · ")
  )

/** The characters of a text to show. */
const maxCharacters = 800

const requestLines = ({ key, path, request }: FirstRequest, redact: Redact.Redact): ReadonlyArray<string> => {
  const { max_tokens, messages, model, output_config, output_format, system, tools = [] } = request
  const format = output_config?.format ?? output_format
  const settings = [
    model,
    `max_tokens ${max_tokens}`,
    format !== undefined && format !== null && "structured output",
    tools.length > 0 && counted(tools.length, "tool", "tools")
  ]
  return [
    `── row "${redact(key)}"${path === "" ? "" : `, step ${path}`}: ${settings.filter((part) => part !== false).join(", ")}`,
    ...(system === undefined ? [] : [`system: ${text(system, redact)}`]),
    ...messages.map(({ content, role }) => `${role}: ${text(content, redact)}`)
  ]
}

const text = (content: Request["system"] | Request["messages"][number]["content"], redact: Redact.Redact): string => {
  const blocks: ReadonlyArray<object> = PromptBlocks.contentOf<object>(content)
  const whole = redact(blocks.map(blockText).join("\n"))
  return whole.length <= maxCharacters
    ? whole
    : `${whole.slice(0, maxCharacters)}… (${whole.length - maxCharacters} more characters)`
}

const blockText = (block: { readonly type?: string; readonly text?: string }): string =>
  block.text ?? `[${block.type ?? "block"}]`

const count = (range: Estimate.Range) => ranged(range, number)
const dollars = (range: Estimate.Range | undefined) => (range === undefined ? "no known price" : ranged(range, money))

/** An expected value, and its range where it has one. */
const ranged = ({ expected, high, low }: Estimate.Range, format: (value: number) => string) =>
  high - low < expected / 1000 ? format(expected) : `${format(expected)} (${format(low)} to ${format(high)})`

const number = (value: number) => Progress.tokens(Math.round(value))

const money = (value: number) => Dollars.format(BigDecimal.fromNumberUnsafe(Number(value.toFixed(6))))

const duration = (seconds: number) => DurationText.of(Math.ceil(seconds) * 1000)
