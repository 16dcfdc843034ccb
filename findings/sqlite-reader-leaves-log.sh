#!/usr/bin/env bash
# Guess: a program that only reads an SQLite database in WAL mode (`readOnly: true`) leaves the folder as it was.
# Seen: it creates `-wal` and `-shm` beside the database, and they stay when it closes it. They stay, too, where a writer
#   closes the database while the reader has it open: the rows are then in `-wal`, and a copy of the database alone lacks
#   them. The next connection that may write removes both files.
# Versions: Node 24.21.0 (SQLite 3.53).
# Source: the run below; https://sqlite.org/wal.html describes read-only databases, and not what a reader leaves.
# For users: copy a state together with its `-wal`, or open it once for writing first. `effect-claude status` does that.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --prefix . --silent --no-audit --no-fund node@24.21.0
npm ls --prefix . --depth=0
cat > run.js <<'JS'
import assert from "node:assert/strict"
import { copyFileSync, readdirSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"

const files = () => readdirSync(".").filter((name) => name.startsWith("state")).join(" ")
const count = (database) => database.prepare("SELECT COUNT(*) AS rows FROM letters").get().rows
const writer = new DatabaseSync("state")
writer.exec("PRAGMA journal_mode = WAL; CREATE TABLE letters (letter TEXT)")
writer.close()
const seen = { before: files() }
const reader = new DatabaseSync("state", { readOnly: true })
count(reader)
const second = new DatabaseSync("state")
second.exec("INSERT INTO letters VALUES ('a')")
second.close()
copyFileSync("state", "copy")
reader.close()
seen.after = files()
seen.copied = count(new DatabaseSync("copy"))
const last = new DatabaseSync("state")
seen.rows = count(last)
last.close()
seen.last = files()
console.log(process.version, process.versions.sqlite, seen)
assert.deepEqual(seen, { before: "state", after: "state state-shm state-wal", copied: 0, rows: 1, last: "state" })
JS
node_modules/.bin/node run.js
