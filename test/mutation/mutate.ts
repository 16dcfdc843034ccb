/**
 * `npm run mutate -- FILE|FOLDER … [--sample 0.1]`: Stryker changes the sources in small ways, one at a time, runs the
 * tests that reach each change, and lists the changes that no test notices. Prints a table with a line per folder.
 *
 * A whole folder takes hours; `--sample` takes that share of its mutants. The choice depends on the text of each mutant,
 * so two runs choose the same mutants wherever the code is the same.
 */
import { Stryker } from "@stryker-mutator/core"
import { existsSync, statSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { parseArgs } from "node:util"

const here = import.meta.dirname
process.chdir(join(here, "../.."))

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { sample: { type: "string", default: "1" } }
})
const missing = positionals.filter((path) => !existsSync(path))
if (positionals.length === 0 || missing.length > 0) {
  console.error(`${missing.join(", ") || "no file"}: name files or folders of src, such as src/policy/Retry.ts`)
  process.exit(2)
}

process.env["MUTATION_SAMPLE"] = values.sample

const results = await new Stryker({
  mutate: positionals.map((path) => (statSync(path).isDirectory() ? join(path, "**/*.ts") : path)),
  testRunner: "vitest",
  vitest: { configFile: "test/mutation/vitest.config.ts" },
  plugins: [import.meta.resolve("@stryker-mutator/vitest-runner"), join(here, "Sample.ts")],
  checkers: ["sample"],
  coverageAnalysis: "perTest",
  ignoreStatic: true, // a mutant of module-level code would require reloading every test file
  tsconfigFile: "none.json", // Stryker reads tsconfig files with an API that TypeScript 7 no longer has
  disableTypeChecks: false,
  dryRunTimeoutMinutes: 60, // a busy machine is not a failure
  timeoutMS: 20_000,
  ignorePatterns: ["out", "dist", "bench"],
  tempDirName: "out/mutation",
  concurrency: 1,
  reporters: ["clear-text", "json", "progress-append-only"],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false, reportScoreTable: false },
  jsonReporter: { fileName: "out/mutation.json" }
}).runMutationTest()

const rows = Object.entries(Object.groupBy(results, ({ fileName }) => dirname(relative("src", fileName))))
const count = (mutants: typeof results, ...statuses: ReadonlyArray<string>) =>
  mutants.filter(({ status }) => statuses.includes(status)).length

console.table(
  rows.map(([folder, mutants = []]) => {
    const noticed = count(mutants, "Killed", "Timeout")
    const unnoticed = count(mutants, "Survived", "NoCoverage")
    return {
      folder,
      mutants: noticed + unnoticed,
      noticed,
      "not noticed": unnoticed,
      "of these never reached": count(mutants, "NoCoverage"),
      "score %": Number(((100 * noticed) / (noticed + unnoticed)).toFixed(1))
    }
  })
)
