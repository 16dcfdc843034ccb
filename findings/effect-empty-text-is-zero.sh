#!/usr/bin/env bash
# Guess: an empty text is no number, so that decoding it fails.
# Seen: Schema.FiniteFromString and Schema.NumberFromString decode "" and "  " as 0, and "0x10" as 16. NumberFromString
#   decodes "12abc" as NaN instead of failing.
# Versions: effect 4.1.0, Node 24.
# Source: the run below.
# For users: an empty cell of a CSV file counts as 0, so a missing price becomes a price of nothing. Check the text first:
#   Schema.NonEmptyString.pipe(Schema.decodeTo(Schema.FiniteFromString)).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --prefix . --silent --no-audit --no-fund effect@4.1.0
npm ls --prefix . --depth=0
cat > run.js <<'JS'
import assert from "node:assert/strict"
import { Schema } from "effect"

const finite = Schema.decodeUnknownSync(Schema.FiniteFromString)
const number = Schema.decodeUnknownSync(Schema.NumberFromString)
const seen = [finite(""), finite("  "), finite("0x10"), number(""), number("12abc")]
console.log(seen)
assert.deepEqual(seen, [0, 0, 16, 0, NaN])
assert.throws(() => finite("1,000"))

// The remedy of the header.
const remedy = Schema.decodeUnknownSync(Schema.NonEmptyString.pipe(Schema.decodeTo(Schema.FiniteFromString)))
assert.throws(() => remedy(""))
assert.equal(remedy("12.5"), 12.5)
JS
node run.js
