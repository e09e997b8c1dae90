#!/bin/bash
# Builds Kubernetes and Envoy Gateway from the Go module proxy into .servers/kubernetes (ignored by git), and fetches the CRDs of the proxies.
# Versions are pinned here: Kubernetes' own go.mod pins the rest. With all there it does nothing. The first build takes minutes, and 3 GB.
set -euo pipefail
cd "$(dirname "$0")/../.." || exit 1
source test/alive.sh
source test/servers/go.sh
version=1.36.3 envoy_gateway=v1.9.0
programs=(kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl)
dir=$(realpath -m .servers)/kubernetes
mkdir -p "$dir/bin" "$dir/crds"

# Kubernetes' module replaces its staging modules by folders that the proxy's zip lacks: each is published as v0 of the same minor
write_module() {
  local published=0.${version#1.} module
  rm -rf "$dir/src" && mkdir -p "$dir/src" && cd "$dir/src"
  local upstream
  upstream=$(go mod download -json "k8s.io/kubernetes@v$version" | sed -nE 's/^\s*"GoMod": "(.*)",$/\1/p')
  {
    printf 'module kubernetes-for-tests\n\n%s\n\n' "$(grep -E '^go ' "$upstream")"
    printf 'require k8s.io/kubernetes v%s\n\n' "$version"
    sed -nE 's/^\s*(k8s\.io\/\S+) => \.\/staging.*/\1/p' "$upstream" | while read -r module; do
      echo "replace $module => $module v$published"
    done
  } > go.mod
  {
    printf 'package main\n\nimport (\n'
    printf '\t_ "k8s.io/kubernetes/cmd/%s/app"\n' "${programs[@]/kubectl}" | grep -v '//'
    printf '\t_ "k8s.io/kubectl/pkg/cmd"\n'
    printf ')\n\nfunc main() {}\n'
  } > main.go
}

is_there() { [ -x "$dir/bin/$1" ] && grep -q "v$version" "$dir/bin/$1"; }

kubernetes() {
  local program missing=()
  for program in "${programs[@]}"; do is_there "$program" || missing+=("$program"); done
  [ ${#missing[@]} -gt 0 ] || return 0
  (
    write_module
    stamp=k8s.io/component-base/version
    flags="-s -w -X $stamp.gitVersion=v$version -X $stamp.gitMajor=1 -X $stamp.gitMinor=${version:2:2} -X $stamp.gitTreeState=clean"
    for program in "${missing[@]}"; do
      echo "kubernetes: builds $program"
      GOFLAGS=-mod=mod GOTOOLCHAIN=auto alive "kubernetes: builds $program" go_quickly build -trimpath -ldflags "$flags" -o "$dir/bin/$program" "k8s.io/kubernetes/cmd/$program"
    done
  )
}

envoy_gateway() {
  [ -x "$dir/bin/envoy-gateway" ] && return
  echo 'kubernetes: builds envoy-gateway'
  GOFLAGS=-mod=mod GOTOOLCHAIN=auto GOBIN=$dir/bin alive 'kubernetes: builds envoy-gateway' go_quickly install "github.com/envoyproxy/gateway/cmd/envoy-gateway@$envoy_gateway"
}

# name, module, and which of its files: of everything whose resources we write
crds_of() {
  cat <<EOF
traefik github.com/traefik/traefik/v3@v3.7.13 docs/content/reference/dynamic-configuration/kubernetes-crd-definition-v1.yml
gateway-api sigs.k8s.io/gateway-api@v1.6.1 config/crd/experimental/gateway.networking.k8s.io_*.yaml
envoy-gateway github.com/envoyproxy/gateway@$envoy_gateway charts/gateway-crds-helm/templates/generated/*.yaml
prometheus github.com/prometheus-operator/prometheus-operator@v0.85.0 example/prometheus-operator-crd/*_{prometheusrules,servicemonitors}.yaml
external-secrets github.com/external-secrets/external-secrets@v1.3.2 config/crds/bases/external-secrets.io_{externalsecrets,secretstores}.yaml
sealed-secrets github.com/bitnami-labs/sealed-secrets@v0.40.0 helm/sealed-secrets/crds/*.yaml
argo-cd github.com/argoproj/argo-cd/v3@v3.2.3 manifests/crds/application-crd.yaml
flux-helm github.com/fluxcd/helm-controller@v1.4.3 config/crd/bases/*.yaml
flux-source github.com/fluxcd/source-controller@v1.7.3 config/crd/bases/*_{ocirepositories,helmrepositories,gitrepositories}.yaml
EOF
}

# out of the zips of their own modules
crds() {
  local name module files folder
  while read -r name module files; do
    [ -s "$dir/crds/$name.yaml" ] && continue
    echo "kubernetes: fetches the resources of $name"
    folder=$(go mod download -json "$module" | sed -nE 's/^\s*"Dir": "(.*)",$/\1/p')
    eval "awk 'FNR == 1 { print \"---\" } !/^{{/' $folder/$files" >"$dir/crds/$name.new"
    mv "$dir/crds/$name.new" "$dir/crds/$name.yaml"
  done < <(crds_of)
}

kubernetes
envoy_gateway
crds
