import { assert, describe, it } from "@effect/vitest"
import { readdirSync, readFileSync } from "node:fs"
import { join, relative, resolve } from "node:path"

/** The folders that each folder of the emulator may import, besides the options. Type imports count too. */
const rooms: Record<string, ReadonlyArray<string>> = {
  wire: ["wire"],
  request: ["wire", "request"],
  billing: ["wire", "request", "billing"],
  answering: ["wire", "request", "billing", "answering"],
  faults: ["wire", "faults"],
  batches: ["wire", "request", "billing", "answering", "faults", "batches"]
}

describe("the folders of the emulator", () => {
  it("import each other in one direction", () => {
    const wrong = imports.filter(
      ({ file, target }) =>
        file.includes("/") && target !== "Options.ts" && !rooms[roomOf(file)]?.includes(roomOf(target))
    )
    assert.deepStrictEqual(wrong, [])
  })

  it("have no cycle of modules, type imports included", () => {
    const circles = imports.filter(({ file, target }) => reaches(target, file))
    assert.deepStrictEqual(circles, [])
  })
})

const folder = resolve(import.meta.dirname, "../../../src/testing/emulator")

const imports = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .flatMap((file) => {
    const specifiers = readFileSync(join(folder, file), "utf8").matchAll(/from "(\.[^"]+)"/g)
    return Array.from(specifiers, ([, target = ""]) => ({
      file,
      target: relative(folder, resolve(folder, file, "..", target))
    }))
  })
  .filter(({ target }) => !target.startsWith(".."))

function roomOf(file: string): string {
  return file.split("/")[0] ?? file
}

function reaches(from: string, to: string, seen = new Set<string>()): boolean {
  if (from === to) return true
  if (seen.has(from)) return false
  seen.add(from)
  return imports.some(({ file, target }) => file === from && reaches(target, to, seen))
}
