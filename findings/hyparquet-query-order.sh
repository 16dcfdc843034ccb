#!/usr/bin/env bash
# Guess: parquetQuery with `orderBy` returns the rows in order, and `rowEnd` then the first of them. `filter` with
#   `rowStart` and `rowEnd` means the same to parquetQuery and to parquetReadObjects.
# Seen: one null in a column of texts, or one NaN in a column of numbers, leaves the rows around it unsorted, so that the
#   first row need not be the least. Nulls among positive numbers come first. parquetQuery takes the window from the rows
#   that pass the filter; parquetReadObjects filters the rows of the window: the same options give 2 rows and none.
# Versions: hyparquet 1.33.0, hyparquet-writer 0.17.0, Node 24.21.0.
# Source: the run below; the README has no word about nulls in orderBy, and none about the window of a filter.
# For users: sort the rows yourself where a column may be empty, and take pages of filtered rows with parquetQuery only.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --prefix . --silent --no-audit --no-fund node@24.21.0 hyparquet@1.33.0 hyparquet-writer@0.17.0
npm ls --prefix . --depth=0
cat > run.js <<'JS'
import assert from "node:assert/strict"
import { parquetQuery, parquetReadObjects } from "hyparquet"
import { parquetWriteBuffer } from "hyparquet-writer"

const values = (rows) => rows.map((row) => row.value)
const fileOf = (data) => parquetWriteBuffer({ columnData: [{ name: "value", data }] })
const sorted = async (data, options) => values(await parquetQuery({ file: fileOf(data), orderBy: "value", ...options }))

const window = { file: fileOf([1, 2, 3, 4, 5, 6]), filter: { value: { $gt: 3 } }, rowStart: 0, rowEnd: 2 }
const seen = {
  texts: await sorted(["b", "c", "a"]),
  "texts and a null": await sorted(["b", null, "a"]),
  "the first of texts and a null": await sorted(["b", null, "a"], { rowEnd: 1 }),
  "numbers and a NaN": await sorted([3.5, NaN, 1.5]),
  "numbers and a null": await sorted([3, 1, null, 2]),
  "window, parquetQuery": values(await parquetQuery(window)),
  "window, parquetReadObjects": values(await parquetReadObjects(window))
}
console.log(seen)
assert.deepEqual(seen, {
  texts: ["a", "b", "c"],
  "texts and a null": ["b", null, "a"],
  "the first of texts and a null": ["b"],
  "numbers and a NaN": [3.5, NaN, 1.5],
  "numbers and a null": [null, 1, 2, 3],
  "window, parquetQuery": [4, 5],
  "window, parquetReadObjects": []
})
JS
node_modules/.bin/node run.js
