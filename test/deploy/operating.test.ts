import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { SqlClient } from "effect/sql/SqlClient"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { postgres } from "../pipeline/journal/databases.ts"
import * as Tables from "../../src/pipeline/journal/Tables.ts"
import { problemOf, wordsOf } from "./commands.ts"

const page = readFileSync("docs/operating.md", "utf8")
const compose = readFileSync("docs/deploy/compose.yaml", "utf8")

describe("the page about operating", () => {
  it("shows a job that the compiler checks", () => {
    assert.deepStrictEqual(blocks("ts"), [readFileSync("test/deploy/job.ts", "utf8")])
  })

  it("shows commands of effect-claude that exist", async () => {
    const line = /(?:^ *effect-claude|run --rm submit|effect-claude\.mjs) (.*?)(?: &|')?$/gm
    const lines = blocks("sh").flatMap((block) => Array.from(block.matchAll(line)))
    const commands = lines.map(([, args = ""]) =>
      args.replaceAll("$n", "1").replaceAll("$DATABASE", "postgres://db:5432/mails")
    )
    assert.isAbove(commands.length, 10)
    const problems = await Promise.all(commands.map((command) => problemOf(wordsOf(command))))
    assert.deepStrictEqual(
      problems,
      commands.map(() => undefined)
    )
  })

  it("names services, variables and profiles that the compose file has", () => {
    for (const [, service] of page.matchAll(/docker compose (?:run --rm|logs --follow) (\w+)/g)) {
      assert.match(compose, new RegExp(`^  ${service}:$`, "m"))
    }
    for (const [, name = "", value = ""] of blocks("ini")
      .join("\n")
      .matchAll(/^(?:# )?(\w+)=(.*)$/gm)) {
      assert.include(compose, name === "COMPOSE_PROFILES" ? `profiles: [${value}]` : `\${${name}:`)
    }
  })

  it("links to files that exist, and applies every manifest", () => {
    const links = Array.from(page.matchAll(/\]\(([^)#:]+)(?:#[\w-]*)?\)/g), ([, path = ""]) => path)
    const applied = Array.from(page.matchAll(/--filename (\S+)/g), ([, path = ""]) => join("deploy", path))
    assert.isAbove(applied.length, 4)
    assert.deepStrictEqual(
      [...links, ...applied].filter((path) => !existsSync(join("docs", path))),
      []
    )
  })

  it("names metrics that the workers have", () => {
    const commandLine = readFileSync("docs/command-line.md", "utf8")
    const metrics = Array.from(page.matchAll(/effect_claude_\w+(?:_total|_held)\b/g), ([name]) => name)
    assert.isAbove(metrics.length, 4)
    for (const name of metrics) assert.include(commandLine, name)
  })

  it.effect.skipIf(postgres.missing !== "")(`has queries that run on the tables${postgres.missing}`, () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      yield* Tables.migrate
      const statements = blocks("sql").flatMap((block) => block.split(";").filter((part) => part.trim() !== ""))
      assert.isAbove(statements.length, 6)
      for (const statement of statements) yield* sql.unsafe(statement)
    }).pipe(Effect.provide(postgres.layer))
  )
})

// Builders

/** The code blocks in a language, without those that another word sets apart. */
const blocks = (language: string) =>
  Array.from(page.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, "gm")), ([, block = ""]) => block)
