/**
 * Describes what is wrong with a row: every wrong field with its path, what it must be, and a little of its value.
 */
import * as Predicate from "effect/Predicate"
import * as SchemaIssue from "effect/SchemaIssue"
import * as Redact from "../../claude/Redact.ts"

/** Describes an issue, each field with its path: `"tags[0].name" must be a string, got 3`. */
export const describe = (issue: SchemaIssue.Issue): string =>
  formatIssue(issue)
    .issues.map(({ path = [], message }) => {
      const keys = path.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
      const field = keys.length === 0 ? "the row" : `"${keys.join("").replace(/^\./, "")}"`
      if (message === "Missing key") return `${field} is missing`
      const [, expected, got = ""] = /^Expected (.+?)(, got .*)?$/s.exec(message) ?? []
      if (expected === undefined) return `${field}: ${message}`
      const kinds = expected.replace(nonFinite, "number").match(member) ?? []
      const required = kinds.map((kind) => articles.get(kind.trim()) ?? kind.trim()).join(" or ")
      // Before it is cut: a part of a secret may have no recognizable form.
      const value = Redact.redact(got)
      return `${field} must be ${required}${value.length > 70 ? `${value.slice(0, 69)}…` : value}`
    })
    .join("; ")

/** A member of a union. A literal in quotes may have a bar. */
const member = /(?:"(?:\\.|[^"\\])*"|[^"|])+/g

/** The JSON form of a number that JSON does not have. */
const nonFinite = '"Infinity" | "-Infinity" | "NaN"'

const articles = new Map([
  ["number", "a number"],
  ["string", "a string"],
  ["boolean", "a boolean"],
  ["array", "an array"],
  ["object", "an object"]
])

/** Asks for an integer also where the value is no number at all. Effect asks for a number there. */
const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1({
  leafHook: (issue) => {
    const message = SchemaIssue.defaultLeafHook(issue)
    const checks = Predicate.isTagged(issue, "InvalidType") ? (issue.ast.checks ?? []) : []
    const integer = checks.some(({ annotations }) => annotations?.["expected"] === "an integer")
    return integer ? message.replace(/^Expected number/, "Expected an integer") : message
  }
})
