/**
 * The help of a command, and the text of a usage error: what is wrong, the nearest name, and where the help is. Pure text
 * for a terminal of any width.
 */
import * as Option from "effect/Option"
import type * as CliError from "effect/cli/CliError"
import type { ArgDoc, FlagDoc, HelpDoc } from "effect/cli/HelpDoc"

/** The groups of flags in a long help. A flag that no group has belongs to the command alone, and comes first. */
const groups: ReadonlyArray<readonly [title: string, flags: ReadonlyArray<string>]> = [
  ["Which rows", ["where", "reason", "sample", "limit", "max-failures", "only-failed", "keep", "rerun", "rejects"]],
  ["Model", ["model", "max-tokens", "fallback"]],
  ["Money", ["budget", "mode", "on-interrupt", "prompt-cache", "cache"]],
  ["Before it runs", ["dry-run", "count-tokens", "measure", "yes"]],
  ["Speed", ["concurrency", "rpm", "itpm", "otpm", "redis"]],
  ["Trying and scripts", ["emulator", "json"]]
]

/** With more flags than this, they are grouped. */
const manyFlags = 10

/** The help of a command. It has no colours; no line is longer than `columns`, apart from examples. */
export const text = (doc: HelpDoc, columns: number): string => {
  const width = Math.max(40, Math.min(columns, 100))
  const isRoot = (doc.commandPath?.length ?? 1) < 2
  const commands = doc.subcommands?.flatMap((group) => group.commands) ?? []
  const section = (title: string, rows: ReadonlyArray<Row>) =>
    rows.length === 0 ? [] : ["", `${title}:`, ...table(rows, width)]
  return [
    ...wrap(doc.description, width),
    "",
    ...wrap(`Usage: ${doc.usage.replace("<subcommand> [flags]", "<command> [flags]")}`, width),
    ...section(
      "Commands",
      commands.map(({ name, shortDescription, description }) => [name, shortDescription ?? description])
    ),
    ...section("Arguments", (doc.args ?? []).map(ofArgument)),
    ...grouped(doc.flags).flatMap(([title, flags]) => section(title, flags.map(ofFlag))),
    ...section("Everywhere", isRoot ? (doc.globalFlags ?? []).map(ofFlag) : []),
    ...(doc.examples === undefined || doc.examples.length === 0
      ? []
      : ["", "Examples:", ...doc.examples.map(({ command }) => `  ${command}`)])
  ].join("\n")
}

/** The lines of a usage error. `commandPath` is the command as far as it is known. */
export const usageError = (
  commandPath: ReadonlyArray<string>,
  errors: ReadonlyArray<CliError.NonShowHelpErrors>
): string => {
  const command = commandPath.join(" ")
  const what = commandPath.length < 2 ? "the commands" : "its flags"
  return [...errors.map((error) => `${command}: ${describe(error)}`), `${command} --help shows ${what}`].join("\n")
}

const describe = (error: CliError.NonShowHelpErrors): string => {
  switch (error._tag) {
    case "UnrecognizedOption":
      return `there is no flag ${error.option}${nearest(error.suggestions)}`
    case "UnknownSubcommand":
      return `there is no command ${JSON.stringify(error.subcommand)}${nearest(error.suggestions)}`
    case "MissingOption":
      return `--${error.option} is missing`
    case "MissingArgument":
      return `<${error.argument}> is missing`
    case "UnexpectedArgument":
      return `takes no more arguments, and got ${error.arguments.map((value) => JSON.stringify(value)).join(", ")}${
        error.arguments.every(isFile) ? `; put quotes around a pattern of files, as in "data/*.csv"` : ""
      }`
    case "InvalidValue":
      return invalid(error)
    default:
      return error.message
  }
}

const isFile = (argument: string) => /\.(?:csv|tsv|jsonl?|ndjson|parquet|txt|gz|zst)$/i.test(argument)

/** Effect's own texts begin with "Expected", list the values, or name a type. Ours begin with the value. */
const invalid = ({ expected, kind, option, value }: CliError.InvalidValue): string => {
  const place = kind === "argument" ? `<${option}>` : `--${option}`
  const given = JSON.stringify(value)
  const reason = expected
    .replace("a string representing a finite number", "a number")
    .replace(/^(Schema validation failed: )?(Expected\b)?/, (_match, _prefix, expected) => (expected ? "expected" : ""))
  if (reason.startsWith(given)) return `${place}: ${reason}`
  const isList = / \| /.test(reason) && !reason.startsWith("expected")
  const remedy = isList ? `write ${reason.replaceAll('"', "").replaceAll(" | ", " or ")}` : reason
  return value === "" ? `${place} has no value: ${remedy}` : `${place} ${given}: ${remedy}`
}

const nearest = (suggestions: ReadonlyArray<string>) =>
  suggestions.length === 0 ? "" : `; did you mean ${suggestions.join(" or ")}?`

/** A line of a table: a name with its value, and its description. */
type Row = readonly [left: string, right: string]

const grouped = (flags: ReadonlyArray<FlagDoc>): ReadonlyArray<readonly [string, ReadonlyArray<FlagDoc>]> => {
  if (flags.length <= manyFlags) return [["Flags", flags]]
  const known = new Set(groups.flatMap(([, names]) => names))
  const others = flags.filter(({ name }) => !known.has(name))
  const found = groups.map(([title, names]) => {
    const ofGroup = names.flatMap((name) => flags.find((flag) => flag.name === name) ?? [])
    return [title, ofGroup] as const
  })
  return [["Flags", others], ...found]
}

const ofArgument = ({ description, name, variadic }: ArgDoc): Row => [
  variadic ? `<${name}...>` : `<${name}>`,
  Option.getOrElse(description, () => "")
]

const ofFlag = ({ aliases, description, name, type }: FlagDoc): Row => {
  const [, text = "", choices] = /^([^]*?)(?: ?\(choices: (.*)\))?$/.exec(Option.getOrElse(description, () => "")) ?? []
  const value = choices === undefined ? valueOf(type) : ` ${choices.replaceAll(", ", "|")}`
  const names = [`--${name}`, ...aliases].join(", ")
  return value.length > longestValue ? [`${names} <value>`, `${text}: ${choices}`] : [names + value, text]
}

/** Longer lists of values are in the description. */
const longestValue = 20

/** The words for Effect's types of values. */
const valueOf = (type: string): string => {
  switch (type) {
    case "boolean":
      return ""
    case "path":
      return " <file>"
    case "string":
      return " <text>"
    case "integer":
    case "number":
      return " <number>"
    default:
      return ` ${type}`
  }
}

/** Descriptions are next to the names, or below them on a narrow terminal. */
const table = (rows: ReadonlyArray<Row>, width: number): ReadonlyArray<string> => {
  const column = Math.max(...rows.map(([left]) => left.length)) + 4
  const isNarrow = width - column < 30
  return rows.flatMap(([left, right]) => {
    if (isNarrow) return [`  ${left}`, ...wrap(right, width - 6).map((line) => `      ${line}`)]
    const [first = "", ...rest] = wrap(right, width - column)
    return [`  ${left}`.padEnd(column) + first, ...rest.map((line) => " ".repeat(column) + line)].map((line) =>
      line.trimEnd()
    )
  })
}

/** Breaks a text between its words. */
const wrap = (text: string, width: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  for (const word of text.split(" ")) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
