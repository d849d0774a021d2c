# To be sourced. `retry COMMAND...` runs a command that fetches something, and runs it again if it fails, at most three times
# more: a registry or a mirror may be away for a moment.
retry() {
  local attempt pause
  for attempt in 1 2 3; do
    "$@" && return
    pause=$((10 * attempt))
    echo "\"$*\" failed; it is tried again in $pause s." >&2
    sleep "$pause"
  done
  "$@"
}
