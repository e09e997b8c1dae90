#!/bin/bash
# `npm run test:kubernetes [PART]…`: a real Kubernetes in namespaces of this machine (network, mounts, processes), so that nothing is left of it.
# Needs root. The first run builds Kubernetes, which takes minutes (test/kubernetes/build.sh). The last line is
# "N passed, N failed, N skipped". A part that hangs ends with the whole after KUBERNETES_LIMIT (900 s).
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
folder=test/kubernetes
source test/alive.sh

if [ "${1:-}" != inside ]; then
  bash test/servers/fetch.sh envoy
  alive 'test:kubernetes: tools' bash test/deploy/tools.sh && alive 'test:kubernetes: packages' bash $folder/packages.sh &&
    bash $folder/build.sh && alive 'test:kubernetes: images' bash $folder/images.sh || exit 1
  limit=${KUBERNETES_LIMIT:-900}
  echo "test:kubernetes: at most $limit s from here"
  # what it mounted is gone with its namespaces, so that its folder can go
  work=$(mktemp -d)
  export work
  trap 'rm -rf "$work"; rmdir /certs 2>/dev/null' EXIT
  timeout --signal KILL "$limit" unshare --net --mount --pid --fork --mount-proc --kill-child bash "$0" inside "$@"
  exit
fi

shift
began=$SECONDS
source test/deploy/count.sh
for file in lab cluster nodes chart chart-upgrade pods walkthrough yaml traefik collision rollout gateway namespaces envoy-gateway; do
  # shellcheck disable=SC1090 # each is linted by itself
  source "$folder/$file.sh"
done

# part NAME: what it takes is said
part() {
  local started=$SECONDS
  echo "== $1"
  alive "== $1" "part_$1"
  echo "== $1: $((SECONDS - started)) s"
}

[ $# -gt 0 ] || set -- chart upgrade collision nodes pods rollout walkthrough gateway namespaces envoy_gateway yaml
lab
part cluster
# what hangs in one part hangs in all that follow: it is looked at where it happened
for name in "$@"; do
  part "$name"
  [ "$failed" -eq 0 ] || break
done
echo "== all: $((SECONDS - began)) s"
finish | sed 's/$/, 0 skipped/'
[ "$failed" -eq 0 ] || { jobs | grep -v Running; df -h "$work"; kubectl get nodes; kubectl get pods -A -o wide; kubectl get events -A | grep -v Normal | tail -n 20; tail -n "${KUBERNETES_LINES:-8}" "$work"/*.log /var/log/node*/*/*/*.log | cut -c 1-400; exit 1; }
