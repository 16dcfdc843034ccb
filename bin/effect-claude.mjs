#!/usr/bin/env node
// No static imports: this file must also run on an old Node, to report which one is needed.
const [major, minor] = process.versions.node.split(".").map(Number)
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(`effect-claude needs Node 22.19 or newer; this is ${process.versions.node}\n`)
  process.exitCode = 2
} else {
  const { setFlagsFromString } = await import("node:v8")
  // The young generation must not grow while the modules load; see src/run/Heap.ts.
  setFlagsFromString("--semi-space-growth-factor=1")
  // The next start compiles no module again, which is a fifth of its time; see NODE_DISABLE_COMPILE_CACHE.
  const { enableCompileCache } = await import("node:module")
  enableCompileCache()
  const { existsSync } = await import("node:fs")
  const main = new URL("../dist/run/main.js", import.meta.url)
  if (existsSync(main)) {
    await import(main.href)
  } else {
    process.stderr.write("effect-claude: this clone is not built; run npm run build, or npm run cli -- --help\n")
    process.exitCode = 2
  }
}
