# Sourced: commands that run in the background, and what came of them.
beside_work=$(mktemp -d)

# beside NAME COMMAND…: `wait` before `outcome NAME`
beside() {
  local name=$1
  shift
  ("$@" >"$beside_work/$name" 2>&1; echo $? >"$beside_work/$name.status") &
}

# outcome NAME: what it said, and its status
outcome() { cat "$beside_work/$1"; return "$(cat "$beside_work/$1.status")"; }
