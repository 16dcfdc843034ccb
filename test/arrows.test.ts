import { readdirSync, readFileSync } from "node:fs"
import { join, relative, resolve } from "node:path"
import { assert, describe, it } from "@effect/vitest"

/** The folders that each folder of src may import; `run` may import all of them, and nothing imports it. */
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

  it("do not lead from one policy to another, except in the stack", () => {
    const wrong = local.filter(
      ({ file, target }) =>
        folderOf(file) === "policy" && folderOf(target) === "policy" && moduleOf(file) !== moduleOf(target)
    )
    assert.deepStrictEqual([...new Set(wrong.map(({ file }) => file))], ["policy/stack.ts"])
  })

  it("lead into the folder of a module only from that module", () => {
    const wrong = local.filter(
      ({ file, target }) => isRoom(target) && roomOf(file) !== roomOf(target) && !openRooms.has(roomOf(target))
    )
    assert.deepStrictEqual(wrong.map(({ file, target }) => `${file} → ${target}`).toSorted(), [
      // Postgres shares the journal's error messages; flags load only the schema of their value; the cassette shares the
      // emulator's HTTP.
      "run/Postgres.ts → pipeline/journal/SqlMessage.ts",
      "run/commands/Emulate.ts → testing/emulator/faults/Faults.ts",
      "testing/Cassette.ts → testing/emulator/wire/Fetch.ts",
      "testing/cassette/Player.ts → testing/emulator/wire/Exchange.ts"
    ])
  })

  it("lead to Node only from run, and from the emulator's server", () => {
    const wrong = imports.filter(({ file, target }) => isOfNode(target) && folderOf(file) !== "run")
    assert.deepStrictEqual([...new Set(wrong.map(({ file }) => file))], ["testing/emulator/wire/Server.ts"])
  })

  it("lead to single modules of Effect, since its index files load slowly", () => {
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

/** The folder of a file of src; `.` for the two files that only gather exports. */
function folderOf(file: string): string {
  return file.includes("/") ? (file.split("/")[0] ?? ".") : "."
}

/** The commands are wired by `run/Cli.ts`. */
const openRooms = new Set(["run/commands"])

function isRoom(file: string): boolean {
  return file.split("/").length > 2
}

/** `policy/telemetry` for `policy/Telemetry.ts` and for the files in `policy/telemetry`. */
function roomOf(file: string): string {
  return `${folderOf(file)}/${moduleOf(file)}`
}

/** `policy/Telemetry.ts` and the files in `policy/telemetry` are one policy. */
function moduleOf(file: string): string | undefined {
  return file.split("/")[1]?.replace(".ts", "").toLowerCase()
}

function mayImport(file: string, target: string): boolean {
  return arrows[folderOf(file)]?.includes(folderOf(target)) ?? false
}

function isOfNode(target: string): boolean {
  return target.startsWith("node:") || target.startsWith("@effect/platform-node")
}
