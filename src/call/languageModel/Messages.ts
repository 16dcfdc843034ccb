/**
 * Turns a prompt of effect/ai into the system prompt and the messages of a request. Messages of one role that follow each
 * other become one. Every tool call gets its result at the start of the next user message, wherever the prompt has it; a
 * call without one gets a failure, because the API refuses a conversation with an open call. Pure.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import * as Result from "effect/Result"
import type * as Prompt from "effect/ai/Prompt"
import * as Blocks from "./Blocks.ts"
import * as CallIds from "./CallIds.ts"

/** The conversation of a request. */
export interface Conversation {
  readonly system: ReadonlyArray<Anthropic.TextBlockParam>
  readonly messages: ReadonlyArray<Anthropic.MessageParam>
  /** The tools that the program ran, by the names that Claude called. */
  readonly called: ReadonlySet<string>
}

interface Turn {
  readonly role: "user" | "assistant" | "system"
  readonly blocks: Array<Blocks.Block>
}

/** The conversation of a prompt, or why it cannot be sent. */
export const make = (prompt: Prompt.Prompt, reading: Blocks.Reading): Result.Result<Conversation, string> =>
  Result.gen(function* () {
    const content = CallIds.make(prompt.content)
    const system: Array<Anthropic.TextBlockParam> = []
    const turns: Array<Turn> = []
    const add = (role: Turn["role"], blocks: ReadonlyArray<Blocks.Block>) => {
      const last = turns.at(-1)
      if (last?.role === role) last.blocks.push(...blocks)
      else if (blocks.length > 0) turns.push({ role, blocks: [...blocks] })
    }
    // The results are placed below; here they end the turn of their calls, so that they come before a later answer.
    const endCalls = () => callsOf(turns.at(-1)).length > 0 && turns.push({ role: "user", blocks: [] })
    for (const message of content) {
      if (message.role === "assistant" || message.role === "tool") endCalls()
      if (message.role === "system") {
        if (turns.length === 0) system.push(...Blocks.ofSystem(message))
        else add("system", Blocks.ofSystem(message))
      } else if (message.role === "user") add("user", yield* Blocks.ofUser(message))
      else if (message.role === "assistant") add("assistant", Blocks.ofAssistant(message, reading))
    }
    const calls = turns.flatMap(callsOf)
    const answered = [...answer(turns, resultsOf(content)), ...reminder(turns, content.at(-1))]
    return { system, messages: answered.map(toMessage), called: new Set(calls.map(({ name }) => name)) }
  })

const callsOf = (turn: Turn | undefined): ReadonlyArray<Anthropic.ToolUseBlockParam> =>
  turn?.role === "assistant" ? turn.blocks.filter((block) => block.type === "tool_use") : []

type Results = ReadonlyMap<string, Anthropic.ToolResultBlockParam>

/** The results of the whole prompt, by the id of their call. The first one counts. */
const resultsOf = (messages: ReadonlyArray<Prompt.Message>): Results => {
  const results = new Map<string, Anthropic.ToolResultBlockParam>()
  const waiting = new Set<string>()
  for (const message of messages) {
    if (message.role === "assistant") {
      for (const part of message.content) if (part.type === "tool-approval-request") waiting.add(part.toolCallId)
    }
    if (message.role !== "tool") continue
    const own = message.content.filter((part) => part.type === "tool-result").map(Blocks.ofResult)
    for (const result of Blocks.marked(own, message.options)) {
      if (!results.has(result.tool_use_id)) results.set(result.tool_use_id, result)
    }
  }
  for (const id of waiting) if (!results.has(id)) results.set(id, failed(id, "The user did not approve this call."))
  return results
}

/** Gives every call its result, at the start of the next user message. A result without a call is left out. */
const answer = (turns: ReadonlyArray<Turn>, results: Results): ReadonlyArray<Turn> => {
  const answered: Array<Turn> = []
  let open: ReadonlyArray<Blocks.Block> = []
  for (const turn of turns) {
    if (turn.role === "user") answered.push({ role: "user", blocks: [...open, ...turn.blocks] })
    else if (open.length > 0) answered.push({ role: "user", blocks: [...open] }, turn)
    else answered.push(turn)
    open = callsOf(turn).map(({ id }) => results.get(id) ?? failed(id, "This call was not executed."))
  }
  return open.length > 0 ? [...answered, { role: "user", blocks: [...open] }] : answered
}

/**
 * A user message for results that came after later turns. They are moved to their calls, so Claude answered last, and the
 * API requires a user message at the end.
 */
const reminder = (turns: ReadonlyArray<Turn>, last: Prompt.Message | undefined): ReadonlyArray<Turn> => {
  if (last?.role !== "tool" || turns.at(-1)?.role !== "assistant") return []
  const names = last.content.flatMap((part) => (part.type === "tool-result" ? [part.name] : []))
  return [{ role: "user", blocks: [{ type: "text", text: `The result of ${names.join(", ")} is there now.` }] }]
}

const failed = (id: string, content: string): Anthropic.ToolResultBlockParam => ({
  type: "tool_result",
  tool_use_id: id,
  content,
  is_error: true
})

const toMessage = ({ blocks, role }: Turn): Anthropic.MessageParam =>
  role === "system" ? { role, content: blocks.filter((block) => block.type === "text") } : { role, content: blocks }
