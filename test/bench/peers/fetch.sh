#!/bin/bash
# Builds what `npm run bench -- peers` measures beside this service into .servers/peers (ignored by git), from the Go
# module proxy, one job at a time: some minutes the first time. What cannot be had costs one line, and the bench leaves
# its rows out.
set -uo pipefail
cd "$(dirname "$0")/../../.." || exit 1
out=.servers/peers
mkdir -p "$out"

# build NAME MODULE VERSION: in a copy, since `go install` refuses a module that replaces others, as these do
build() {
  local program=$out/$1-$3 source=.servers/peers/source module
  [ -x "$program" ] && return
  command -v go >/dev/null || { echo "fetch.sh: no $1: it is built with Go"; return; }
  module=$(go mod download -json "$2@$3" 2>/dev/null | sed -n 's/.*"Dir": "\(.*\)",/\1/p')
  [ -d "$module" ] || { echo "fetch.sh: no $1: go could not fetch $2@$3"; return; }
  rm -rf "$source" && cp -r "$module" "$source" && chmod -R u+w "$source" &&
    GOWORK=off GOFLAGS='-mod=mod -buildvcs=false' \
      go build -C "$source" -p 1 -o "$(realpath "$out")/$1-$3" . >/dev/null 2>&1
  rm -rf "$source"
  [ -x "$program" ] || echo "fetch.sh: no $1: go could not build it"
}

while read -r name module version; do
  build "$name" "$module" "$version"
done < <(grep -v '^#' test/bench/peers/modules.txt)
# the tests' own programs
[ -x .servers/bin/oauth2-proxy ] && [ -x .servers/bin/nginx ] || bash test/servers/fetch.sh oauth2_proxy
exit 0
