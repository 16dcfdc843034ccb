#!/usr/bin/env bash
# Guess: jsonrepair mends the syntax of an answer and leaves its values as the model wrote them, or throws.
# Seen: a minus without a number becomes -0, and a number that ends in its exponent loses it. An apostrophe in a text with
#   single quotes becomes a double quote. A number with a thousands separator becomes two elements of a list. An ellipsis
#   in a list disappears, so that the list looks complete. None of these throws.
# Versions: jsonrepair 3.15.0, Node 24.21.0.
# Source: the run below.
# For users: the schema accepts each of these values. Repair only answers that are whole (same brackets and ellipses
#   before and after, no number without digits), and ask again otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --prefix . --silent --no-audit --no-fund node@24.21.0 jsonrepair@3.15.0
npm ls --prefix . --depth=0
cat > run.js <<'JS'
import assert from "node:assert/strict"
import { jsonrepair } from "jsonrepair"

const expected = {
  '{"balance": -}': { balance: -0 },
  '{"balance": -, "currency": "EUR"}': { balance: -0, currency: "EUR" },
  '{"mass": 1.2e}': { mass: 1.2 },
  "{'text': 'it's fine', 'stars': 5}": { text: 'it"s fine', stars: 5 },
  '{"prices": [1,234.50]}': { prices: [1, 234.5] },
  '{"ids": [1, 2, ...]}': { ids: [1, 2] }
}
const seen = Object.fromEntries(Object.keys(expected).map((text) => [text, JSON.parse(jsonrepair(text))]))
console.log(seen)
assert.deepEqual(seen, expected)
JS
node_modules/.bin/node run.js
