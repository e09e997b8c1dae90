#!/bin/bash
# Packs, signs and verifies as a release does, with a key made here and a registry of this machine: `bash test/deploy/run.sh sign`. Not part
# of test:deploy: cosign takes minutes to build. The last line is "N passed, N failed".
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
bash test/deploy/tools.sh

# no log of the world and no time stamp of others: this is a dry run
offline='{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json"}'
echo "$offline" >"$work/signing.json"
key=(--key "$work/cosign.key" --signing-config "$work/signing.json")
known=(--key "$work/cosign.pub" --insecure-ignore-tlog)
digest=sha256:$(printf x | sha256sum | cut -c 1-64)

does 'a key is made' bash -c "cd $work && cosign generate-key-pair"
does 'the archives are made and signed' bash deploy/archives.sh "$work/archives" ghcr.io/owner/repository "$digest" "${key[@]}"
for file in "$work"/archives/*; do
  [[ $file = *.sigstore.json ]] && continue
  does "verified: ${file##*/}" cosign verify-blob "${known[@]}" --bundle "$file.sigstore.json" "$file"
done
is 'there are package, chart, SBOM and digests' 4 "$(find "$work/archives" -not -name '*.sigstore.json' -type f | wc -l)"
does 'the digests are right' bash -c "cd $work/archives && sha256sum --check SHA256SUMS"
is 'the SBOM names what we depend on' yes "$(grep -q '"fastify"' "$work/archives/sbom.spdx.json" && echo yes)"
echo changed >>"$work/archives/sbom.spdx.json"
is 'a changed file is refused' refused "$(cosign verify-blob "${known[@]}" --bundle "$work/archives/sbom.spdx.json.sigstore.json" "$work/archives/sbom.spdx.json" >/dev/null 2>&1 || echo refused)"

port=$(node -e 'const s=require("node:net").createServer().listen(0,()=>{console.log(s.address().port);s.close()})')
registry -port "$port" >"$work/registry.log" 2>&1 &
until curl -s "localhost:$port/v2/" >/dev/null; do sleep 0.1; done
pushed=$(helm push "$work"/archives/chart-*.tgz "oci://localhost:$port/charts" --plain-http 2>&1 | sed -n 's/^Digest: //p')
chart=localhost:$port/charts/authgear-forward-auth@$pushed
does 'the chart is signed in a registry' cosign sign --yes --allow-http-registry "${key[@]}" "$chart"
does 'and verified' cosign verify --allow-http-registry "${known[@]}" "$chart"
does 'its SBOM is attested' cosign attest --yes --allow-http-registry --type spdxjson --predicate <(npm sbom --omit=dev --sbom-format=spdx) "${key[@]}" "$chart"
does 'and verified too' cosign verify-attestation --allow-http-registry --type spdxjson "${known[@]}" "$chart"
(cd "$work" && mkdir other && cd other && cosign generate-key-pair) >/dev/null 2>&1
is 'another key is refused' refused "$(cosign verify --allow-http-registry --key "$work/other/cosign.pub" --insecure-ignore-tlog "$chart" >/dev/null 2>&1 || echo refused)"
finish
