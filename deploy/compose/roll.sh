#!/bin/sh
# Takes over what changed (.env, the image, ROTATE_SECRETS=1) without one refused request: as many new replicas of forward-auth as run now,
# and only when all of them are healthy the old ones stop. Run it where you run `docker compose`; arguments go to it (-f FILE, -p NAME).
#   ./roll.sh                                ROTATE_SECRETS=1 ./roll.sh
set -eu
ids() { docker compose "$@" ps -q forward-auth; }

old=$(ids "$@")
[ -n "$old" ] || { echo 'roll.sh: no forward-auth runs here: docker compose up -d --wait' >&2; exit 1; }
count=$(echo "$old" | wc -l)

# check refuses a configuration in which no user can sign in, before anything changes
checked=$(docker compose "$@" run --rm --no-deps -T check 2>&1) || { echo "$checked" >&2; exit 1; }

# with ROTATE_SECRETS=1 a new secret takes its place beside the one before; what the old replicas read stays until they are gone
docker compose "$@" run --rm --no-deps -T -e KEEP_PREVIOUS=1 secrets

if ! docker compose "$@" up -d --no-deps --no-recreate --wait --wait-timeout 120 --scale "forward-auth=$((2 * count))" forward-auth; then
  for id in $(ids "$@"); do
    case $old in *"$id"*) ;; *) docker logs --tail 5 "$id" >&2; docker rm -f "$id" >/dev/null ;; esac
  done
  echo 'roll.sh: the new replicas do not become healthy and are gone again; the old ones serve as before' >&2
  exit 1
fi

# one after another, each with its stop_grace_period for requests under way
for id in $old; do
  sleep 11 # nginx tries two replicas, and looks names up every 5 s: twice before the next one goes, or both are gone
  docker stop "$id" >/dev/null
  docker rm "$id" >/dev/null
done
docker compose "$@" up -d --no-deps secrets
echo "roll.sh: $count new replicas serve, $count old ones are gone"
