#!/bin/bash
# alive WHAT COMMAND…: runs it, and says each ten seconds how long it has taken so far: on a terminal in place, else by a line.
alive() {
  local what=$1 end='\n' status=0 ticker
  shift
  [ -t 1 ] && end='\r'
  # a sleep that outlives it holds no stream of ours open
  while sleep 10 >/dev/null 2>&1; do printf "%s: %s s so far$end" "$what" "$SECONDS"; done &
  ticker=$!
  "$@" || status=$?
  # what was killed has a status of its own, at which a script with `set -e` would end
  kill "$ticker" 2>/dev/null || :
  wait "$ticker" 2>/dev/null || :
  return "$status"
}
[ "${BASH_SOURCE[0]}" != "$0" ] || alive "$@"
