#!/usr/bin/env bash
# Searches the demo's database through the library of the installed package and through LangChain.js, on both Nodes, and
# compiles a program that uses the library. The retriever of docs/applications.md is in the folder already.
set -euo pipefail
folder=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/scripts/retry.sh"
export ONNXRUNTIME_NODE_INSTALL=skip

cp "$root"/scripts/package/use-library.mjs "$root"/scripts/package/use-types.mts "$folder"
cd "$folder"
retry npm install --loglevel=error --prefer-offline --no-audit --no-fund @langchain/core@1
"$root/node_modules/node/bin/node" use-library.mjs
oldest/node_modules/node/bin/node use-library.mjs
"$root/node_modules/node/bin/node" "$root/node_modules/typescript/bin/tsc" --noEmit --strict --target esnext \
  --module nodenext --types "" use-types.mts
