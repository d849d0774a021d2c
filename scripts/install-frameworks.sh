#!/usr/bin/env bash
# Installs the frameworks whose tables Reembed has presets for into a folder, some 600 MB, and nothing elsewhere:
# bash scripts/install-frameworks.sh FOLDER. With FRAMEWORKS=FOLDER the tests write to their tables with these libraries.
set -euo pipefail

folder=$(realpath -m "${1:?Name the folder to install into.}")
mkdir -p "$folder"
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install --quiet langchain-postgres llama-index-vector-stores-postgres haystack-ai pgvector-haystack
cd "$folder"
[ -e package.json ] || echo '{ "private": true }' >package.json
# The community package names hundreds of optional peers, some of which contradict each other.
npm install --silent --ignore-scripts --legacy-peer-deps @langchain/community @langchain/core pg
