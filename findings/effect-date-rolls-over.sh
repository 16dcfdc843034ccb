#!/usr/bin/env bash
# Guess: a schema of dates refuses a day that does not exist, and a number that is no date.
# Seen: the JSON codec of Schema.Date and Schema.DateTimeUtcFromString decode 31 February as 3 March, and "5" as
#   1 May 2001. They pass the text to the Date constructor of JavaScript, which corrects it.
# Versions: effect 4.1.0, Node 24.
# Source: the run below.
# For users: a model, or a cell of a CSV file, that gives an impossible date gets a different day without an error. Where
#   the day matters, use a string with a pattern and a check of your own, or compare the decoded date with its text.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --prefix . --silent --no-audit --no-fund effect@4.1.0
npm ls --prefix . --depth=0
cat > run.js <<'JS'
import assert from "node:assert/strict"
import { DateTime, Schema } from "effect"

const date = Schema.decodeUnknownSync(Schema.toCodecJson(Schema.Date))
const dateTime = Schema.decodeUnknownSync(Schema.DateTimeUtcFromString)
const seen = {
  "2026-02-31": date("2026-02-31").toISOString(),
  "2026-02-31T10:00:00Z": DateTime.formatIso(dateTime("2026-02-31T10:00:00Z")),
  "5": date("5").getFullYear()
}
console.log(seen)
assert.deepEqual(seen, {
  "2026-02-31": "2026-03-03T00:00:00.000Z",
  "2026-02-31T10:00:00Z": "2026-03-03T10:00:00.000Z",
  "5": 2001
})
JS
node run.js
