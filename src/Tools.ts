/**
 * Tools of Anthropic, settings of a single tool, and the types of `Claude.generateWithTools`. Tools are the `Tool` and
 * `Toolkit` of effect/ai.
 */
export {
  codeExecution,
  type Decision,
  type Element,
  type Limits,
  Replay,
  Timeout,
  type ToolCall,
  ToolLimitReached,
  type ToolResult,
  webFetch,
  webSearch
} from "./call/tools.ts"
