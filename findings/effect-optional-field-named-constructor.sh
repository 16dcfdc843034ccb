#!/usr/bin/env bash
# Guess: an optional field that a row lacks is absent after decoding, whatever its name.
# Seen: the decoder of a Struct of Effect reads inherited properties. A row without the optional column `constructor` (the
#   team, in data of Formula 1) fails with "Expected string" at ["constructor"], and so does one with `valueOf`. Where the
#   field is required, the error is about its type instead of its absence. A row without a prototype decodes.
# Versions: effect 4.1.0, Node 24.21.0.
# Source: the run below.
# For users: rename such a column before you decode (`Schema.encodeKeys` from another name), or allow null and send null.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --prefix . --silent --no-audit --no-fund effect@4.1.0 node@24.21.0
npm ls --prefix . --depth=0
cat > run.js <<'JS'
import assert from "node:assert/strict"
import { Result, Schema } from "effect"

const outcome = (name, row) => {
  const Row = Schema.Struct({ race: Schema.String, [name]: Schema.optionalKey(Schema.String) })
  const decoded = Schema.decodeUnknownResult(Row)(row)
  return Result.isSuccess(decoded) ? "decoded" : decoded.failure.message.replace(/\s+/g, " ")
}
const row = { race: "Monza" }
const seen = {
  team: outcome("team", row),
  constructor: outcome("constructor", row),
  valueOf: outcome("valueOf", row),
  "without a prototype": outcome("constructor", Object.assign(Object.create(null), row)),
  "with the column": outcome("constructor", { ...row, constructor: "Ferrari" })
}
console.log(seen)
assert.deepEqual(seen, {
  team: "decoded",
  constructor: 'Expected string at ["constructor"]',
  valueOf: 'Expected string at ["valueOf"]',
  "without a prototype": "decoded",
  "with the column": "decoded"
})
JS
node_modules/.bin/node run.js
