import { join } from "node:path"
import { defineConfig } from "vitest/config"

// Tests and examples import "effect-claude" from source, through the condition that package.json declares. The condition
// "module" is left out: Node runs these files too, and packages that declare it for bundlers (AWS) do not load there.
const conditions = ["effect-claude-source", "node", "default"]

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["test/**/*.test.ts", "examples/{05,09,10,15,22,25,32}-*.ts"],
    // Many tests wait for processes and servers, so more run than a small machine has processors.
    maxWorkers: 3,
    // Test files share a process and its loaded modules, which halves the time of the suite: a test leaves nothing behind.
    isolate: false,
    // Programs that the tests start share the compiled sources.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, "node_modules/.cache/node") },
    testTimeout: 60_000
  }
})
