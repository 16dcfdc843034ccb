import { join } from "node:path"
import { defineConfig } from "vitest/config"

// Tests and examples import "effect-claude" from source, through the condition that package.json declares. Not through
// "module": Node gets these too, and packages that declare it for bundlers (those of AWS) do not load there.
const conditions = ["effect-claude-source", "node", "import", "default"]

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["test/**/*.test.ts", "examples/{05,09,10,15}-*.ts"],
    maxWorkers: 2,
    // What the tests start compiles our sources once, and not each time.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, "node_modules/.cache/node") },
    testTimeout: 60_000
  }
})
