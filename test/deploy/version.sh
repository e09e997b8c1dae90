#!/bin/bash
# version.sh [VERSION]: package.json, package-lock.json, the chart, the example and the changelog say the same version, and that one
set -euo pipefail
cd "$(dirname "$0")/../.." || exit 1
version=$(node -p "require('./package.json').version")

same() { [ "$2" = "$version" ] || { echo "$1 says $2, package.json $version"; exit 1; }; }

[ -z "${1:-}" ] || same 'the tag' "$1"
same package-lock.json "$(node -p "require('./package-lock.json').packages[''].version")"
same 'Chart.yaml: version' "$(sed -nE 's/^version: (.*)/\1/p' deploy/kubernetes/chart/Chart.yaml)"
same 'Chart.yaml: appVersion' "$(sed -nE 's/^appVersion: "(.*)"/\1/p' deploy/kubernetes/chart/Chart.yaml)"
same deploy/kubernetes/example "$(sed -nE 's/^ *newTag: (.*)/\1/p' deploy/kubernetes/example/kustomization.yaml)"
same 'CHANGELOG.md, its newest version,' "$(sed -nE 's/^## \[([0-9].*)\] - [0-9]{4}-[0-9]{2}-[0-9]{2}$/\1/p' CHANGELOG.md | head -n 1)"
