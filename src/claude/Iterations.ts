/**
 * Iterations: what the API itself does within one call. With its own tools, MCP servers, compaction or fallbacks it
 * may ask the model, or several models, again and again. The usage then has the tokens of all iterations, so one prompt
 * and `max_tokens` do not limit them.
 */
import type { Request } from "./Request.ts"

/** Whether a call may have several iterations. */
export const areMany = ({ compaction, context_management, fallbacks, mcp_servers, tools = [] }: Request): boolean =>
  tools.some((tool) => serverTools.test(tool.type ?? "")) ||
  (mcp_servers ?? []).length > 0 ||
  isSet(fallbacks) ||
  isSet(compaction) ||
  (context_management?.edits ?? []).some(({ type }) => type.startsWith("compact"))

const serverTools = /^(?:web_search|web_fetch|code_execution|tool_search|advisor|mcp)/

const isSet = (value: unknown): boolean => value !== undefined && value !== null
