import { defineConfig, mergeConfig } from "vitest/config"
import config from "../../vitest.config.ts"

const { include: _, ...test } = config.test ?? {}

// Excludes the tests that start other programs, since a mutant is active only in the process of the test runner.
export default mergeConfig(
  { ...config, test },
  defineConfig({ test: { include: ["test/{claude,policy,call,pipeline,wire}/**/*.test.ts"] } })
)
