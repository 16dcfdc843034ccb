/**
 * Claude in one namespace: the service, the layers that provide it, the recommended stack, and the verbs that ask it.
 */
export { create, countTokens, stream } from "./call/message.ts"
export {
  type DeepPartial,
  generateObject,
  type ObjectEvent,
  type ObjectOptions,
  type ObjectReply,
  streamElements,
  type StreamElementsOptions,
  streamObject,
  type StreamObjectOptions
} from "./call/object.ts"
export { generateText, streamText, type TextReply } from "./call/text.ts"
export {
  generateWithTools,
  type ObjectToolsOptions,
  type ObjectToolsReply,
  streamWithTools,
  type ToolsError,
  type ToolsOptions,
  type ToolsReply
} from "./call/tools.ts"
export { layer, layerConfig } from "./claude/Api.ts"
export { Claude, Timeouts, wrap } from "./claude/Claude.ts"
export { type Message, type Origin, type Reply } from "./claude/Reply.ts"
export { Defaults, type Prompt, type Request } from "./claude/Request.ts"
export { type StreamEvent, type StreamStart } from "./claude/StreamEvent.ts"
export { type BatchesStackOptions, stack, type StackOptions } from "./policy/stack.ts"
