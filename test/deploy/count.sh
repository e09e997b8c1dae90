#!/bin/bash
# Sourced by the deployment tests: counts, and says what failed.
passed=0 failed=0

# is NAME EXPECTED ACTUAL
is() {
  if [ "$2" = "$3" ]; then passed=$((passed + 1)); echo "ok - $1"
  else failed=$((failed + 1)); printf 'not ok - %s\n  expected: %s\n  found:    %s\n' "$1" "$2" "$3"; fi
}

# does NAME COMMAND…: it exits 0; if not, what it said
does() {
  local name=$1 said
  shift
  if said=$("$@" 2>&1); then passed=$((passed + 1)); echo "ok - $name"
  else failed=$((failed + 1)); printf 'not ok - %s\n%s\n' "$name" "$(sed 's/^/  /' <<<"$said" | head -n 20)"; fi
}

finish() {
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ]
}
