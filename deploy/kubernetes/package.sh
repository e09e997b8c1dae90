#!/bin/bash
# package.sh IMAGE DIGEST FOLDER: the chart as it is released, which names the image of its release by digest. Prints the file
set -euo pipefail
chart=$(dirname "$0")/chart image=$1 digest=$2 folder=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$chart" "$work/chart"
sed -e "s|^  repository: authgear-forward-auth\$|  repository: $image|" -e "s|^  digest: \"\"\$|  digest: $digest|" "$chart/values.yaml" >"$work/chart/values.yaml"
helm package "$work/chart" --destination "$folder" | sed -n 's/^Successfully packaged chart and saved it to: //p'
