/**
 * The evaluation of promptfoo, whose scheduler adapts its concurrency. It brings 300 packages, so they are in a folder
 * of their own, and only this subject installs them.
 */
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { maxTokens, model } from "./rows.ts"
import type { Subject } from "./worker.ts"

Object.assign(process.env, {
  PROMPTFOO_CONFIG_DIR: mkdtempSync(join(tmpdir(), "effect-claude-bench-")),
  PROMPTFOO_DISABLE_TELEMETRY: "1",
  PROMPTFOO_DISABLE_UPDATE: "1",
  LOG_LEVEL: "none"
})
const library = new URL("./promptfoo/node_modules/promptfoo/dist/src/index.js", import.meta.url)
const { evaluate } = await import(library.href)

export const promptfoo: Subject = ({ concurrency, url }, rows, done) => {
  let failed = 0
  /** The fifth argument has the sums over all rows so far. */
  const progressCallback = (...[, , , , sums]: [unknown, unknown, unknown, unknown, { testErrorCount: number }]) => {
    done(sums.testErrorCount === failed)
    failed = sums.testErrorCount
  }
  const config = { apiKey: "key", apiBaseUrl: url, max_tokens: maxTokens }
  return evaluate(
    {
      prompts: ["{{prompt}}"],
      providers: [{ id: `anthropic:messages:${model}`, config }],
      tests: rows.map(({ prompt }) => ({ vars: { prompt } }))
    },
    { maxConcurrency: concurrency, cache: false, progressCallback }
  )
}
