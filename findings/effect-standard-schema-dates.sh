#!/usr/bin/env bash
# Guess: an Effect Schema with both Standard Schema interfaces works in the helper of the Anthropic SDK for structured
#   output: what fits the JSON Schema also parses.
# Seen: the JSON Schema that Effect gives describes the JSON codec (a date is a string), but its validator expects the
#   encoded side of the schema itself (a Date object). Every answer fails with "Expected a valid Date". With
#   toStandardJSONSchemaV1 alone, `parse` throws that `validate` is no function.
# Versions: effect 4.1.0, @anthropic-ai/sdk 1.14.0, Node 24.
# Source: the run below.
# For users: wrap the schema with Schema.toCodecJson before the two toStandard functions, wherever it goes to a tool of
#   others (the SDK, AI SDK, LangChain).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --prefix . --silent --no-audit --no-fund effect@4.1.0 @anthropic-ai/sdk@1.14.0
npm ls --prefix . --depth=0
cat > run.js <<'JS'
import assert from "node:assert/strict"
import { betaStandardSchemaOutputFormat } from "@anthropic-ai/sdk/helpers/beta/standard-schema"
import { Schema } from "effect"

const Person = Schema.Struct({ born: Schema.Date })
const answer = '{"born":"1815-12-10T00:00:00.000Z"}'
const format = (schema) =>
  betaStandardSchemaOutputFormat(Schema.toStandardSchemaV1(Schema.toStandardJSONSchemaV1(schema)))

console.log(JSON.stringify(format(Person).schema))
assert.deepEqual(format(Person).schema.properties, { born: { type: "string" } })
assert.throws(() => format(Person).parse(answer), (error) => {
  console.log(error.message)
  return /Expected a valid Date/.test(error.message)
})
assert.throws(() => betaStandardSchemaOutputFormat(Schema.toStandardJSONSchemaV1(Person)).parse(answer), /not a function/)

// The remedy of the header.
assert.deepEqual(format(Schema.toCodecJson(Person)).parse(answer), { born: new Date("1815-12-10") })
JS
node run.js
