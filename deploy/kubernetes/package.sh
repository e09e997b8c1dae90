#!/bin/bash
# package.sh IMAGE DIGEST FOLDER: the chart as it is released, which names the image of its release by digest, and the owner and the
# repository by the image's path. Prints the file
set -euo pipefail
chart=$(dirname "$0")/chart image=$1 digest=$2 folder=$3
path=${image#*/} owner=${image#*/}
owner=${owner%%/*}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$chart" "$work/chart"
sed -i -e "s|^  repository: authgear-forward-auth\$|  repository: $image|" -e "s|^  digest: \"\"\$|  digest: $digest|" "$work/chart/values.yaml"
sed -i -e "s|OWNER/REPOSITORY|$path|g" -e "s|/OWNER/|/$owner/|g" "$work/chart/Chart.yaml" "$work/chart/README.md"
cat >>"$work/chart/Chart.yaml" <<END
  artifacthub.io/images: |
    - name: authgear-forward-auth
      image: $image@$digest
      platforms: [linux/amd64, linux/arm64]
END
helm package "$work/chart" --destination "$folder" | sed -n 's/^Successfully packaged chart and saved it to: //p'
