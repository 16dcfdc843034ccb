import { readdirSync, readFileSync } from "node:fs"
import { join, relative, resolve } from "node:path"
import { assert, describe, it } from "@effect/vitest"

/** What each folder of src may import; `run` stands on everything, and nothing imports it. */
const arrows: Record<string, ReadonlyArray<string>> = {
  claude: ["claude"],
  policy: ["claude", "policy"],
  call: ["claude", "call"],
  pipeline: ["claude", "call", "pipeline"],
  testing: ["claude", "testing"],
  run: ["claude", "policy", "call", "pipeline", "testing", "run", "."]
}

describe("the import arrows", () => {
  it("point from folder to folder as the layout says", () => {
    const wrong = local.filter(({ file, target }) => folderOf(file) !== "." && !mayImport(file, target))
    assert.deepStrictEqual(wrong, [])
  })

  it("do not lead from one policy to another, save in the stack", () => {
    const wrong = local.filter(
      ({ file, target }) =>
        folderOf(file) === "policy" && folderOf(target) === "policy" && policyOf(file) !== policyOf(target)
    )
    assert.deepStrictEqual([...new Set(wrong.map(({ file }) => file))], ["policy/stack.ts"])
  })

  it("lead to Node only from run, and from the emulator's server", () => {
    const wrong = imports.filter(({ file, target }) => isOfNode(target) && folderOf(file) !== "run")
    assert.deepStrictEqual([...new Set(wrong.map(({ file }) => file))], ["testing/emulator/wire/Server.ts"])
  })

  it("lead to no barrel, where only the modules themselves are needed", () => {
    const wrong = imports.filter(({ target }) => target === "effect" || target === "@effect/platform-node")
    assert.deepStrictEqual(wrong, [])
  })
})

// Builders

const src = resolve(import.meta.dirname, "../src")

const imports = readdirSync(src, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .flatMap((file) => {
    const specifiers = readFileSync(join(src, file), "utf8").matchAll(/(?:^|[ (;])(?:from |import\(?)\s*"([^"]+)"/gm)
    return Array.from(specifiers, ([, target = ""]) => ({ file, target }))
  })

const local = imports
  .filter(({ target }) => target.startsWith("."))
  .map(({ file, target }) => ({ file, target: relative(src, resolve(src, file, "..", target)) }))

/** The folder of a file of src; `.` for those that only gather. */
function folderOf(file: string): string {
  return file.includes("/") ? (file.split("/")[0] ?? ".") : "."
}

/** `policy/Telemetry.ts`, and what is in `policy/telemetry`, is one policy. */
function policyOf(file: string): string | undefined {
  return file.split("/")[1]?.replace(".ts", "").toLowerCase()
}

function mayImport(file: string, target: string): boolean {
  return arrows[folderOf(file)]?.includes(folderOf(target)) ?? false
}

function isOfNode(target: string): boolean {
  return target.startsWith("node:") || target.startsWith("@effect/platform-node")
}
