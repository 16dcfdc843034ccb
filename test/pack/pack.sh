#!/usr/bin/env bash
# Installs the tarball into an empty project outside the repository, type-checks a program against it, runs it on plain
# Node 24, and starts the command on an old Node, which must say which one it needs. In a second project, which has neither
# TypeScript nor Effect, it runs the command line on a CSV.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
node24="$root/node_modules/.bin/node"
project=$(mktemp -d)
bare=$(mktemp -d)
trap 'rm -rf "$project" "$bare"' EXIT

cd "$root"
tarball=$(npm pack --silent --pack-destination "$project")

cd "$project"
echo '{ "type": "module", "private": true }' > package.json
npm install --silent --no-audit --no-fund "./$tarball" effect@^4.1.0 @effect/platform-node@^4.1.0 typescript@^7.0.2 @types/node@^24
cp "$here/program.ts" .
npx tsc --noEmit --strict --module nodenext --target es2023 --lib es2023,dom --types node --skipLibCheck program.ts
"$node24" program.ts
"$node24" node_modules/effect-claude/bin/effect-claude.mjs --version
"$node24" node_modules/effect-claude/bin/effect-claude.mjs emulate -- "$node24" program.ts --api

cd "$bare"
echo '{ "private": true }' > package.json
npm install --silent --no-audit --no-fund "$project/$tarball"
printf 'id,text\n1,"Hello, you."\n2,Bye.\n' > mails.csv
"$node24" node_modules/effect-claude/bin/effect-claude.mjs map mails.csv --emulator \
  --prompt 'Repeat: {{text}}' --fields 'greeting: string, tone: 1..5' --key id --output greetings.csv
grep -q '^1,.*Hello' greetings.csv
cd "$project"

if old=$(command -v node) && "$old" -e 'process.exit(Number(process.versions.node.split(".")[0]) < 22 ? 0 : 1)'; then
  code=0
  output=$("$old" node_modules/effect-claude/bin/effect-claude.mjs 2>&1) || code=$?
  echo "on Node $("$old" --version): $output (exit code $code)"
  [ "$code" -eq 2 ] && grep -q "needs Node 22.19" <<< "$output"
else
  echo "not tried on an old Node: there is none on this machine; put Node 20 on the PATH to try it"
fi
echo "pack test passed"
