/**
 * The input tokens of a request, without a call and without a tokenizer. `of` is what to expect: use it for rate limits.
 * `bound` is never too low: use it for budgets. Anthropic publishes no tokenizer, so neither is exact;
 * `Claude.countTokens` is.
 */
import type * as ImageSize from "./ImageSize.ts"
import * as Iterations from "./Iterations.ts"
import * as Models from "./Models.ts"
import type { Request } from "./Request.ts"
import * as Text from "./tokenEstimate/Text.ts"
import * as Total from "./tokenEstimate/Total.ts"

/**
 * The expected input tokens of a request, plain and cached together.
 *
 * Measured on all 118 recorded requests of 2024 to 2026 whose count is known: the estimate divided by the count has the
 * median 0.99 (5 % below 0.67, 5 % above 1.16), and is wrong by a factor of 1.04 in the median and 1.58 at the 95th
 * percentile. The requests are English and JSON. The estimate does not know how often a tool of the server reads the
 * prompt again, and it counts a PDF as pages of 100 KB and an image by address as a third of the largest.
 */
export const of = (request: Request): number => Math.round(Total.of(request, expected(request)))

/** The expected input tokens of a schema for the answer: its JSON, and what the API adds to the prompt with it. */
export const ofSchema = (model: string, schema: unknown): number => {
  const measure = expected({ model, max_tokens: 0, messages: [] })
  return Math.round(measure.schema + measure.json(schema))
}

/**
 * An upper bound of the input tokens of a request, plain and cached together: the UTF-8 bytes of its text and the most
 * that the API adds, but not more than the model's context window. `undefined` if no bound is known: with tools of the
 * server, MCP servers, compaction or fallbacks the API reads the prompt several times; and a PDF, a tool that is loaded
 * later or a kept conversation has no bound but the context window of a listed model.
 *
 * What the API adds is documented for tools (at most 804 tokens) and images; for the rest, the bound counts three times
 * the largest recorded figure or more. None of the 99 recorded requests with a bound and a known count exceeds it: the
 * bound divided by the count is 2.46 at the lowest and 6.6 in the median.
 */
export const bound = (request: Request): number | undefined => {
  if (Iterations.areMany(request)) return undefined
  const window = Models.find(request.model)?.maxInputTokens ?? Infinity
  const tokens = Math.min(Total.of(request, largest(request)), window)
  return Number.isFinite(tokens) ? Math.ceil(tokens) : undefined
}

/** Models up to 4.6 have another tokenizer, and see images less sharply (Anthropic, "Vision", Sep 2026). */
const isOlder = (model: string): boolean =>
  /claude-(?:instant|[23]|(?:opus|sonnet|haiku)-4(?:-[0156])?(?:[-@]\d{8}|-latest|-v\d|$))/.test(model)

/** The same text has up to 1.35 times the tokens (Anthropic, "What's new in Claude Opus 4.7", Apr 2026). */
const newerTokenizer = 1.35

/** Anthropic, "Vision", Sep 2026: larger images are scaled down. */
const maxImageTokens = (model: string): number => (isOlder(model) ? 1568 : 4784)

/** A token for each patch of 28 × 28 pixels (the same page). */
const imageTokens = ({ height, width }: ImageSize.ImageSize): number => Math.ceil(width / 28) * Math.ceil(height / 28)

const expected = (request: Request): Total.Measure => {
  const scale = isOlder(request.model) ? 1 : newerTokenizer
  const largestImage = maxImageTokens(request.model)
  const text = (value: string) => Text.weigh(value) * scale
  const json = (value: unknown) => text(Text.jsonOf(value))
  return {
    text,
    json,
    image: (size) => (size === undefined ? largestImage / 3 : Math.min(imageTokens(size), largestImage)),
    // One page has 2,700 tokens, recorded for a page of text.
    pdf: (bytes = 0) => 2700 * Math.max(1, Math.round(bytes / 100_000)),
    encrypted: (characters) => characters / 6,
    tool: (tool) => {
      if (tool["defer_loading"] === true) return 0
      const type = Total.textOf(tool["type"])
      const known = builtIn.find(([name]) => type.startsWith(name))
      return known?.[1] ?? 20 + text(Total.textOf(tool["description"])) + json(tool["input_schema"])
    },
    citations: () => 590,
    message: 4,
    block: 0,
    toolCall: 30,
    prompt: 3,
    tools: toolPromptOf(request),
    thinking: 29,
    schema: 145,
    thread: 0
  }
}

/**
 * The tokens of the prompt that enables tools, where the model may choose and where it must use one (Anthropic, "Tool
 * use", Jul and Aug 2026). The page lacks the models after Opus 5; they count as Sonnet 5.
 */
const toolPrompts: ReadonlyArray<readonly [models: RegExp, free: number, forced: number]> = [
  [/opus-5/, 286, 406],
  [/opus-4-8/, 290, 410],
  [/opus-4-7/, 675, 804],
  [/-4-[56]/, 496, 588],
  [/claude-3|-4/, 313, 315],
  [/./, 354, 474]
]

const toolPromptOf = ({ model, tool_choice: choice }: Request): number => {
  const [, free = 0, forced = 0] = toolPrompts.find(([models]) => models.test(model)) ?? []
  return choice?.type === "any" || choice?.type === "tool" ? forced : free
}

/**
 * The tokens of Anthropic's own tools, by the beginning of their type. Text editor, shell and computer: Anthropic, "Tool
 * use", 2026. The others are recorded; a server tool was used once.
 */
const builtIn: ReadonlyArray<readonly [type: string, tokens: number]> = [
  ["web_search", 8000],
  ["web_fetch", 8000],
  ["code_execution", 4100],
  ["tool_search", 300],
  ["memory", 1050],
  ["text_editor", 700],
  ["bash", 245],
  ["computer", 1200]
]

const largest = ({ model }: Request): Total.Measure => ({
  text: Text.atMost,
  json: Text.jsonAtMost,
  image: (size) => Math.min(size === undefined ? Infinity : imageTokens(size), maxImageTokens(model)),
  pdf: () => Infinity,
  encrypted: (characters) => characters,
  // A tool that is loaded later may be written into the prompt again and again.
  tool: (tool) => (isCustom(tool) && tool["defer_loading"] !== true ? 200 + Text.jsonAtMost(tool) : Infinity),
  // Citations cut a document into sentences, and number them.
  citations: (body) => 2000 + 8 * body,
  message: 32,
  block: 32,
  toolCall: 200,
  prompt: 300,
  tools: 1000,
  thinking: 200,
  schema: 1000,
  thread: Infinity
})

const isCustom = ({ type }: Total.Fields): boolean => type === undefined || type === "custom"
