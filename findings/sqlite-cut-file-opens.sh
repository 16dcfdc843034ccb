#!/usr/bin/env bash
# Guess: SQLite refuses a database file whose end is missing, as it does where whole pages are missing.
# Seen: if the file was cut within its last page, SQLite reads the missing bytes as zeros. The file opens, COUNT(*) has all
#   rows, and a row of that page has NULL in a NOT NULL column. PRAGMA quick_check reports the damage; it reads the whole file.
# Versions: SQLite 3.53.4, in Node 24.21.0.
# Source: the run below; https://www.sqlite.org/fileformat.html has the size of a page in bytes 16 and 17.
# For users: after copying a database, compare sizes. The size of a file without a log is a multiple of its page size.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --prefix . --silent --no-audit --no-fund node@24.21.0
npm ls --prefix . --depth=0
cat > run.js <<'JS'
import assert from "node:assert/strict"
import { statSync, truncateSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"

const whole = new DatabaseSync("letters.sqlite")
whole.exec("CREATE TABLE letters (letter TEXT NOT NULL)")
const insert = whole.prepare("INSERT INTO letters VALUES (?)")
for (let index = 0; index < 100; index++) insert.run(`${index} `.padEnd(500, "a"))
whole.close()
const { size } = statSync("letters.sqlite")

truncateSync("letters.sqlite", size - 1000)
const cut = new DatabaseSync("letters.sqlite")
const [{ version }] = cut.prepare("SELECT sqlite_version() AS version").all()
const { count } = cut.prepare("SELECT COUNT(*) AS count FROM letters").get()
const nulls = cut.prepare("SELECT letter FROM letters").all().filter(({ letter }) => letter === null)
console.log({ version, count, nulls: nulls.length })
assert.equal(count, 100)
assert.equal(nulls.length, 1)
assert.match(cut.prepare("PRAGMA quick_check").all()[0].quick_check, /out of order|Fragmentation/)
cut.close()

// Whole pages are missed.
truncateSync("letters.sqlite", 4096 * 2)
assert.throws(() => new DatabaseSync("letters.sqlite").prepare("SELECT COUNT(*) FROM letters").get(), /malformed/)

// The remedy of the header.
assert.notEqual((size - 1000) % 4096, 0)
assert.equal(size % 4096, 0)
JS
node_modules/.bin/node run.js
