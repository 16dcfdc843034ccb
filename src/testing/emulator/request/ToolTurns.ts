/**
 * The tool calls of a conversation and their results: every call has its result at the start of the next turn, and every
 * result has its call in the turn before.
 */
import * as Predicate from "effect/Predicate"
import type { Fields } from "./Prompt.ts"

/** What one side sends before the other does; the API merges such messages. */
interface Turn {
  readonly role: string
  readonly path: string
  readonly calls: Array<Place>
  readonly results: Array<Place>
  /** The results that come before any other block. */
  readonly first: Array<string>
  hasOther: boolean
}

interface Place {
  readonly id: string
  readonly path: string
}

/** The refusal of a conversation whose calls and results do not fit together. */
export const check = ({ messages, tools }: Fields): string | undefined => {
  const turns = turnsOf(messages)
  if (tools === undefined && turns.some(({ calls, results }) => calls.length + results.length > 0)) {
    return "Requests which include `tool_use` or `tool_result` blocks must define tools."
  }
  for (const [at, turn] of turns.entries()) {
    const refusal = checkTurn(turn, turns[at - 1], turns[at + 1])
    if (refusal !== undefined) return refusal
  }
  return undefined
}

const turnsOf = (messages: Fields["messages"]): ReadonlyArray<Turn> => {
  const turns: Array<Turn> = []
  for (const [at, { content, role }] of messages.entries()) {
    if (role === "system") continue
    let turn = turns.at(-1)
    if (turn?.role !== role) {
      turns.push((turn = { role, path: `messages.${at}`, calls: [], results: [], first: [], hasOther: false }))
    }
    if (typeof content === "string") {
      turn.hasOther = true
      continue
    }
    for (const [index, block] of content.entries()) {
      if (!Predicate.isObject(block)) continue
      const path = `messages.${at}.content.${index}`
      if (block["type"] === "tool_use") turn.calls.push({ id: String(block["id"]), path })
      if (block["type"] === "tool_result") {
        const id = String(block["tool_use_id"])
        turn.results.push({ id, path })
        if (!turn.hasOther) turn.first.push(id)
      } else turn.hasOther = true
    }
  }
  return turns
}

const checkTurn = (turn: Turn, before: Turn | undefined, after: Turn | undefined): string | undefined => {
  const call = repeated(turn.calls)
  if (call !== undefined) return `${call.path}: \`tool_use\` ids must be unique`
  const stray = turn.results.find(({ id }) => !before?.calls.some((call) => call.id === id))
  if (stray !== undefined) {
    return (
      `${stray.path}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${stray.id}. Each ` +
      "`tool_result` block must have a corresponding `tool_use` block in the previous message."
    )
  }
  const result = repeated(turn.results)
  if (result !== undefined) {
    return (
      `${result.path}: each tool_use must have a single result. Found multiple \`tool_result\` blocks with id: ` +
      result.id
    )
  }
  const open = turn.calls.filter(({ id }) => !after?.first.includes(id))
  if (open.length === 0) return undefined
  return (
    `${turn.path}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ` +
    `${open.map(({ id }) => id).join(", ")}. Each \`tool_use\` block must have a corresponding \`tool_result\` ` +
    "block in the next message."
  )
}

const repeated = (places: ReadonlyArray<Place>) =>
  places.find(({ id }, at) => places.findIndex((place) => place.id === id) < at)
