/**
 * Rewrites the advice of an error for `map`: messages name options of programs, and `map` has flags.
 */

/** The flags with which rows whose answers were cut off succeed. Finished rows keep the smaller limit. */
const largerAnswers = (maxTokens: number) => `run it with --max-tokens ${2 * maxTokens} --keep`

/** The message with flags in its advice. `maxTokens` is the limit of the answers so far. */
export const inFlags = (message: string, maxTokens: number): string =>
  message
    .replaceAll("raise max_tokens", largerAnswers(maxTokens))
    .replace("; or catch this error in the step, to continue past such rows", "")
