import { assert, describe, it } from "@effect/vitest"
import { DCLinter } from "dclint"
import { Schema } from "effect"
import { Yaml } from "effect/encoding"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as GracefulStop from "../../src/run/GracefulStop.ts"
import { folder } from "../run/cli.ts"
import { problemOf, wordsOf } from "./commands.ts"

const path = "docs/deploy/compose.yaml"
const text = readFileSync(path, "utf8")

describe("the compose file", () => {
  it("follows the schema of the Compose specification", () => {
    assert.deepStrictEqual(problems(path), [])
  })

  it("is refused by that schema with a mistake in a name", () => {
    for (const [right, wrong] of [
      ["stop_grace_period", "stop_grace_periods"],
      ["condition: service_healthy", "conditions: service_healthy"],
      ["retries: 30", "retry: 30"]
    ]) {
      const file = join(folder(0).path, "compose.yaml")
      writeFileSync(file, text.replace(String(right), String(wrong)))
      assert.isNotEmpty(problems(file), wrong)
    }
  })

  it.each([
    ["without further variables", {}],
    ["with Redis", { WORKER_FLAGS: "--redis redis://redis:6379 --concurrency 32", BUDGET: "2M tokens" }]
  ])("runs commands that exist, %s", async (_, variables) => {
    const commands = ["worker", "submit", "emulator"].map((name) => commandOf(name, variables))
    const problems = await Promise.all(commands.map((command) => problemOf(wordsOf(command))))
    assert.deepStrictEqual(problems, [undefined, undefined, undefined])
  })

  it("gives a worker more time to stop than its calls in flight get", () => {
    const seconds = Number(services["worker"]?.stop_grace_period?.replace(/s$/, ""))
    assert.isAbove(seconds, Number(GracefulStop.grace.replace(" seconds", "")))
  })

  it("checks the port on which a worker reports its health", () => {
    const [, port] = /--health-port (\d+)/.exec(commandOf("worker", {})) ?? []
    assert.include(services["worker"]?.healthcheck?.test.join(" "), `http://127.0.0.1:${port}/livez`)
  })
})

describe("the recipe of the image", () => {
  const recipe = readFileSync("docs/deploy/Dockerfile", "utf8")

  it("starts the command without npm or a shell, which would keep SIGTERM from it", async () => {
    const { bin } = Schema.decodeSync(Package)(readFileSync("package.json", "utf8"))
    assert.deepStrictEqual(wordsIn(recipe, "ENTRYPOINT"), [
      "node",
      join("node_modules/effect-claude", bin["effect-claude"])
    ])
    assert.deepStrictEqual(wordsIn(recipe, "CMD"), ["--help"])
  })

  it("copies files by name, so that no input and no result gets into the image", () => {
    const copied = Array.from(recipe.matchAll(/^COPY (?!--from)(.*) \S+$/gm), ([, files]) => files)
    assert.deepStrictEqual(copied, ["package.json package-lock.json *.tgz", "package.json job.ts"])
  })

  it("runs on the Node of the tests, in production, without the rights of root", () => {
    const [version = ""] = process.versions.node.split(".")
    assert.match(recipe, new RegExp(`^FROM node:${version}-slim$`, "m"))
    assert.match(recipe, /^ENV NODE_ENV=production$/m)
    assert.match(recipe, /^USER node$/m)
  })
})

// Builders

const decodeResults = Schema.decodeUnknownSync(
  Schema.Array(
    Schema.Struct({ messages: Schema.Array(Schema.Struct({ type: Schema.String, message: Schema.String })) })
  )
)

/** The errors of a file, by the schema and by rules against known mistakes. */
const problems = (file: string) =>
  // Compose names the image that it builds.
  decodeResults(
    new DCLinter({ rules: { "no-build-and-image": 0 }, quiet: false, debug: false, exclude: [] }).lintFiles(
      [file],
      false
    )
  ).flatMap(({ messages }) => messages.filter(({ type }) => type === "error").map(({ message }) => message))

const { services } = Schema.decodeUnknownSync(
  Schema.Struct({
    services: Schema.Record(
      Schema.String,
      Schema.Struct({
        command: Schema.optional(Schema.String),
        stop_grace_period: Schema.optional(Schema.String),
        healthcheck: Schema.optional(Schema.Struct({ test: Schema.Array(Schema.String) }))
      })
    )
  })
)(Yaml.parse(text))

/** The command of a service, with the variables that the file names. */
const commandOf = (service: string, variables: Readonly<Record<string, string>>) =>
  (services[service]?.command ?? "").replace(
    /\$\{(\w+):-([^}]*)\}/g,
    (_, name: string, other: string) => variables[name] ?? other
  )

const Package = Schema.fromJsonString(Schema.Struct({ bin: Schema.Struct({ "effect-claude": Schema.String }) }))

const decodeWords = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Array(Schema.String)))

/** The words of an instruction in exec form. */
const wordsIn = (recipe: string, instruction: string) =>
  decodeWords(new RegExp(`^${instruction} (.*)$`, "m").exec(recipe)?.[1])
