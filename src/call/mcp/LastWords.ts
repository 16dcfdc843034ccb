/**
 * Finds why a server ended in what it wrote last. Node ends a crash with its version, npm with the path of a log, and both
 * write the error before that. Pure.
 */

/** The last error in the lines, or else the last three lines. It has no line breaks. */
export const of = (text: string): string => {
  const lines = text.split("\n").map((line) => line.trim())
  const spoken = lines.filter((line) => line !== "" && !says.nothing.test(line))
  const at = spoken.findLastIndex((line) => says.error.test(line))
  const words = at === -1 ? spoken.slice(-most) : spoken.slice(firstOf(spoken, at)).slice(0, most).filter(isError)
  const whole = words.join("; ")
  return whole.length > longest ? `${whole.slice(0, longest - 1)}…` : whole
}

const says = {
  error: /error/i,
  // A place of a stack, the version of Node, the path of a log of npm, and lines of npm without an error.
  nothing: /^(?:at .*:\d+\)?(?: \{)?$|Node\.js v\d|npm (?:notice|warn)\b|npm error (?:\d+$|A complete log))/
}

const isError = (line: string) => says.error.test(line)

/** An error may have several lines, and begins with the most telling one. */
const firstOf = (lines: ReadonlyArray<string>, last: number): number =>
  last > 0 && isError(lines[last - 1] ?? "") ? firstOf(lines, last - 1) : last

const most = 3

const longest = 300
