import { assert, it } from "@effect/vitest"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

it("only src/run names flags of the command line, since programs read the other messages too", () => {
  const src = join(import.meta.dirname, "../../src")
  const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter(
    (file) => file.endsWith(".ts") && !file.startsWith("run/")
  )
  assert.isAbove(files.length, 50)
  const named = files.filter((file) =>
    /(^|[^-\w])--[a-z]+/m.test(readFileSync(join(src, file), "utf8").replaceAll(/--depth/g, ""))
  )
  assert.deepStrictEqual(named, [])
})
