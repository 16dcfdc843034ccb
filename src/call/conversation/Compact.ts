/**
 * Lets the API replace old turns by a summary (beta `compact-2026-01-12`). The summary is a block of the answer and goes
 * back as it came; the API ignores what comes before it. Writing it reads the whole prompt once, and its tokens are only
 * in `usage.iterations`.
 */
import type { Prompt } from "../../claude/Request.ts"

/** When the API summarises, and how. */
export interface Compact {
  /** In input tokens; 150,000 by default. The API allows no number below 50,000. */
  readonly above?: number
  /** Replaces the instructions of the API for the summary. */
  readonly instructions?: string
}

const beta = "compact-2026-01-12"

/** A prompt that asks the API to summarise where that is needed; without options, the same prompt. */
export const enable = (prompt: Exclude<Prompt, string>, compact: Compact | undefined): Exclude<Prompt, string> => {
  if (compact === undefined) return prompt
  const { above = 150_000, instructions } = compact
  const { betas = [], context_management: management } = prompt
  const edit = {
    type: "compact_20260112" as const,
    trigger: { type: "input_tokens" as const, value: above },
    ...(instructions !== undefined && { instructions })
  }
  return {
    ...prompt,
    betas: betas.includes(beta) ? betas : [...betas, beta],
    context_management: { ...management, edits: [...(management?.edits ?? []), edit] }
  }
}
