#!/usr/bin/env bash
# Installs the tarball of `npm run package` into an empty folder, as its users do, and checks what is in it. The oldest Node
# that the package is for goes into `oldest` below that folder.
set -euo pipefail
folder=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/scripts/retry.sh"
installed=$folder/node_modules/reembed
# Without it, ONNX Runtime fetches the 200 MB of CUDA.
export ONNXRUNTIME_NODE_INSTALL=skip
export PATH="$root/node_modules/node/bin:$PATH"

cd "$folder"
echo '{ "private": true }' > package.json
retry npm install --loglevel=error --prefer-offline --no-audit --no-fund "$root"/dist/reembed-*.tgz

version=$(node -p 'require(process.argv[1]).version' "$root/package.json")
[ "$(npx reembed --version)" = "$version" ] || { echo "reembed --version is not $version"; exit 1; }

megabytes=$(du -sm --apparent-size "$installed" | cut -f1)
[ "$megabytes" -le 60 ] || { echo "The package has $megabytes MB, and 60 are allowed"; exit 1; }

others=$(find "$installed" \( -name '*.test.*' -o -name '*.testsuite.*' -o -path '*/test/*' -o -path '*/packages/testing/*' \
  -o -name '.env*' ! -name .env.example -o -name '*.ts' ! -name '*.d.ts' \))
[ -z "$others" ] || { printf 'These files do not belong into the package:\n%s\n' "$others"; exit 1; }

oldest=$(node -p 'require(process.argv[1]).engines.node.match(/\d+\.\d+/)[0]' "$installed/package.json")
retry npm install --loglevel=error --prefer-offline --no-audit --no-fund --prefix oldest "node@~$oldest.0"
echo "reembed $version: $megabytes MB, for Node $oldest and newer"
