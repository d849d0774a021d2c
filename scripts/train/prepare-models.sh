#!/usr/bin/env bash
# Builds the graphs of the trained models and records their files, as they ship in models/.
set -euo pipefail
cd "$(dirname "$0")/../.."
for model in mini-rubert mini-m3; do
  rm -f "models/$model/manifest.json"
  npx reembed model prepare "$model"
  npx reembed model check "$model"
done
