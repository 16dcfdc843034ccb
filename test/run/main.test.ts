/** Tests that need a real process: signals, their exit codes, and the check of the Node version. */
import { assert, describe, it } from "@effect/vitest"
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { folder } from "./cli.ts"

const main = ["--conditions=effect-claude-source", "src/run/main.ts"]
const { NODE_COMPILE_CACHE = "", PATH = "" } = process.env
const inherited = { NODE_COMPILE_CACHE, PATH, ANTHROPIC_API_KEY: "some-key" }

const start = (args: ReadonlyArray<string>, env: Record<string, string> = {}) => {
  const child = spawn(process.execPath, [...main, ...args], { env: { ...inherited, ...env } })
  let stderr = ""
  child.stderr.on("data", (data) => (stderr += data))
  return { child, end: once(child, "exit").then(([code]) => ({ code, stderr })) }
}

describe("a run that is interrupted", () => {
  it.skipIf(process.platform === "win32").each([
    ["SIGINT", 130],
    ["SIGTERM", 143]
  ] as const)("before the first row is claimed exits on %s with %i, and changes nothing", async (signal, code) => {
    const { output, path } = folder(1)
    const { child, end } = start(["run", "test/run/endless.job.ts", "--output", output])
    await once(child.stdout, "data")
    child.kill(signal)
    assert.deepStrictEqual(await end, {
      code,
      stderr: "interrupted before anything was sent; nothing has changed\n"
    })
    assert.deepStrictEqual(readdirSync(path), ["mails.jsonl"])
  })
})

describe("effect-claude emulate -- program", () => {
  it.skipIf(process.platform === "win32").each([
    ["SIGINT", 130],
    ["SIGTERM", 143]
  ] as const)("passes %s on, waits for the program, and exits with %i", async (signal, code) => {
    const file = join(folder(0).path, "signal")
    const script = `process.on("${signal}", () => { require("node:fs").writeFileSync(process.argv[1], "${signal}"); process.exit(0) })
      console.log("ready"); setInterval(() => {}, 1000)`
    const { child, end } = start(["emulate", "--", process.execPath, "-e", script, file])
    await once(child.stdout, "data")
    child.kill(signal)
    assert.strictEqual((await end).code, code)
    assert.strictEqual(readFileSync(file, "utf8"), signal)
  })
})

describe("a command", () => {
  it("loads the declarations of flags only, where help is asked for", () => {
    const { ours, packages } = loadedBy("--help")
    assert.deepStrictEqual(packages, [
      "@effect/platform-node",
      "@effect/platform-node-shared",
      "@noble/hashes",
      "effect"
    ])
    const isDeclaration = (file: string) => /^run\/(commands\/\w+|\w*Flags)\.ts$/.test(file)
    assert.deepStrictEqual(
      ours.filter((file) => !isDeclaration(file)),
      [
        "claude/Amount.ts",
        "claude/Dollars.ts",
        "claude/Models.ts",
        "claude/Sha256.ts",
        "claude/SpendStore.ts",
        "run/Cli.ts",
        "run/ErrorText.ts",
        "run/ExitWith.ts",
        "run/Heap.ts",
        "run/Help.ts",
        "run/Outputs.ts",
        "run/Signals.ts",
        "run/main.ts",
        "testing/emulator/faults/Faults.ts",
        "testing/emulator/wire/Occurrences.ts"
      ]
    )
  })

  it("loads no package of a database, a chart or a file format that it does not use", () => {
    const { packages } = loadedBy("run", "test/run/missing.job.ts")
    assert.include(packages, "@anthropic-ai/sdk")
    for (const unused of ["redis", "@effect/sql-pg", "pg", "@observablehq/plot", "linkedom", "hyparquet"]) {
      assert.notInclude(packages, unused)
    }
  })
})

describe("bin/effect-claude.mjs", () => {
  it("names the Node that it needs on an older one", async () => {
    const script = `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.19.0" } })
      await import(process.argv[1]); process.exit()`
    const bin = new URL("../../bin/effect-claude.mjs", import.meta.url).href
    const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script, bin], {
      encoding: "utf8"
    })
    assert.strictEqual(stderr, "effect-claude needs Node 22.19 or newer; this is 20.19.0\n")
    assert.strictEqual(status, 2)
  })

  it("says how to run a clone that is not built", () => {
    const clone = mkdtempSync(join(tmpdir(), "clone-"))
    const bin = join(clone, "bin", "effect-claude.mjs")
    mkdirSync(join(clone, "bin"))
    copyFileSync(new URL("../../bin/effect-claude.mjs", import.meta.url), bin)
    const { status, stderr } = spawnSync(process.execPath, [bin], { encoding: "utf8" })
    rmSync(clone, { recursive: true })
    assert.strictEqual(stderr, "effect-claude: this clone is not built; run npm run build, or npm run cli -- --help\n")
    assert.strictEqual(status, 2)
  })
})

// Builders

/** The packages, and the files of src, that a command loads. */
function loadedBy(...args: ReadonlyArray<string>) {
  const { stderr } = spawnSync(process.execPath, ["--import", "./test/run/loadedModules.ts", ...main, ...args], {
    encoding: "utf8",
    env: inherited
  })
  const urls: Array<string> = JSON.parse(stderr.split("\n").at(-1) ?? "")
  const named = (pattern: RegExp) => [...new Set(urls.flatMap((url) => pattern.exec(url)?.[1] ?? []))].toSorted()
  return {
    packages: named(/\/node_modules\/((?:@[^/]+\/)?[^/]+)/),
    ours: named(/^(?!.*\/node_modules\/).*\/src\/(.+)$/)
  }
}
