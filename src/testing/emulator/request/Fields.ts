/**
 * The names that the API knows: fields of a request, types of blocks, types of tools. It refuses every other name. The
 * lists are checked against the types of the SDK, so a name that a new SDK adds does not compile until it is listed.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import * as Predicate from "effect/Predicate"

type Names<Key extends string> = Readonly<Record<Key, true>>
type Messages = Anthropic.Messages.MessageCreateParamsNonStreaming
type BetaMessages = Anthropic.Beta.Messages.MessageCreateParamsNonStreaming
type Count = Anthropic.Messages.MessageCountTokensParams
type BetaCount = Anthropic.Beta.Messages.MessageCountTokensParams
type Block = Anthropic.Messages.ContentBlockParam
type BetaBlock = Anthropic.Beta.Messages.BetaContentBlockParam
type TypeOf<Tool> = Tool extends { readonly type?: infer Type } ? Extract<Type, string> : never
type ToolType = TypeOf<Anthropic.Messages.ToolUnion>
type BetaToolType = TypeOf<Anthropic.Beta.Messages.BetaToolUnion>

// The SDK sends these as headers: in a body, they are unknown.
type Header = "user_profile_id" | "workspace_id" | "betas"

const counted = {
  cache_control: true,
  messages: true,
  model: true,
  output_config: true,
  speed: true,
  system: true,
  thinking: true,
  tool_choice: true,
  tools: true
} satisfies Names<Exclude<keyof Count, Header>>

const betaCounted = {
  billing_policy: true,
  compaction: true,
  context_management: true,
  mcp_servers: true,
  output_format: true
} satisfies Names<Exclude<keyof BetaCount, keyof Count | Header>>

const created = {
  ...counted,
  container: true,
  diagnostics: true,
  inference_geo: true,
  max_tokens: true,
  metadata: true,
  service_tier: true,
  stop_sequences: true,
  stream: true
} satisfies Names<Exclude<keyof Messages, Header>>

const betaCreated = {
  ...betaCounted,
  fallback_credit_token: true,
  fallbacks: true,
  thread: true
} satisfies Names<Exclude<keyof BetaMessages, keyof Messages | Header>>

const blocks = {
  bash_code_execution_tool_result: true,
  code_execution_tool_result: true,
  container_upload: true,
  document: true,
  image: true,
  redacted_thinking: true,
  search_result: true,
  server_tool_use: true,
  text: true,
  text_editor_code_execution_tool_result: true,
  thinking: true,
  tool_result: true,
  tool_search_tool_result: true,
  tool_use: true,
  web_fetch_tool_result: true,
  web_search_tool_result: true,
  advisor_tool_result: true,
  compaction: true,
  fallback: true,
  mcp_tool_listing: true,
  mcp_tool_result: true,
  mcp_tool_use: true,
  tool_addition: true,
  tool_removal: true
} satisfies Names<Block["type"] | BetaBlock["type"]>

type ResultBlock = Exclude<Anthropic.Messages.ToolResultBlockParam["content"], string | undefined>[number]

const resultBlocks = {
  browser_state: true,
  document: true,
  image: true,
  search_result: true,
  text: true,
  tool_reference: true
} satisfies Names<ResultBlock["type"]>

const tools = {
  advisor_20260301: true,
  bash_20241022: true,
  bash_20250124: true,
  browser_toolset_20260801: true,
  code_execution_20250522: true,
  code_execution_20250825: true,
  code_execution_20260120: true,
  code_execution_20260521: true,
  computer_20241022: true,
  computer_20250124: true,
  computer_20251124: true,
  computer_toolset_20260801: true,
  custom: true,
  mcp_toolset: true,
  memory_20250818: true,
  text_editor_20241022: true,
  text_editor_20250124: true,
  text_editor_20250429: true,
  text_editor_20250728: true,
  tool_search_tool_bm25: true,
  tool_search_tool_bm25_20251119: true,
  tool_search_tool_regex: true,
  tool_search_tool_regex_20251119: true,
  web_fetch_20250910: true,
  web_fetch_20260209: true,
  web_fetch_20260309: true,
  web_fetch_20260318: true,
  web_search_20250305: true,
  web_search_20260209: true,
  web_search_20260318: true
} satisfies Names<ToolType | BetaToolType>

const customTool = {
  allowed_callers: true,
  cache_control: true,
  defer_loading: true,
  description: true,
  eager_input_streaming: true,
  input_examples: true,
  input_schema: true,
  name: true,
  strict: true,
  type: true
} satisfies Names<keyof Anthropic.Messages.Tool>

const message = { content: true, role: true } satisfies Names<keyof Anthropic.Messages.MessageParam>

/** The parameters of version 2023-06-01 that version 2026-10-21 dropped, and the SDK with it. */
const sampling = new Set(["temperature", "top_p", "top_k"])

/** Which request is read. */
export interface Endpoint {
  /** Whether it asks for a count of tokens, or else for a message. */
  readonly counts: boolean
  readonly isNewVersion: boolean
  readonly isBeta: boolean
}

/** The refusal of the first field of a request, a message or a tool that the API does not know. */
export const check = (json: unknown, { counts, isBeta, isNewVersion }: Endpoint): string | undefined => {
  const accepts = (name: string) =>
    Object.hasOwn(counts ? counted : created, name) ||
    (isBeta && Object.hasOwn(counts ? betaCounted : betaCreated, name)) ||
    (!counts && !isNewVersion && sampling.has(name))
  if (!Predicate.isObject(json)) return "Input should be an object"
  const unknown = Object.keys(json).find((name) => !accepts(name))
  if (unknown !== undefined) return notPermitted(unknown)
  return (
    firstOf(listOf(json, "messages"), (one, at) => unknownField(one, message, `messages.${at}.`)) ??
    firstOf(listOf(json, "tools"), (tool, at) => unknownTool(tool, `tools.${at}`))
  )
}

const listOf = (json: object, name: string): ReadonlyArray<object> => {
  const list = Predicate.hasProperty(json, name) ? json[name] : undefined
  return Array.isArray(list) ? list.filter(Predicate.isObject) : []
}

const unknownTool = (tool: object, path: string) => {
  const type = Predicate.hasProperty(tool, "type") ? (tool.type ?? "custom") : "custom"
  return type === "custom" ? unknownField(tool, customTool, `${path}.custom.`) : unknownTag(type, tools, path)
}

/** The refusal of a block whose type the API does not know. */
export const checkBlock = (type: string, path: string): string | undefined => unknownTag(type, blocks, path)

/** The same for a block in the result of a tool. */
export const checkResultBlock = (type: string, path: string): string | undefined => unknownTag(type, resultBlocks, path)

const unknownTag = (type: unknown, known: object, path: string) => {
  if (Predicate.isString(type) && Object.hasOwn(known, type)) return undefined
  const tags = Object.keys(known)
    .toSorted()
    .map((name) => `'${name}'`)
    .join(", ")
  return `${path}: Input tag '${String(type)}' found using 'type' does not match any of the expected tags: ${tags}`
}

/** The refusal of the first field that is not in a list, with its path. */
export const unknownField = (json: object, known: object, path: string): string | undefined => {
  const unknown = Object.keys(json).find((name) => !Object.hasOwn(known, name))
  return unknown === undefined ? undefined : notPermitted(`${path}${unknown}`)
}

const notPermitted = (path: string) => `${path}: Extra inputs are not permitted`

const firstOf = <A>(all: ReadonlyArray<A>, check: (one: A, at: number) => string | undefined): string | undefined => {
  for (const [at, one] of all.entries()) {
    const refusal = check(one, at)
    if (refusal !== undefined) return refusal
  }
  return undefined
}
