#!/usr/bin/env bash
# Installs what the native and the browser test suites need on Debian or Ubuntu: PostgreSQL, pgvector >= 0.8, PgBouncer,
# Redis, Chromium, and promtool, which checks the alerts. The tests start their own instances of them in their own folders; no system service is used or changed.
set -euo pipefail
. "$(dirname "$0")/retry.sh"

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
install() { retry as_root apt-get install -y -qq --no-install-recommends "$@"; }
has_pgvector() { ls /usr/share/postgresql/*/extension/vector--0.[89]*.sql >/dev/null 2>&1; }
has_postgres() { ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1; }
has_pgbouncer() { command -v pgbouncer || [ -e /usr/sbin/pgbouncer ]; } >/dev/null
has_browser() { command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null
has_promtool() { command -v promtool >/dev/null; }

if has_postgres && has_pgvector && has_pgbouncer && has_browser && has_promtool && command -v redis-server >/dev/null; then
  echo "PostgreSQL, pgvector, PgBouncer, Redis, Chromium and promtool are installed."
  exit 0
fi

# Of the package prometheus the one file alone: as a whole it starts a server.
install_promtool() {
  local folder status=0
  folder=$(mktemp -d)
  chmod 777 "$folder"
  (cd "$folder" && retry apt-get download -qq prometheus && dpkg-deb --extract prometheus_*.deb .) || status=1
  [ "$status" = 0 ] && as_root cp "$folder/usr/bin/promtool" /usr/local/bin/ || status=1
  rm -rf "$folder"
  return "$status"
}

export DEBIAN_FRONTEND=noninteractive
retry as_root apt-get update -qq
has_postgres || install postgresql postgresql-contrib
command -v redis-server >/dev/null || install redis-server
has_pgbouncer || install pgbouncer
has_browser || install chromium
has_promtool || install_promtool
has_pgvector && exit 0

major=$(ls /usr/lib/postgresql | sort -n | tail -n 1)
if as_root apt-get install -y -qq --no-install-recommends "postgresql-$major-pgvector" 2>/dev/null && has_pgvector; then
  exit 0
fi

# Debian 12 has no pgvector package; the source package of the next release builds in seconds.
install "postgresql-server-dev-$major" build-essential dpkg-dev
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m 1 '/debian/\?$')
cat >"$build/sources.list" <<LIST
deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main
LIST
mkdir -p "$build/lists/partial"
options=(-o "Dir::Etc::sourcelist=$build/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$build/lists"
  -o APT::Update::Error-Mode=any)
as_root chmod 777 "$build"
cd "$build"
retry as_root apt-get "${options[@]}" update -qq
retry as_root apt-get "${options[@]}" source --download-only -qq pgvector
tar xzf pgvector_*.orig.tar.gz
# OPTFLAGS: the tests may run on another machine than the one that builds the extension.
make -C pgvector-* OPTFLAGS="" PG_CONFIG="/usr/lib/postgresql/$major/bin/pg_config" -j2 >/dev/null
as_root make -C pgvector-* install PG_CONFIG="/usr/lib/postgresql/$major/bin/pg_config" >/dev/null
has_pgvector && echo "pgvector was built and installed for PostgreSQL $major."
