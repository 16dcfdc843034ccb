/** Leaves out the mutants outside the sample (`MUTATION_SAMPLE`, a share); the report counts them as invalid. */
import { type Checker, CheckStatus } from "@stryker-mutator/api/check"
import { type Mutant } from "@stryker-mutator/api/core"
import { declareClassPlugin, PluginKind } from "@stryker-mutator/api/plugin"
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { relative } from "node:path"

class Sample implements Checker {
  async init() {}

  async group(mutants: ReadonlyArray<Mutant>) {
    return [mutants.map(({ id }) => id)]
  }

  async check(mutants: ReadonlyArray<Mutant>) {
    const share = Number(process.env["MUTATION_SAMPLE"])
    return Object.fromEntries(
      mutants.map((mutant) => [
        mutant.id,
        placeOf(mutant) < share
          ? { status: CheckStatus.Passed as const }
          : { status: CheckStatus.CompileError as const, reason: "not in the sample" }
      ])
    )
  }
}

/** A number from 0 to 1 that depends on the file, the lines of the mutant and its replacement. */
const placeOf = ({ fileName, location, replacement }: Mutant) => {
  const lines = readFileSync(fileName, "utf8")
    .split("\n")
    .slice(location.start.line, location.end.line + 1)
  const identity = JSON.stringify([relative(process.cwd(), fileName), lines, replacement])
  return createHash("sha256").update(identity).digest().readUInt32BE() / 2 ** 32
}

export const strykerPlugins = [declareClassPlugin(PluginKind.Checker, "sample", Sample)]
