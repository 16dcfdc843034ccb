/**
 * The accepted differences between the emulator and the recordings, with their reasons. A difference that is not listed
 * is a bug in the emulator; remove a listed difference that no longer occurs.
 */
import type { Shape } from "./Shape.ts"

/** A fact that differs between two shapes. */
export interface Disagreement {
  readonly fact: string
  readonly recorded: string
  readonly emulated: string
}

/** An accepted difference. */
export interface Difference {
  readonly fact: RegExp
  readonly recorded: RegExp
  readonly emulated: RegExp
  /** The names of the recordings to which it applies; by default all. */
  readonly in?: RegExp
  readonly why: string
}

/** The facts that differ, except differences that follow from another one. */
export const disagreements = (recorded: Shape, emulated: Shape): ReadonlyArray<Disagreement> => {
  const differ = (fact: string) => recorded[fact] !== emulated[fact]
  return [...new Set([...Object.keys(recorded), ...Object.keys(emulated)])]
    .filter(differ)
    .filter((fact) => fact === "outcome" || !differ("outcome"))
    .filter((fact) => !(differ("blocks") && followsFromBlocks.test(fact)))
    .map((fact) => ({ fact, recorded: recorded[fact] ?? "absent", emulated: emulated[fact] ?? "absent" }))
}

const followsFromBlocks = /^(events|a .* has|(message_delta delta\.)?stop_reason)$/

/** Whether the disagreement is this accepted difference. */
export const isMeant = (difference: Difference, { emulated, fact, recorded }: Disagreement, name: string): boolean =>
  difference.fact.test(fact) &&
  difference.recorded.test(recorded) &&
  difference.emulated.test(emulated) &&
  (difference.in?.test(name) ?? true)

/** All accepted differences. */
export const differences: ReadonlyArray<Difference> = [
  {
    fact: /^request id$/,
    recorded: /^none$/,
    emulated: /^some$/,
    why: "the recorder left the header out"
  },
  {
    fact: /^rate limits$/,
    recorded: /^(requests|inputTokens, outputTokens|)$/,
    emulated: /^requests, inputTokens, outputTokens$/,
    why: "the recorder left headers out, or the API of 2024 had no separate limits for input and output"
  },
  {
    fact: /stop_details$/,
    recorded: /^absent$/,
    emulated: /^null$/,
    why: "the recorded API did not have these details yet, or not in streams"
  },
  {
    fact: /usage\.(cache_\w+|cache_creation\.\w+|input_tokens|inference_geo|service_tier)$/,
    recorded: /^absent$/,
    emulated: /./,
    why: "the recorded API did not report this part of the usage yet"
  },
  {
    fact: /usage\.output_tokens_details\.thinking_tokens$/,
    recorded: /^absent$/,
    emulated: /^0$/,
    why: "the recorded API did not count thinking separately yet"
  },
  {
    fact: /^a tool_use has$/,
    recorded: /^id, input, name, type$/,
    emulated: /^caller, id, input, name, type$/,
    why: "the recorded API did not name the caller of a tool yet"
  },
  {
    fact: /usage\.inference_geo$/,
    recorded: /^global$/,
    emulated: /^not_available$/,
    why: "the emulator has no region"
  },
  {
    fact: /^blocks$/,
    recorded: /^(redacted_)?thinking, text(, tool_use)?$/,
    emulated: /^(text|tool_use)$/,
    why: "the emulator does not think unless a reply from code does"
  },
  {
    fact: /^usage\.output_tokens_details\.thinking_tokens$/,
    recorded: /^some number$/,
    emulated: /^0$/,
    why: "the emulator does not think unless a reply from code does"
  },
  {
    fact: /^blocks$/,
    recorded: /server_tool_use|_tool_result/,
    emulated: /^(text|tool_use)$/,
    why: "the emulator does not run Anthropic's tools"
  },
  {
    fact: /usage\.server_tool_use\.\w+$/,
    recorded: /./,
    emulated: /^absent$/,
    why: "the emulator does not run Anthropic's tools"
  },
  {
    fact: /container\.(id|expires_at)$/,
    recorded: /^a text$/,
    emulated: /^absent$/,
    why: "the emulator does not run Anthropic's tools, so there is no container"
  },
  {
    fact: /context_management\.applied_edits$/,
    recorded: /^a list$/,
    emulated: /^absent$/,
    why: "the emulator does not edit the context"
  },
  {
    fact: /^usage\.iterations$/,
    recorded: /^a list$/,
    emulated: /^absent$/,
    why: "the emulator applies no task budgets, and compacts only longer prompts, so there is one iteration"
  },
  {
    fact: /^blocks$/,
    recorded: /^text(, tool_use){1,2}$/,
    emulated: /^tool_use(, tool_use)?$/,
    why: "the emulator sends no text before a tool call"
  },
  {
    fact: /^blocks$/,
    recorded: /tool_use$/,
    emulated: /^text$/,
    why: "the emulator calls a tool only if its name or description has a word of the question"
  },
  {
    fact: /^blocks$/,
    recorded: /^tool_use(, tool_use)?$/,
    emulated: /^tool_use(, tool_use)?$/,
    why: "the emulator calls each tool that matches a word of the question once; the model calls the tools that it needs"
  },
  {
    fact: /^stop_reason$/,
    recorded: /^max_tokens$/,
    emulated: /^end_turn$/,
    why: "the emulator's answer is shorter than the model's, so it is not truncated"
  },
  {
    fact: /stop_(reason|sequence)$/,
    recorded: /^(stop_sequence|a text)$/,
    emulated: /^(end_turn|null)$/,
    in: /prefill_and_stop_sequences/,
    why: "the model closed a block of code, the emulator quotes prose"
  },
  {
    fact: /^usage\.cache_(creation|read)_input_tokens$/,
    recorded: /^some number$/,
    emulated: /^0$/,
    in: /test_token_counts/,
    why: "the recording was edited: it has cache tokens without a breakpoint"
  },
  {
    fact: /^detail$/,
    recorded: /^invalid x-api-key$/,
    emulated: /^Invalid bearer token$/,
    why: "the current SDK sends the key as a bearer token"
  },
  {
    fact: /^outcome$/,
    recorded: /^InvalidRequest$/,
    emulated: /^reply$/,
    in: /real_error_scenarios/,
    why: "the recorder left out the prompt that was too long"
  },
  {
    fact: /^outcome$/,
    recorded: /^reply$/,
    emulated: /^InvalidRequest$/,
    in: /completion_tools_call_with_tool_result/,
    why: "the API of early 2024 accepted a result without a matching call; the current API refuses it"
  }
]
