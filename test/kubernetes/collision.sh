#!/bin/bash
# Sourced by run.sh: another namespace takes a middleware's place by its name, and what keeps it from that.

# Traefik reads middlewares in no order, so of two with one name either may count: an attacker touches theirs until it is theirs
touch_theirs() { touched=$((touched + 1)); kubectl -n team-app label --overwrite middleware admin touched="$touched"; }
# opened PATH; /admin is an IngressRoute's, /gateway-admin an HTTPRoute's
opened() { touch_theirs; answers 200 "$1"; }
stays_shut() {
  local path
  for path in /admin /gateway-admin; do
    for _ in $(seq 20); do ! opened $path && answers 401 $path && answers 401 /safe || return 1; done
  done
}

# the flaw itself is shown too, so that the test would notice if its attack no longer meant anything
part_collision() {
  touched=0
  start_backends
  does 'namespaces of a team and of somebody else' kubectl create -f <(in_lab test/kubernetes/collision.yaml)
  start_traefik unsafe 8001 /plain --providers.kubernetescrd.safenaming=false
  does 'unsafe: Traefik logs the collision' until_true grep -q 'collision' "$work/unsafe.log"
  does 'unsafe: admin of team-app opens /admin of team without a session' until_true opened /admin
  does 'unsafe: and what an HTTPRoute of team protects by it' until_true opened /gateway-admin
  is 'unsafe: a name without a dash stays ours' 401 "$(status /safe)"
  start_traefik safe 8002 /plain --providers.kubernetescrd.safenaming=true
  does 'safe: no session is 401, as often as the other namespace changes its own' stays_shut
  local path
  for path in /admin /gateway-admin; do
    is "safe: a session without the role, $path" 403 "$(status $path -H 'Cookie: session=user')"
    is "safe: a session with the role, $path" 200 "$(status $path -H 'Cookie: session=admin')"
  done
}
