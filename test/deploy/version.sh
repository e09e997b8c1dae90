#!/bin/bash
# version.sh [VERSION]: every file that repeats the version of package.json says the same, and this one
set -euo pipefail
cd "$(dirname "$0")/../.." || exit 1
version=$(node -p "require('./package.json').version")

same() { [ "$2" = "$version" ] || { echo "$1 says $2, package.json $version"; exit 1; }; }

[ -z "${1:-}" ] || same 'the tag' "$1"
same package-lock.json "$(node -p "require('./package-lock.json').packages[''].version")"
same 'Chart.yaml: version' "$(sed -nE 's/^version: (.*)/\1/p' deploy/kubernetes/chart/Chart.yaml)"
same 'Chart.yaml: appVersion' "$(sed -nE 's/^appVersion: "(.*)"/\1/p' deploy/kubernetes/chart/Chart.yaml)"
same deploy/kubernetes/example "$(sed -nE 's/^ *newTag: (.*)/\1/p' deploy/kubernetes/example/kustomization.yaml)"
same deploy/dokploy/meta.json "$(node -p "require('./deploy/dokploy/meta.json').version")"
for file in deploy/coolify/*.yaml deploy/dokploy/docker-compose.yml deploy/unraid/*.xml; do
  same "$file" "$(sed -nE 's#.*/authgear-forward-auth:([0-9]+[.][^ <]*).*#\1#p' "$file")"
done
same 'CHANGELOG.md, its newest version,' "$(sed -nE 's/^## \[([0-9].*)\] - [0-9]{4}-[0-9]{2}-[0-9]{2}$/\1/p' CHANGELOG.md | head -n 1)"

# a release says whose it is: nobody has names below .invalid (RFC 2606)
[ -z "${1:-}" ] || ! left=$(grep -rlF '.invalid/OWNER' security-insights.yml deploy) ||
  { printf 'replace github.invalid/OWNER and ghcr.invalid/OWNER by yours (docs/inside/release.md):\n%s\n' "$left"; exit 1; }
