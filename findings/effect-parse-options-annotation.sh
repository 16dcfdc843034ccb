#!/usr/bin/env bash
# Guess: a schema annotated with `parseOptions: { onExcessProperty: "error" }` refuses unknown fields wherever it is used,
#   as in Effect 3.
# Seen: Effect 4 takes the annotation (its type allows any key) and ignores it: the unknown field is dropped without an
#   error. The option works only where it is passed to the decoding function, and then for the whole value.
# Versions: effect 4.1.0, Node 24.
# Source: the run below.
# For users: after a migration from Effect 3, strict schemas are not strict any more: a misspelt optional field in a
#   configuration, or an argument that a model made up, disappears. Pass the option to each decodeUnknown function.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --prefix . --silent --no-audit --no-fund effect@4.1.0 node@24.21.0
npm ls --prefix . --depth=0
cat > run.ts <<'TS'
import assert from "node:assert/strict"
import { Exit, Schema } from "effect"

const options = { onExcessProperty: "error" } as const
const Plain = Schema.Struct({ city: Schema.String })
const Annotated = Plain.annotate({ parseOptions: options })
const input = { city: "Bern", units: "celsius" }

const seen = {
  annotated: Schema.decodeUnknownSync(Annotated)(input),
  inField: Schema.decodeUnknownSync(Schema.Struct({ arguments: Annotated }))({ arguments: input }),
  passed: Exit.isFailure(Schema.decodeUnknownExit(Plain, options)(input)) ? "refused" : "taken"
}
console.log(seen)
assert.deepEqual(seen, { annotated: { city: "Bern" }, inField: { arguments: { city: "Bern" } }, passed: "refused" })
TS
node_modules/.bin/node run.ts
