/**
 * What errors advise, in the flags of `map`. Their messages are for programs, which have no flags.
 */

/** The flags with which rows whose answers were cut off succeed. Finished rows keep the smaller limit. */
const largerAnswers = (maxTokens: number) => `run it with --max-tokens ${2 * maxTokens} --keep`

/** A message, for a run of `map` whose answers had at most `maxTokens`. */
export const inFlags = (message: string, maxTokens: number): string =>
  message
    .replaceAll("raise max_tokens", largerAnswers(maxTokens))
    .replace("; or catch this error in the step, to continue past such rows", "")
