#!/usr/bin/env node
// No static imports: this file must also run on an old Node, to report which one is needed.
const [major, minor] = process.versions.node.split(".").map(Number)
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(`effect-claude needs Node 22.19 or newer; this is ${process.versions.node}\n`)
  process.exitCode = 2
} else {
  await import("../dist/run/main.js")
}
