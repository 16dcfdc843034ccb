/**
 * Decides which tools the emulator calls, and with which input. A question goes to every tool whose name shares a word
 * with it, otherwise to every tool whose description does. Once the results are there, the answer is text. `tool_choice`
 * can forbid or force calls; a repeated forced call takes a tool that was not called before. The inputs satisfy the
 * schemas of the tools and quote the last turn.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Request } from "../../../claude/Request.ts"
import type { Content } from "./Blocks.ts"
import { JsonSchema } from "../request/JsonSchema.ts"
import * as Quotes from "./Quotes.ts"
import * as SchemaAnswer from "./SchemaAnswer.ts"
import * as Sentences from "./Sentences.ts"
import type { Tool } from "../request/Tools.ts"
import type { Call } from "../request/Validation.ts"

/** The tool calls; empty where the emulator answers in text. */
export const answer = (call: Call): ReadonlyArray<Content> => {
  const tools = chosen(call)
  if (tools.length === 0) return []
  const material = Sentences.read("", call.prompt.last.text)
  return tools.map(({ input_schema, name }, at) => ({
    type: "tool_use",
    id: `toolu_emulated_${call.requestHash.slice(0, 24)}_${at + 1}`,
    name,
    input: SchemaAnswer.answer(schemaOf(input_schema), material),
    caller: { type: "direct" }
  }))
}

/** A chosen tool. A tool of Anthropic has no schema in the request. */
type Chosen = Pick<Tool, "name"> & Partial<Tool>

const chosen = ({ prompt, request, toolChoice: choice, tools }: Call): ReadonlyArray<Chosen> => {
  if (choice.type === "none") return []
  if (choice.type === "tool") return [tools.find(({ name }) => name === choice.name) ?? { name: choice.name }]
  const asked = prompt.last.by === "user" ? matching(tools, prompt.last.text) : []
  const called = asked.length === 0 && choice.type === "any" ? nextOf(tools, request) : asked
  return choice.disable_parallel_tool_use ? called.slice(0, 1) : called
}

/** The first tool that was not called before, or else the first. */
const nextOf = (tools: ReadonlyArray<Tool>, { messages }: Request): ReadonlyArray<Tool> => {
  const blocks = messages.flatMap(({ content }) => (typeof content === "string" ? [] : content))
  const before = new Set(blocks.map((block) => (block?.type === "tool_use" ? block.name : "")))
  const others = tools.filter(({ name }) => !before.has(name))
  return (others.length > 0 ? others : tools).slice(0, 1)
}

const matching = (tools: ReadonlyArray<Tool>, question: string): ReadonlyArray<Tool> => {
  if (tools.length === 0) return []
  const asked = new Set(Sentences.words(question))
  const isAsked = (words: ReadonlySet<string>) => [...words].some((word) => asked.has(word))
  const about = tools.map((tool) => ({ tool, ...Quotes.about(tool.name, tool.description ?? "") }))
  const named = about.filter(({ name }) => isAsked(name))
  const found = named.length > 0 ? named : about.filter(({ description }) => isAsked(description))
  return found.map(({ tool }) => tool)
}

const decodeSchema = Schema.decodeUnknownOption(JsonSchema)

/** A schema that the emulator cannot read gets an empty input. */
const schemaOf = (input_schema: unknown): JsonSchema =>
  Option.getOrElse(decodeSchema(input_schema), () => ({ type: "object" }))
