/** Completions in real shells. The tests of zsh and fish need these shells: `apt-get install zsh fish`. */
import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { cli, folder } from "./cli.ts"

describe("the completions of a shell", () => {
  it.skipIf(isMissing("bash"))("are names of commands, flags, values and files in bash", async () => {
    const { completed } = await shell("bash")
    // What bash does where Tab is pressed.
    const complete = (words: ReadonlyArray<string>) =>
      completed(`COMP_WORDS=(${words.map((word) => `"${word}"`).join(" ")}); COMP_CWORD=${words.length - 1}
        COMP_LINE="\${COMP_WORDS[*]}"; COMP_POINT=\${#COMP_LINE}
        _effect_claude effect-claude "\${COMP_WORDS[COMP_CWORD]}" "\${COMP_WORDS[COMP_CWORD-1]}"
        printf '%s\\n' "\${COMPREPLY[@]}"`)
    assert.includeMembers(complete(["effect-claude", ""]), ["run", "retry", "emulate"])
    assert.deepStrictEqual(complete(["effect-claude", "run", "--mo"]), ["--mode", "--model"])
    assert.deepStrictEqual(complete(["effect-claude", "run", "--mode", ""]), ["batches", "direct"])
    assert.deepStrictEqual(complete(["effect-claude", "run", "jo"]), ["job.ts"])
    for (const command of ["map", "compare", "estimate", "retry"]) {
      assert.deepStrictEqual(complete(["effect-claude", command, "ma"]), ["mails.jsonl"], command)
    }
    assert.deepStrictEqual(complete(["effect-claude", "run", "job.ts", "--input", "ma"]), ["mails.jsonl"])
    assert.deepStrictEqual(complete(["effect-claude", "run", "job.ts", "--state", "data/"]), ["data/x.csv"])
  })

  it.skipIf(isMissing("fish"))("are names of commands, flags, values and files in fish", async () => {
    const { completed } = await shell("fish")
    const complete = (line: string) =>
      completed(`complete -C "${line}"`).map((completion) => completion.replace(/\t.*/, ""))
    assert.includeMembers(complete("effect-claude "), ["run", "retry", "emulate"])
    assert.deepStrictEqual(complete("effect-claude run --mo"), ["--mode", "--model"])
    assert.deepStrictEqual(complete("effect-claude run --mode "), ["batches", "direct"])
    assert.deepStrictEqual(complete("effect-claude run jo"), ["job.ts"])
    assert.deepStrictEqual(complete("effect-claude map ma"), ["mails.jsonl"])
    assert.deepStrictEqual(complete("effect-claude run job.ts --input ma"), ["mails.jsonl"])
  })

  it.skipIf(isMissing("zsh"))("are registered in zsh", async () => {
    const { completed, script } = await shell("zsh")
    assert.deepStrictEqual(completed("print -r -- $_comps[effect-claude]"), ["_effect_claude"])
    assert.include(script, `--input[The rows, instead of the job'\\''s own`)
  })
})

// Builders

function isMissing(name: string): boolean {
  return spawnSync(name, ["-c", "exit 0"]).status !== 0
}

/** A shell that has read the completions, in a folder with files. */
async function shell(name: "bash" | "zsh" | "fish") {
  const { path } = folder(1)
  writeFileSync(join(path, "job.ts"), "")
  mkdirSync(join(path, "data"))
  writeFileSync(join(path, "data/x.csv"), "")
  const { stdout: script } = await cli(["--completions", name])
  writeFileSync(join(path, "completions"), script)
  const begin = name === "zsh" ? "autoload -U compinit; compinit -u -D; " : ""
  const options = { bash: ["--norc"], zsh: ["-f"], fish: ["--no-config"] }[name]
  const completed = (command: string): Array<string> => {
    const run = spawnSync(name, [...options, "-c", `${begin}source ./completions\n${command}`], {
      cwd: path,
      encoding: "utf8"
    })
    assert.strictEqual(run.stderr, "")
    return run.stdout
      .split("\n")
      .filter((line) => line !== "")
      .toSorted()
  }
  return { completed, script }
}
