import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import { make } from "../../../src/claude/Redact.ts"
import * as Recording from "../../../src/testing/cassette/Recording.ts"
import * as Secrets from "../../../src/testing/cassette/Secrets.ts"

const secret = `ca"nary/4f9b`
const search = { known: [{ name: "MY_TOKEN", value: secret }], redact: make({}) }

describe("the secrets of the environment", () => {
  it.effect("are the values of variables with names such as TOKEN or PASSWORD, numbered ones too", () =>
    Effect.gen(function* () {
      const found = yield* fromEnvironment({
        ANTHROPIC_API_KEY: "value-one",
        GITHUB_TOKEN: "value-two",
        GITHUB_TOKEN_FILE: "value-three",
        DB_PASSWORD_1: "value-four",
        npm_config_secret: "value-five"
      })
      assert.deepStrictEqual(
        new Set(found.map(({ value }) => value)),
        new Set(["value-one", "value-two", "value-three", "value-four", "value-five"])
      )
    })
  )

  const names = [
    "DB_PASS",
    "MYSQL_PWD",
    "API_KEY2",
    "SECRET2",
    "GITHUB_PAT",
    "SMTP_AUTH",
    "JWT",
    "PRIVATE_PEM",
    "PAT_1"
  ]
  it.effect.each(names)("include short names: %s", (name) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* fromEnvironment({ [name]: "value-one" }), [{ name, value: "value-one" }])
    })
  )

  it.effect("include the passwords in addresses", () =>
    Effect.gen(function* () {
      const found = yield* fromEnvironment({
        DATABASE_URL: "postgres://me:value%2Fone@host/data",
        REDIS: "redis://host"
      })
      assert.deepStrictEqual(found, [{ name: "the password in DATABASE_URL", value: "value/one" }])
    })
  )

  it.effect("do not include short or public values", () =>
    Effect.gen(function* () {
      const ordinary = {
        PATH: "/usr/local/bin",
        PWD: "/home/somebody",
        GIT_AUTHOR_NAME: "Some Body",
        SSH_AUTH_SOCK: "/tmp/ssh-agent",
        OLDPWD: "/home/somebody",
        HOMEPAGE: "https://host:8080/somebody",
        MAX_TOKENS: "4096"
      }
      assert.deepStrictEqual(yield* fromEnvironment(ordinary), [])
    })
  )

  it.effect("are found quickly, even with a variable that ends in a large number", () =>
    Effect.gen(function* () {
      const found = yield* fromEnvironment({ RUN_4294967290: "x", API_KEY: "value-one" })
      assert.deepStrictEqual(found, [{ name: "API_KEY", value: "value-one" }])
    })
  )

  it.effect("are found in nested configuration", () =>
    Effect.gen(function* () {
      const provider = ConfigProvider.fromUnknown({ database: { hosts: ["a"], password: "value-one" } })
      const found = yield* Effect.provideService(Secrets.ofEnvironment, ConfigProvider.ConfigProvider, provider)
      assert.deepStrictEqual(found, [{ name: "database_password", value: "value-one" }])
    })
  )
})

describe("a secret is found", () => {
  const escaped = JSON.stringify(secret).slice(1, -1)

  it.each([
    ["as it is", exchange({ system: `see ${secret}` }), "request.body.system"],
    ["in JSON inside a text", exchange({ system: JSON.stringify({ secret }) }), "request.body.system"],
    ["as the key of an object", exchange({ metadata: { [secret]: 1 } }), "request.body.metadata.[redacted]"],
    ["in an address", exchange({}, [], `/v1/files?name=${encodeURIComponent(secret)}`), "request.path"],
    ["over two chunks", exchange({}, [`... ${escaped.slice(0, 6)}`, `${escaped.slice(6)} ...`]), "response.body"],
    ["over two deltas", exchange({}, [delta(secret.slice(0, 6)), delta(secret.slice(6))]), "response.body"]
  ])("%s", (_, exchange, place) => {
    assert.deepStrictEqual(Secrets.find([exchange], search), [`exchange 1, ${place}: the value of MY_TOKEN`])
  })

  it.each([
    ["its form", { system: "see sk-ant-api03-abc" }, "system"],
    ["the name of its field", { tool: { password: "hunter2hunter2" } }, "tool.password"],
    ["the redaction of the program", { system: "patient 4711" }, "system"]
  ])("by %s", (_, body, path) => {
    const redact = make({ patterns: [/patient \d+/] })
    const found = Secrets.find([exchange(body)], { known: [], redact })
    assert.deepStrictEqual(found, [`exchange 1, request.body.${path}: text that looks like a secret`])
  })

  it("only if there is one", () => {
    const ordinary = `A skate, a risk-free task, https://host:8080/path@2, the bearer of good news, a token, MY_TOKEN`
    assert.deepStrictEqual(Secrets.find([exchange({ system: ordinary }, [delta(ordinary)])], search), [])
    assert.strictEqual(Secrets.hide(search)(ordinary), ordinary)
  })
})

describe("the headers of a request", () => {
  it("contain credentials in three fields only", () => {
    const headers = new Headers({
      "x-api-key": "value-one",
      authorization: "Bearer value-two",
      cookie: "session=three",
      "content-type": "application/json",
      "anthropic-version": "2026-10-21"
    })
    assert.deepStrictEqual(
      new Set(Secrets.ofHeaders(headers).map(({ value }) => value)),
      new Set(["value-one", "value-two", "session=three"])
    )
  })
})

// Builders

const fromEnvironment = (env: Record<string, string>) =>
  Effect.provideService(Secrets.ofEnvironment, ConfigProvider.ConfigProvider, ConfigProvider.fromEnvRecord(env))

function exchange(body: object, chunks: ReadonlyArray<string> = [], path = "/v1/messages"): Recording.Exchange {
  return {
    request: Recording.request({ method: "POST", path, headers: {}, body: JSON.stringify(body) }),
    response: {
      at: 0,
      status: 200,
      headers: {},
      body: { chunks: chunks.map((text) => ({ at: 0, lines: text.split("\n") })) }
    }
  }
}

function delta(text: string): string {
  return `data: ${JSON.stringify({ type: "content_block_delta", delta: { type: "text_delta", text } })}\n\n`
}
