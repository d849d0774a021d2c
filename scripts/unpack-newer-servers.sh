#!/usr/bin/env bash
# Unpacks PostgreSQL 17 with pgvector, and Valkey, from Debian 13 into a folder, with the libraries that they need, and
# installs nothing: bash scripts/unpack-newer-servers.sh FOLDER. With NATIVE_SERVERS=FOLDER the tests start these servers.
# Needs no root, but Debian or Ubuntu for apt-get and Debian's keys.
set -euo pipefail
. "$(dirname "$0")/retry.sh"

folder=$(realpath -m "${1:?Name the folder to unpack into.}")
major=17
wanted=("postgresql-$major" "postgresql-$major-pgvector" valkey-server)
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m 1 '/debian/\?$' || true)
apt=$(mktemp -d)
trap 'rm -rf "$apt"' EXIT
mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$folder"
: >"$apt/status"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror:-http://deb.debian.org/debian} trixie main" \
  >"$apt/sources.list"
# An empty package system, so that all dependencies are fetched, including the C library, which is newer than the machine's.
options=(-qq -o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::lists=$apt/lists"
  -o "Dir::State::status=$apt/status" -o "Dir::Cache::archives=$apt/archives" -o Dir::Cache::pkgcache=
  -o Dir::Cache::srcpkgcache= -o Dir::Etc::preferencesparts=/dev/null -o "APT::Sandbox::User=$(id -un)"
  -o APT::Update::Error-Mode=any)
retry apt-get "${options[@]}" update
retry apt-get "${options[@]}" install --download-only --no-install-recommends -y "${wanted[@]}"
for package in "$apt"/archives/*.deb; do dpkg-deb --fsys-tarfile "$package" | tar -x -C "$folder" --no-same-owner; done

# Each program runs with the C library that it was built for; the machine's own loader would use the machine's library.
loader=$(echo "$folder"/usr/lib*/ld-linux-*.so.* "$folder"/usr/lib/*/ld-linux-*.so.* | tr ' ' '\n' | grep -v '\*' | head -n 1)
libraries=$(dirname "$(find "$folder/usr/lib" -name 'libc.so.6' | head -n 1)")
for program in "$folder/usr/lib/postgresql/$major/bin/"{postgres,initdb,pg_config} "$folder/usr/bin/"{valkey-server,valkey-cli}; do
  program=$(realpath "$program")
  mv "$program" "$program.unpacked"
  printf '#!/bin/sh\nexec "%s" --library-path "%s" --argv0 "$0" "%s" "$@"\n' \
    "$loader" "$libraries" "$program.unpacked" >"$program"
  chmod 755 "$program"
done
echo "PostgreSQL $major, pgvector and Valkey were unpacked into $folder."
