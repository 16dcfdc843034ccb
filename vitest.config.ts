import { defineConfig } from "vitest/config"

// Tests and examples import "effect-claude" from source, through the condition that package.json declares.
const conditions = ["effect-claude-source", "node", "import", "module", "default"]

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: { include: ["test/**/*.test.ts", "examples/05-testing.ts"], testTimeout: 20_000 }
})
