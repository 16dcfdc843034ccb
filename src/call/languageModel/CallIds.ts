/**
 * Gives the tool calls of a history ids that the API accepts: letters, digits, `_` and `-`, and no id twice. A history of
 * another provider may have other characters, and may number its calls anew in each turn. Pure.
 */
import type * as Prompt from "effect/ai/Prompt"

/** The same messages with these ids in the calls, their approvals and their results. */
export const make = (messages: ReadonlyArray<Prompt.Message>): ReadonlyArray<Prompt.Message> => {
  const ids = messages.flatMap(callsOf).map(({ id }) => id)
  if (new Set(ids).size === ids.length && ids.every((id) => accepted.test(id))) return messages
  const taken = new Set<string>()
  /** The calls with an id in the latest message that has it. */
  const latest = new Map<string, Array<Call>>()
  const named = (id: string): string => latest.get(id)?.at(-1)?.name ?? id
  const answered = (id: string): string => {
    const call = latest.get(id)?.find(({ isAnswered }) => !isAnswered)
    if (call === undefined) return named(id)
    call.isAnswered = true
    return call.name
  }
  return messages.map((message): Prompt.Message => {
    if (message.role === "assistant") {
      for (const { id } of callsOf(message)) latest.set(id, [])
      const content = message.content.map((part) => {
        if (part.type === "tool-approval-request") return { ...part, toolCallId: named(part.toolCallId) }
        if (!isCall(part)) return part
        const name = free(part.id, taken)
        taken.add(name)
        latest.get(part.id)?.push({ name, isAnswered: false })
        return { ...part, id: name }
      })
      return { ...message, content }
    }
    if (message.role !== "tool") return message
    const content = message.content.map((part) =>
      part.type === "tool-result" ? { ...part, id: answered(part.id) } : part
    )
    return { ...message, content }
  })
}

interface Call {
  readonly name: string
  isAnswered: boolean
}

const accepted = /^[a-zA-Z0-9_-]+$/

const isCall = (part: Prompt.AssistantMessagePart): part is Prompt.ToolCallPart =>
  part.type === "tool-call" && !part.providerExecuted

const callsOf = (message: Prompt.Message): ReadonlyArray<Prompt.ToolCallPart> =>
  message.role === "assistant" ? message.content.filter(isCall) : []

const free = (id: string, taken: ReadonlySet<string>): string => {
  const name = id.replace(/[^a-zA-Z0-9_-]/g, "_") || "call"
  let candidate = name
  for (let number = 2; taken.has(candidate); number++) candidate = `${name}_${number}`
  return candidate
}
