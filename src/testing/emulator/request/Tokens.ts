/**
 * An estimate of tokens: four characters each, about the rate of English prose. One measure counts prompts, truncates
 * answers and paces streams, so that the numbers add up. It is not Claude's tokenizer.
 */

const surrogates = /[\uDC00-\uDFFF]/g
const pieces = /[^]{1,4}/gu

/** How many tokens a text has. */
export const count = (text: string): number => Math.ceil((text.length - (text.match(surrogates)?.length ?? 0)) / 4)

/** The text cut into tokens; joined they are the text again. */
export const split = (text: string): ReadonlyArray<string> => text.match(pieces) ?? []
