#!/usr/bin/env bash
# Makes mini-m3 and mini-rubert from nothing but Debian's archive and this folder, into OUTPUT (models/ by default).
# What it fetches and extracts stays in WORK, where check-queries finds it again.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=${WORK:-$here/../../.cache/training}
output=${OUTPUT:-$here/../../models}
mkdir -p "$work" "$output"

timed() {
  local start=$SECONDS
  "${@:2}"
  echo "$1: $((SECONDS - start)) s"
}

[ -e "$work/versions.tsv" ] || timed "inputs" bash "$here/install-inputs.sh" "$work"
# Sums of floating-point numbers depend on their order, so the number of threads is part of the recipe.
export LD_LIBRARY_PATH=$work/openblas/usr/lib/x86_64-linux-gnu/openblas-openmp OMP_NUM_THREADS=1 PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1
[ -e "$work/corpus.pickle" ] || timed "extraction" /usr/bin/python3 "$here/extract.py" "$work"
# One model on each core.
timed "both models" bash -c '
  /usr/bin/python3 "$0/make_models.py" "$1" "$2" mini-rubert & rubert=$!
  /usr/bin/python3 "$0/make_models.py" "$1" "$2" mini-m3 && wait "$rubert"' "$here" "$work" "$output"
