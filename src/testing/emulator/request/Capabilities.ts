/**
 * Which settings each model accepts, beyond the limits in `Models`. Sources: Anthropic's model pages and "What's new"
 * pages up to Nov 2026, and refusals of the API that users published in 2026.
 */

/** The levels of `output_config.effort`, lowest first. */
export const efforts = ["low", "medium", "high", "xhigh", "max"] as const

/** A level of effort. */
export type Effort = (typeof efforts)[number]

/** A value of `thinking.type`. */
export type Thinking = "enabled" | "disabled" | "adaptive" | "between_tools"

/** The settings that a model accepts. */
export interface Capabilities {
  /** Whether the model continues an assistant message at the end of the conversation. */
  readonly prefill: boolean
  /** Whether `temperature`, `top_p` and `top_k` may be set. */
  readonly sampling: boolean
  /** Empty where the model has no effort parameter. */
  readonly efforts: ReadonlyArray<Effort>
  readonly thinking: ReadonlyArray<Thinking>
  /** The highest effort that the model accepts while thinking is off. */
  readonly effortWithoutThinking?: Effort
}

const generation45: Capabilities = {
  prefill: true,
  sampling: true,
  efforts: [],
  thinking: ["enabled", "disabled"]
}

const generation46: Capabilities = {
  prefill: false,
  sampling: true,
  efforts: ["low", "medium", "high", "max"],
  thinking: ["enabled", "disabled", "adaptive"]
}

const generation47: Capabilities = {
  prefill: false,
  sampling: false,
  efforts,
  thinking: ["adaptive", "disabled"]
}

const alwaysThinking: Capabilities = { ...generation47, thinking: ["adaptive"] }

const table: Readonly<Record<string, Capabilities>> = {
  "claude-haiku-4-5": generation45,
  "claude-sonnet-4-5": generation45,
  "claude-opus-4-5": { ...generation45, efforts: ["low", "medium", "high"] },
  "claude-sonnet-4-6": generation46,
  "claude-opus-4-6": generation46,
  "claude-mythos-preview": { ...generation46, thinking: ["adaptive"] },
  "claude-opus-4-7": generation47,
  "claude-opus-4-8": generation47,
  "claude-sonnet-5": generation47,
  "claude-opus-5": { ...generation47, effortWithoutThinking: "high" },
  "claude-fable-5": alwaysThinking,
  "claude-mythos-5": alwaysThinking,
  "claude-fable-5-1": alwaysThinking,
  "claude-mythos-5-1": alwaysThinking,
  "claude-fable-5-2": alwaysThinking,
  "claude-mythos-5-2": alwaysThinking,
  "claude-opus-5-5": alwaysThinking,
  "claude-sonnet-5-5": { ...alwaysThinking, thinking: ["adaptive", "between_tools"], effortWithoutThinking: "high" },
  "claude-haiku-5-5": { ...generation47, effortWithoutThinking: "high" }
}

/** The capabilities of a model by its id, with or without the date; `undefined` for a model that has no entry. */
export const find = (id: string): Capabilities | undefined => table[id.replace(/-\d{8}$/, "")]
