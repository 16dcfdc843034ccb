/**
 * Where the emulator differs from what was recorded, and why. A difference that is not here is a mistake of one of them;
 * one that is here and no longer occurs has to go.
 */
import type { Shape } from "./Shape.ts"

/** A fact on which two shapes do not agree. */
export interface Disagreement {
  readonly fact: string
  readonly recorded: string
  readonly emulated: string
}

/** A difference that is meant. */
export interface Difference {
  readonly fact: RegExp
  readonly recorded: RegExp
  readonly emulated: RegExp
  /** The names of the recordings; by default all. */
  readonly in?: RegExp
  readonly why: string
}

/** The facts on which they do not agree, without those that follow from another one. */
export const disagreements = (recorded: Shape, emulated: Shape): ReadonlyArray<Disagreement> => {
  const differ = (fact: string) => recorded[fact] !== emulated[fact]
  return [...new Set([...Object.keys(recorded), ...Object.keys(emulated)])]
    .filter(differ)
    .filter((fact) => fact === "outcome" || !differ("outcome"))
    .filter((fact) => !(differ("blocks") && followsFromBlocks.test(fact)))
    .map((fact) => ({ fact, recorded: recorded[fact] ?? "absent", emulated: emulated[fact] ?? "absent" }))
}

const followsFromBlocks = /^(events|a .* has|(message_delta delta\.)?stop_reason)$/

/** Whether this is the difference that is meant. */
export const isMeant = (difference: Difference, { emulated, fact, recorded }: Disagreement, name: string): boolean =>
  difference.fact.test(fact) &&
  difference.recorded.test(recorded) &&
  difference.emulated.test(emulated) &&
  (difference.in?.test(name) ?? true)

/** Every difference that is meant. */
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
    why: "the recorder left headers out, or the API of 2024 had no limits for input and output apart"
  },
  {
    fact: /stop_details$/,
    recorded: /^absent$/,
    emulated: /^null$/,
    why: "the API of its day gave no details yet, or none in a stream"
  },
  {
    fact: /usage\.(cache_\w+|cache_creation\.\w+|input_tokens|inference_geo|service_tier)$/,
    recorded: /^absent$/,
    emulated: /./,
    why: "the API of its day did not report this of the usage yet"
  },
  {
    fact: /usage\.output_tokens_details\.thinking_tokens$/,
    recorded: /^absent$/,
    emulated: /^0$/,
    why: "the API of its day did not count thinking apart yet"
  },
  {
    fact: /^a tool_use has$/,
    recorded: /^id, input, name, type$/,
    emulated: /^caller, id, input, name, type$/,
    why: "the API of its day did not say yet who calls"
  },
  {
    fact: /usage\.inference_geo$/,
    recorded: /^global$/,
    emulated: /^not_available$/,
    why: "the emulator answers from no region"
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
    why: "the emulator edits no context"
  },
  {
    fact: /^usage\.iterations$/,
    recorded: /^a list$/,
    emulated: /^absent$/,
    why: "the emulator compacts nothing, and keeps to no task budget, so there is one iteration"
  },
  {
    fact: /^a text has$/,
    recorded: /citations/,
    emulated: /^text, type$/,
    why: "the emulator does not cite unless a reply from code does"
  },
  {
    fact: /^blocks$/,
    recorded: /^text(, tool_use){1,2}$/,
    emulated: /^tool_use(, tool_use)?$/,
    why: "the emulator says nothing before it calls a tool"
  },
  {
    fact: /^blocks$/,
    recorded: /tool_use$/,
    emulated: /^text$/,
    why: "the emulator calls a tool when a word of the question is in its name or description, and no other"
  },
  {
    fact: /^blocks$/,
    recorded: /^tool_use(, tool_use)?$/,
    emulated: /^tool_use(, tool_use)?$/,
    why: "the emulator calls every tool that a word of the question fits, once; the model takes what it needs"
  },
  {
    fact: /^stop_reason$/,
    recorded: /^max_tokens$/,
    emulated: /^end_turn$/,
    why: "the emulator's answer is shorter than the model's, and needs no cut"
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
    why: "the SDK of today sends the key as a bearer token"
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
    why: "the API of early 2024 took a result with the id of no call; that of today refuses it"
  }
]
