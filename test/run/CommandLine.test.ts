import { assert, describe, it } from "@effect/vitest"
import * as CommandLine from "../../src/run/CommandLine.ts"

describe("CommandLine.toStore", () => {
  it("keeps the arguments of a command, without the flags of one run", () => {
    assert.deepStrictEqual(
      store("--log-level", "debug", "run", "job.ts", "--rerun", "--only-failed", "--keep", "--limit=5", "--json"),
      {
        folder: "/here",
        args: ["run", "job.ts", "--keep", "--limit", "5"],
        omitted: []
      }
    )
    assert.deepStrictEqual(store("run", "--yes", "true", "--no-keep", "--emulator", "no", "--", "job.ts").args, [
      "run",
      "--no-keep",
      "--emulator=no",
      "job.ts"
    ])
  })

  it("leaves out addresses with a user or a password, and standard input", () => {
    const secrets = ["--state", "postgres://me:secret@host/db", "--redis", "redis://secret@host"]
    const others = ["--cache", "postgres://host/db", "--input", "-", "--input", "a.jsonl"]
    const { args, omitted } = store("run", "job.ts", ...secrets, ...others)
    assert.deepStrictEqual(args, ["run", "job.ts", "--cache", "postgres://host/db", "--input", "a.jsonl"])
    assert.deepStrictEqual(omitted, ["--state", "--redis", "--input"])
    const map = CommandLine.toStore("map", ["map", "postgres://host/db?password=x", "--prompt", "@-"], "/here")
    assert.deepStrictEqual(map, { folder: "/here", args: ["map"], omitted: ["<data>", "--prompt"] })
  })
})

describe("CommandLine.change", () => {
  it("replaces the stored flags that are given, and makes given files independent of the folder", () => {
    const stored = store("run", "job.ts", "--input", "a", "--input", "b", "--keep", "--mode", "batches")
    const given = [
      "results.jsonl",
      "--input",
      "c",
      "--cache",
      "redis://host",
      "--no-keep",
      "--job",
      "x",
      "--mode=direct"
    ]
    const changes = { given, own: ["job"], state: "/there/x.sqlite", folder: "/there" }
    const inputs = ["--input", "/there/c", "--cache", "redis://host"]
    const mode = ["--no-keep", "--mode", "direct"]
    assert.deepStrictEqual(CommandLine.change(stored, changes), {
      args: ["run", "job.ts", ...inputs, ...mode, "--state", "/there/x.sqlite"],
      missing: []
    })
    assert.include(CommandLine.change(stored, { ...changes, folder: "/here" }).args, "c")
  })

  it("says what of the omitted values is not given", () => {
    const stored = { folder: "/here", args: ["run", "job.ts"], omitted: ["--state", "--cache", "--redis"] }
    const changes = { given: ["x", "--redis", "redis://host"], own: [], state: "s", folder: "/here" }
    assert.deepStrictEqual(CommandLine.change(stored, changes).missing, ["--cache"])
  })
})

describe("CommandLine.at", () => {
  const textAt = (place: string, ...args: ReadonlyArray<string>) =>
    CommandLine.toText(CommandLine.at({ folder: "/", args: ["run", "job.ts", ...args], omitted: [] }, place), "/")

  it("names the database where the state is now, such as after a restore", () => {
    const args = ["--limit=3", "--database", "postgres://old/jobs?sslmode=require"]
    assert.strictEqual(
      textAt("postgres://new/jobs", ...args),
      "effect-claude run job.ts --limit 3 --database postgres://new/jobs"
    )
    assert.include(textAt("postgres://old/jobs", ...args), "jobs?sslmode=require")
  })

  it("leaves the state of a file as it is", () => {
    assert.strictEqual(textAt("copy.sqlite", "--state", "x.sqlite"), "effect-claude run job.ts --state x.sqlite")
  })
})

describe("CommandLine.toText", () => {
  it("is a command for a shell, in the folder where it began", () => {
    const command = { folder: "/a b", args: ["map", "x.csv", "--prompt", "it's {{x}}"], omitted: ["--cache"] }
    const text = String.raw`effect-claude map x.csv --prompt 'it'\''s {{x}}' --cache …`
    assert.strictEqual(CommandLine.toText(command, "/a b"), text)
    assert.strictEqual(CommandLine.toText(command, "/"), `cd '/a b' && ${text}`)
  })
})

const store = (...args: ReadonlyArray<string>) => CommandLine.toStore("run", args, "/here")
