/**
 * The tools of a request: what the API demands of their definitions, of `tool_choice`, and of the calls and results in
 * the conversation.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { ApiError } from "../wire/ApiError.ts"
import type { Fields } from "./Prompt.ts"
import { decode, refuse, required, shouldBe, text } from "../wire/Refusal.ts"

/** A tool that the client runs: it has a schema. Others are Anthropic's, and known by their type. */
const Custom = Schema.Struct({
  name: text
    .check(
      Schema.makeFilter(
        (name) => /^[a-zA-Z0-9_-]{1,128}$/.test(name) || "String should match pattern '^[a-zA-Z0-9_-]{1,128}$'"
      )
    )
    .annotateKey(required),
  description: Schema.optionalKey(text),
  input_schema: Schema.StructWithRest(
    Schema.Struct({ type: Schema.Literal("object").annotate(shouldBe("'object'")).annotateKey(required) }),
    [Schema.Record(Schema.String, Schema.Unknown)]
  )
    .annotate(shouldBe("a valid dictionary"))
    .annotateKey(required)
})

/** A tool that the client runs. */
export interface Tool extends Schema.Schema.Type<typeof Custom> {}

const parallel = { disable_parallel_tool_use: Schema.optionalKey(Schema.Boolean) }

/** Which tools are to be called. */
export const Choice = Schema.Union([
  Schema.Struct({ type: Schema.Literals(["auto", "any"]), ...parallel }),
  Schema.Struct({ type: Schema.Literal("tool"), name: text, ...parallel }),
  Schema.Struct({ type: Schema.Literal("none") })
]).annotate(shouldBe("a valid tool choice: auto, any, tool with a name, or none"))

/** Which tools are to be called. */
export type Choice = typeof Choice.Type

const decodeCustom = decode(Custom)

/** Models that decide themselves whether to call a tool (Anthropic, release notes of 1 Sep 2026, and model pages). */
const unforced = new Set(
  "claude-fable-5-1 claude-mythos-5-1 claude-fable-5-2 claude-mythos-5-2 claude-opus-5-5 claude-sonnet-5-5".split(" ")
)

/** The tools that the client runs; refused where the request's tools do not fit together. */
export const read = Effect.fnUntraced(function* (
  { messages, tools }: Fields,
  choice: Choice | undefined,
  model: string
): Effect.fn.Return<ReadonlyArray<Tool>, ApiError> {
  const customs: Array<Tool> = []
  for (const [at, tool] of (tools ?? []).entries()) {
    const isCustom = (tool["type"] ?? "custom") === "custom"
    if (isCustom) customs.push(yield* decodeCustom(tool, "tools", at, "custom"))
  }
  const names = (tools ?? []).map(({ name }) => name).filter(Predicate.isString)
  if (new Set(names).size < names.length) return yield* refuse("tools: Tool names must be unique.")
  if (choice !== undefined && names.length === 0) {
    return yield* refuse(`tool_choice.${choice.type} may only be specified while providing tools`)
  }
  if (choice?.type === "tool" && !names.includes(choice.name)) {
    return yield* refuse(`Tool '${choice.name}' not found in provided tools`)
  }
  if ((choice?.type === "tool" || choice?.type === "any") && unforced.has(model)) {
    return yield* refuse("tool_choice forces tool use is not compatible with this model.")
  }
  const turns = turnsOf(messages)
  if (tools === undefined && turns.some(({ calls, results }) => calls.length + results.length > 0)) {
    return yield* refuse("Requests which include `tool_use` or `tool_result` blocks must define tools.")
  }
  for (const [at, turn] of turns.entries()) yield* checkTurn(turn, turns[at - 1], turns[at + 1])
  return customs
})

/** The calls and the results in what one side said before the other did; the API takes such messages for one. */
interface Turn {
  readonly role: string
  readonly path: string
  readonly calls: Array<{ readonly id: string; readonly path: string }>
  readonly results: Array<{ readonly id: string; readonly path: string }>
}

const turnsOf = (messages: Fields["messages"]): ReadonlyArray<Turn> => {
  const turns: Array<Turn> = []
  for (const [at, { content, role }] of messages.entries()) {
    if (role === "system") continue
    let turn = turns.at(-1)
    if (turn?.role !== role) turns.push((turn = { role, path: `messages.${at}`, calls: [], results: [] }))
    if (typeof content === "string") continue
    for (const [index, block] of content.entries()) {
      if (!Predicate.isObject(block)) continue
      const path = `messages.${at}.content.${index}`
      if (block["type"] === "tool_use") turn.calls.push({ id: String(block["id"]), path })
      if (block["type"] === "tool_result") turn.results.push({ id: String(block["tool_use_id"]), path })
    }
  }
  return turns
}

/** Every call has its result in the next turn, every result its call in the turn before. */
const checkTurn = (turn: Turn, before: Turn | undefined, after: Turn | undefined) => {
  const twice = turn.calls.find(({ id }, at) => turn.calls.findIndex((call) => call.id === id) < at)
  if (twice !== undefined) return refuse(`${twice.path}: \`tool_use\` ids must be unique`)
  const stray = turn.results.find(({ id }) => !before?.calls.some((call) => call.id === id))
  if (stray !== undefined) {
    return refuse(
      `${stray.path}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${stray.id}. Each ` +
        "`tool_result` block must have a corresponding `tool_use` block in the previous message."
    )
  }
  const open = turn.calls.filter(({ id }) => !after?.results.some((result) => result.id === id))
  if (open.length === 0) return Effect.void
  return refuse(
    `${turn.path}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ` +
      `${open.map(({ id }) => id).join(", ")}. Each \`tool_use\` block must have a corresponding \`tool_result\` ` +
      "block in the next message."
  )
}
