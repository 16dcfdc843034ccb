import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll } from "vitest"

const job = `import { Dataset, Job, Step } from "effect-claude"
import { Schema } from "effect"
const Row = Schema.Struct({ id: Schema.String })
const job = Job.make({
  name: "mails", source: Dataset.fromIterable("mails", Row, []), key: ({ id }) => id,
  step: Step.text("answer", ({ id }) => id), output: Schema.String, sink: "out.jsonl"
})
`

/** The files, each with the output of loading it; one process loads all files. */
const files: Record<string, readonly [source: string, outcome: string | undefined]> = {
  "fine.ts": [`${job}export default job`, "job mails"],
  "lib.ts": ["export const a: number = 1", undefined],
  "imports.ts": [`import "./lib.js"\nimport { a } from "./lib"\n${job}export default job`, "job mails"],
  "enums.ts": [
    `enum Kind { Good, Bad }\nclass P { constructor(readonly kind: Kind) {} }\n${job}export default job`,
    "job mails"
  ],
  "syntax.ts": [
    "const a: number = 1\nexport default {\n  y: = 2\n}",
    "syntax.ts: cannot be loaded: syntax.ts:3:6: Expression expected"
  ],
  "syntax.js": ["export default {\n  y: = 2\n}", "syntax.js: cannot be loaded: syntax.js:2:6: Unexpected token '='"],
  "nested.ts": [
    'import x from "./syntax.js"\nexport default x',
    "nested.ts: cannot be loaded: syntax.js:2:6: Unexpected token '='"
  ],
  "missing.ts": [
    '\nimport { a } from "./nowhere.js"\nexport default a',
    'missing.ts: cannot be loaded: missing.ts:2:19: there is no module "./nowhere.js"; check the path'
  ],
  "package.ts": [
    "import a from 'no-such-package'\nexport default a",
    'package.ts: cannot be loaded: package.ts:1:15: there is no package "no-such-package"; install it'
  ],
  "alias.ts": [
    'import a from "@/lib"\nexport default a',
    'alias.ts: cannot be loaded: alias.ts:1:15: there is no package "@/lib"; aliases of tsconfig.json do not work here: ' +
      'write a relative path, or define it under "imports" in package.json'
  ],
  "export.ts": [
    'import { nope } from "./lib.ts"\nexport default nope',
    "export.ts: cannot be loaded: export.ts:1:10: The requested module './lib.ts' does not provide an export named 'nope'"
  ],
  "throws.ts": [
    "interface A { b: string }\n\nthrow new Error('no luck')\nexport default 1",
    "throws.ts: cannot be loaded: throws.ts:3:7: no luck"
  ],
  "enumThrows.ts": [
    "enum A { B }\ninterface X { y: A }\n\nthrow new Error('no luck')",
    "enumThrows.ts: cannot be loaded: enumThrows.ts:4:7: no luck; and it exports no job: write `export default Job.make({ … })`"
  ],
  "parses.ts": [
    "interface A { b: string }\nJSON.parse('{')",
    "parses.ts: cannot be loaded: parses.ts:2:6: Expected property name or '}' in JSON at position 1 (line 1 column 2); and it exports no job: write `export default Job.make({ … })`"
  ],
  "text.ts": [
    "throw 'no luck'",
    "text.ts: cannot be loaded: no luck; and it exports no job: write `export default Job.make({ … })`"
  ],
  "none.ts": ["export const a = 1", "none.ts: it has no default export; write `export default Job.make({ … })`"],
  "named.ts": [
    `${job}export { job as mails }`,
    "named.ts: it has no default export; it exports the job as mails; write `export default Job.make({ … })`"
  ],
  "misspelt.ts": [
    `${job.replace("sink:", "snik:").replace("step:", "Step:")}export default job`,
    "misspelt.ts: the job has no step, sink, but it has Step, snik; correct the fields of Job.make"
  ],
  "incomplete.ts": [
    `${job.replace('name: "mails", ', "")}export default job`,
    "incomplete.ts: the job has no name; correct the fields of Job.make"
  ],
  "function.ts": [
    `${job.replace(/step: [^]*?,\n? *output/, "step: ({ id }) => id, output")}export default job`,
    'function.ts: its step is of type function, not a step; write `step: Step.make("name", …)` around it'
  ],
  "layer.ts": [
    `${job.replace("sink:", "layer: (claude) => claude, sink:")}export default job`,
    'layer.ts: "layer" of the job is a function, not a Layer; put a policy onto Job.claude: ' +
      "`layer: Job.claude.pipe(Retry.policy())`"
  ],
  "other.ts": [
    "const a = 1\nexport default () => a",
    "other.ts: other.ts:2:1: the default export is of type function, not a job; write `export default Job.make({ … })`"
  ],
  "empty.ts": [
    "export default undefined",
    "empty.ts: empty.ts:1:1: the default export is undefined, not a job; write `export default Job.make({ … })`"
  ]
}

const folder = realpathSync(mkdtempSync(join(tmpdir(), "effect-claude-")))
afterAll(() => rmSync(folder, { recursive: true }))

const load = (names: ReadonlyArray<string>) => {
  mkdirSync(join(folder, "node_modules"))
  for (const name of ["effect-claude", "effect"]) {
    symlinkSync(
      name === "effect" ? join(process.cwd(), "node_modules/effect") : process.cwd(),
      join(folder, "node_modules", name)
    )
  }
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }')
  for (const [name, [source]] of Object.entries(files)) writeFileSync(join(folder, name), source)
  const script = join(import.meta.dirname, "loadJobs.ts")
  const { stderr, stdout } = spawnSync(process.execPath, ["--conditions=effect-claude-source", script, ...names], {
    cwd: folder,
    encoding: "utf8"
  })
  assert.strictEqual(stderr, "")
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line))
}

describe("loading a job file", () => {
  const names = Object.keys(files).filter((name) => files[name]?.[1] !== undefined)
  let outcomes: ReadonlyArray<string> | undefined
  it.each(names.map((name, index) => [name, index] as const))(
    "%s returns a job, or the file, line and column of the error",
    (name, index) => {
      outcomes ??= load(names)
      assert.strictEqual(outcomes[index], files[name]?.[1])
    }
  )
})
