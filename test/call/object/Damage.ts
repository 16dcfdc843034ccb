/**
 * A ticket, and the ways in which its JSON arrives damaged. `repairable` is the least share that needs no second call.
 */
import * as Schema from "effect/Schema"

export const Ticket = Schema.Struct({
  id: Schema.String,
  text: Schema.String,
  urgent: Schema.Boolean,
  stars: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 })),
  tags: Schema.Array(Schema.String),
  note: Schema.NullOr(Schema.String),
  place: Schema.Struct({ name: Schema.String, floor: Schema.Int })
})
type Ticket = typeof Ticket.Type

interface Damage {
  readonly name: string
  readonly damage: (ticket: Ticket, index: number) => string
  readonly repairable: number
}

const pretty = (value: unknown) => JSON.stringify(value, null, 2)

/** As Python prints a value. */
const python = (value: unknown): string => {
  if (value === null) return "None"
  if (typeof value === "boolean") return value ? "True" : "False"
  if (typeof value === "string")
    return `'${JSON.stringify(value).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
  if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`
  if (typeof value !== "object") return String(value)
  return `{${Object.entries(value)
    .map(([key, one]) => `${python(key)}: ${python(one)}`)
    .join(", ")}}`
}

export const damages: ReadonlyArray<Damage> = [
  { name: "in a fence", damage: (ticket) => `\`\`\`json\n${pretty(ticket)}\n\`\`\``, repairable: 1 },
  {
    name: "in a fence, with prose around it",
    damage: (ticket) => `Here is the ticket:\n\n\`\`\`\n${pretty(ticket)}\n\`\`\`\n\nShall I go on?`,
    repairable: 1
  },
  {
    name: "with prose around it",
    damage: (ticket) => `The ticket is: ${JSON.stringify(ticket)}. I hope this helps!`,
    repairable: 1
  },
  {
    name: "with trailing commas",
    damage: (ticket) => pretty(ticket).replaceAll(/(["\d\]}el])\n(\s*[\]}])/g, "$1,\n$2"),
    repairable: 0.9
  },
  { name: "as Python prints it", damage: python, repairable: 0.5 },
  {
    name: "with keys without quotes",
    damage: (ticket) => pretty(ticket).replaceAll(/^(\s*)"(\w+)":/gm, "$1$2:"),
    repairable: 0.9
  },
  {
    name: "without commas between fields",
    damage: (ticket) => pretty(ticket).replaceAll(/,\n/g, "\n"),
    repairable: 0.9
  },
  {
    name: "with comments",
    damage: (ticket) => pretty(ticket).replace('"stars"', '// how good\n  "stars"'),
    repairable: 0.9
  },
  {
    name: "with quotes that are not escaped",
    damage: (ticket) => JSON.stringify(ticket).replaceAll('\\"', '"'),
    repairable: 0
  },
  {
    name: "cut off",
    damage: (ticket, index) => {
      const text = JSON.stringify(ticket)
      return text.slice(0, 1 + ((index * 7919) % (text.length - 1)))
    },
    repairable: 0
  },
  {
    name: "cut off, and closed by a gateway",
    damage: (ticket, index) => {
      const text = JSON.stringify(ticket)
      return `${text.slice(0, 1 + ((index * 7919) % (text.length - 1)))}"}`
    },
    repairable: 0
  },
  {
    name: "with a list in place of a value",
    damage: (ticket) => `[${JSON.stringify(ticket)},]`,
    repairable: 0
  },
  {
    name: "followed by another one",
    damage: (ticket) => `${JSON.stringify(ticket)}\n${JSON.stringify({ ...ticket, id: `${ticket.id}2` })}`,
    repairable: 0
  },
  {
    name: "with a word for a number",
    damage: (ticket) => JSON.stringify({ ...ticket, stars: "three" }),
    repairable: 0
  },
  {
    name: "with an ellipsis for the rest of a list",
    damage: (ticket) => JSON.stringify({ ...ticket, tags: ["a"] }).replace('["a"]', '["a", ...]'),
    repairable: 0
  }
]
