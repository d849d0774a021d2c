#!/usr/bin/env bash
# Fetches what the models are trained on, from Debian's archive, into WORK: the packages of packages.txt unpacked (none
# is installed), the translated package descriptions, and OpenBLAS, without which torch computes 20 times slower.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=${1:?usage: install-inputs.sh WORK}
mkdir -p "$work/debs" "$work/unpacked" "$work/lists/partial"
work=$(cd "$work" && pwd)

tools=(python3-torch python3-sentencepiece python3-numpy)
if ! dpkg -s "${tools[@]}" >/dev/null 2>&1; then
  apt-get update -qq && apt-get install -qq -y --no-install-recommends "${tools[@]}"
fi

# Lists of our own: the system's may leave out translations.
cat >"$work/apt.conf" <<CONF
Dir::Etc::parts "$work/lists/partial";
Dir::State::lists "$work/lists";
Acquire::Languages { "en"; "ru"; "de"; "fr"; "es"; };
APT::Sandbox::User "root";
CONF
export APT_CONFIG=$work/apt.conf
apt-get update -qq
# Text, whatever apt keeps them compressed with.
for list in "$work"/lists/*_i18n_Translation-*.*; do
  [ -e "$list" ] && /usr/lib/apt/apt-helper cat-file "$list" >"${list%.*}"
done

cd "$work/debs"
mapfile -t packages <"$here/packages.txt"
apt-get download -qq "${packages[@]}" libopenblas0-openmp
for deb in *.deb; do
  name=${deb%%_*}
  [ -d "$work/unpacked/$name" ] && continue
  mkdir -p "$work/unpacking"
  dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$work/unpacking" --wildcards --ignore-failed-read \
    '*.mo' '*.po' '*/help/*' '*/i18n/*.json' '*/doc/*.html' '*/mythes/*' '*/dictd/*' '*/trans/*' '*openblas*' 2>/dev/null || true
  mv "$work/unpacking" "$work/unpacked/$name"
done
mv "$work/unpacked/libopenblas0-openmp" "$work/openblas"
for deb in *.deb; do
  dpkg-deb -f "$deb" Package Version | sed 's/^[^:]*: //' | paste - -
done | grep -v '^libopenblas' | sort >"$work/versions.tsv"
