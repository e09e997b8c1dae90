#!/bin/bash
# Sourced by run.sh: another namespace takes a middleware's place by its name, and what keeps it from that.

resources() { sed "s/ADDRESS/$address/g; s/APP_PORT/$app/g; s/VERIFY_PORT/$verify/g" test/kubernetes/collision.yaml; }

# Traefik reads middlewares in no order, so of two with one name either may count: an attacker touches theirs until it is theirs
touch_theirs() { touched=$((touched + 1)); kubectl -n team-app label --overwrite middleware admin touched="$touched"; }
opened() { touch_theirs; answers 200 /admin; }
stays_shut() { for _ in $(seq 20); do ! opened && answers 401 /admin && answers 401 /safe || return 1; done; }

# the flaw itself is shown too, so that the test would notice if its attack no longer meant anything
part_collision() {
  touched=0
  start_backends
  does 'namespaces of a team and of somebody else' kubectl create -f <(resources)
  start_traefik unsafe /plain --providers.kubernetescrd.safenaming=false
  does 'unsafe: Traefik logs the collision' until_true grep -q 'collision' "$work/unsafe.log"
  does 'unsafe: admin of team-app opens /admin of team without a session' until_true opened
  is 'unsafe: a name without a dash stays ours' 401 "$(status /safe)"
  start_traefik safe /plain --providers.kubernetescrd.safenaming=true
  does 'safe: no session is 401, as often as the other namespace changes its own' stays_shut
  is 'safe: a session without the role' 403 "$(status /admin -H 'Cookie: session=user')"
  is 'safe: a session with the role' 200 "$(status /admin -H 'Cookie: session=admin')"
}
