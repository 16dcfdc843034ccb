/**
 * The answer to a call: a reply from code, a refusal, tool calls, JSON that satisfies the requested schema, or text that
 * quotes the prompt. It is cut at `max_tokens` and at the end of the context window, and has the usage to bill. The same
 * call always gets the same answer; only the prompt cache depends on earlier calls.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Usage from "../../../claude/Usage.ts"
import * as Blocks from "./Blocks.ts"
import * as Citations from "./Citations.ts"
import type { Options } from "../Options.ts"
import * as Prompt from "../request/Prompt.ts"
import * as PromptCache from "../billing/PromptCache.ts"
import * as Replies from "./Replies.ts"
import * as SchemaAnswer from "./SchemaAnswer.ts"
import * as Sentences from "./Sentences.ts"
import * as Summary from "./Summary.ts"
import * as TextAnswer from "./TextAnswer.ts"
import * as ToolAnswer from "./ToolAnswer.ts"
import type * as Signature from "../request/Signature.ts"
import type { Call } from "../request/Validation.ts"

/** The usage that a message reports. A reply from code may report more. */
export interface Reported extends PromptCache.Input {
  readonly output_tokens: number
  readonly output_tokens_details: { readonly thinking_tokens: number }
  readonly service_tier: "standard" | "batch"
  readonly inference_geo: string
}

/** An answer, block by block. */
export interface Answer {
  readonly blocks: ReadonlyArray<Blocks.Block>
  readonly stopReason: string
  readonly stopSequence: string | null
  readonly stopDetails: Blocks.Content | null
  readonly usage: Reported
}

/**
 * Answers calls; `admit` may refuse a call once its input tokens are known. What a call writes to the prompt cache is
 * readable from its first token, or from the given time.
 */
export const make = (options: Options, signatures: Signature.Issued) => {
  const cache = PromptCache.make(Duration.toMillis(options.timeToFirstToken ?? 0))
  const rules = options.replies ?? []
  for (const { reply } of rules) if (typeof reply !== "function") issue(reply, signatures)
  return <E = never>(
    call: Call,
    admit?: (input: PromptCache.Input) => Effect.Effect<void, E>,
    readableFrom?: number
  ): Effect.Effect<Answer, E> =>
    Effect.gen(function* () {
      const read = yield* cache(call.model, call.segments, admit, readableFrom)
      const prompt = Prompt.message(call.prompt)
      const answer = Replies.find(rules, { prompt, request: call.request }) ?? reply(call, prompt)
      const { input, reply: whole } = yield* Summary.before(call, answer, read, (segments) =>
        cache(call.model, segments, undefined, readableFrom)
      )
      issue(whole, signatures)
      return finish(call, whole, input)
    })
}

/** A client returns the thinking of an answer with its signature, as it got it. */
const issue = ({ content }: Replies.Reply, { add }: Signature.Issued): void => {
  for (const { data, signature, type } of content) {
    const issued = type === "redacted_thinking" ? data : signature
    if (typeof issued === "string") add(issued)
  }
}

const finish = (call: Call, reply: Replies.Reply, input: PromptCache.Input): Answer => {
  const room = call.contextWindow - call.inputTokens
  const { blocks, isCut } = Blocks.cut(reply.content, Math.min(call.maxTokens, room))
  const calls = reply.content.some(({ type }) => type === "tool_use")
  const end = reply.stop_reason ?? (calls ? "tool_use" : "end_turn")
  return {
    blocks,
    stopReason: !isCut ? end : room < call.maxTokens ? "model_context_window_exceeded" : "max_tokens",
    stopSequence: isCut ? null : (reply.stop_sequence ?? null),
    stopDetails: isCut ? null : (reply.stop_details ?? null),
    usage: {
      ...input,
      output_tokens: Blocks.count(blocks),
      output_tokens_details: { thinking_tokens: Blocks.count(blocks.filter(({ whole }) => whole.type === "thinking")) },
      service_tier: "standard",
      inference_geo: "not_available",
      ...reply.usage
    }
  }
}

/** Whether the answer is billed. Most refusals before any output are not, although they report tokens. */
export const isBilled = ({ blocks, stopDetails, stopReason, usage }: Answer): boolean => {
  const category = stopDetails?.["category"]
  const stop_details = stopDetails && { category: Predicate.isString(category) ? category : null }
  const message = { usage, content: blocks, stop_reason: stopReason, stop_details }
  // The sum includes a summary, which the totals of the answer leave out.
  return Usage.totalInput(Usage.sum(Usage.billed(message), Usage.zero)) > 0
}

/** A prompt with it is refused, for tests (Anthropic, "Handle streaming refusals"). Hexadecimal digits follow. */
const refusalTrigger = "ANTHROPIC_MAGIC_STRING_TRIGGER_REFUSAL_"

const reply = (call: Call, prompt: string): Replies.Reply => {
  const { earlier, last, system } = call.prompt
  if (prompt.includes(refusalTrigger) || system.includes(refusalTrigger)) {
    const stop_details = { type: "refusal", category: null, explanation: null }
    return { content: [], stop_reason: "refusal", stop_details }
  }
  const calls = ToolAnswer.answer(call)
  if (calls.length > 0) return { content: calls }
  // The answer quotes the results of the tools; the earlier question selects the sentences.
  const material =
    last.by === "tools" ? Sentences.read(`${system}\n\n${earlier}`, last.text) : Sentences.read(system, prompt)
  const text =
    call.schema === undefined ? TextAnswer.answer(material) : JSON.stringify(SchemaAnswer.answer(call.schema, material))
  const [kept, sequence] = stop(text, call.stopSequences)
  const content =
    kept === ""
      ? []
      : call.schema === undefined
        ? Citations.cite(kept, call.request.messages)
        : [{ type: "text", text: kept }]
  return sequence === undefined ? { content } : { content, stop_reason: "stop_sequence", stop_sequence: sequence }
}

/** The text before the stop sequence that comes first, and that sequence. */
const stop = (text: string, sequences: ReadonlyArray<string>): readonly [string, string | undefined] => {
  let first: readonly [number, string] | undefined
  for (const sequence of sequences) {
    const at = sequence === "" ? -1 : text.indexOf(sequence)
    if (at !== -1 && (first === undefined || at < first[0])) first = [at, sequence]
  }
  return first === undefined ? [text, undefined] : [text.slice(0, first[0]), first[1]]
}
