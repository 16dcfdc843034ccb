/**
 * effect-claude: LLM pipelines on Claude as Effect programs. Fakes are in `effect-claude/testing`, what needs Node in
 * `effect-claude/node`.
 */
export * as AnthropicClient from "./claude/AnthropicClient.ts"
export * as CallEvent from "./claude/CallEvent.ts"
export * as CallSite from "./claude/CallSite.ts"
export * as ClaudeError from "./claude/ClaudeError.ts"
export * as Cost from "./claude/Cost.ts"
export * as Models from "./claude/Models.ts"
export * as Reply from "./claude/Reply.ts"
export * as Request from "./claude/Request.ts"
export * as StreamEvent from "./claude/StreamEvent.ts"
export * as Transport from "./claude/Transport.ts"
export * as Usage from "./claude/Usage.ts"
export * as Claude from "./Claude.ts"
export * as Batch from "./pipeline/Batch.ts"
export * as Dataset from "./pipeline/Dataset.ts"
export * as Job from "./pipeline/Job.ts"
export * as Journal from "./pipeline/Journal.ts"
export * as Progress from "./pipeline/Progress.ts"
export * as Step from "./pipeline/Step.ts"
export * as Concurrency from "./policy/Concurrency.ts"
export * as Retry from "./policy/Retry.ts"
