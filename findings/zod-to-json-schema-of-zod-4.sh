#!/usr/bin/env bash
# Guess: zod-to-json-schema, which accepts zod 4 as a peer, translates schemas of zod 4.
# Seen: it gives a schema that allows everything: only the key $schema, without an error or a warning.
# Versions: zod-to-json-schema 3.25.2, zod 4.6.7, Node 24.
# Source: the run below.
# For users: a tool with such a schema takes whatever the model sends. Use z.toJSONSchema of zod itself.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "private": true }' > package.json
npm install --prefix . --silent --no-audit --no-fund zod-to-json-schema@3.25.2 zod@4.6.7
npm ls --prefix . --depth=0
cat > run.js <<'JS'
import assert from "node:assert/strict"
import { z } from "zod"
import { zodToJsonSchema } from "zod-to-json-schema"

const schema = z.object({ city: z.string() })
const seen = zodToJsonSchema(schema)
console.log(seen)
assert.deepEqual(Object.keys(seen), ["$schema"])
assert.deepEqual(Object.keys(z.toJSONSchema(schema).properties), ["city"])
JS
node run.js
