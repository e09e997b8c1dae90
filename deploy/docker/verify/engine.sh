#!/bin/bash
# engine.sh start|stop|in COMMAND…: a whole Docker engine in its own network namespace, for machines that have none. Root only.
# ENGINE_DIR holds everything of it; the way outward is slirp4netns. It must be a disk folder: overlay2 does not stack on overlay.
set -euo pipefail
dir=${ENGINE_DIR:?a folder for the engine}
export DOCKER_HOST=unix://$dir/docker.sock

# within SECONDS COMMAND…: until it succeeds
within() {
  local tries=$(($1 * 10))
  shift
  for ((; tries > 0; tries--)); do "$@" >/dev/null 2>&1 && return; sleep 0.1; done
  echo "engine.sh: gave up on: $*" >&2
  return 1
}

start() {
  mkdir -p "$dir"
  # shellcheck disable=SC2016 # the inner shell expands them
  DIR=$dir setsid nohup unshare -n -m --propagation slave bash -c '
    echo $$ >"$DIR/ns.pid"
    ip link set lo up
    for _ in $(seq 100); do ip link show tap0 >/dev/null 2>&1 && break; sleep 0.05; done
    sysctl -qw net.ipv4.ip_forward=1
    exec dockerd --data-root "$DIR/data" --exec-root "$DIR/exec" -H "unix://$DIR/docker.sock" --pidfile "$DIR/docker.pid"' >"$dir/dockerd.log" 2>&1 </dev/null &
  within 5 test -s "$dir/ns.pid"
  setsid nohup slirp4netns --configure --mtu=65520 "$(cat "$dir/ns.pid")" tap0 >"$dir/slirp.log" 2>&1 </dev/null &
  echo $! >"$dir/slirp.pid"
  within 30 docker info || { tail -n 5 "$dir/dockerd.log" >&2; return 1; }
}

gone() { ! kill -0 "$1" 2>/dev/null; }

# end PIDFILE
end() {
  [ -s "$1" ] || return 0
  local pid
  pid=$(cat "$1")
  kill "$pid" 2>/dev/null && { within 20 gone "$pid" || kill -KILL "$pid"; }
  rm -f "$1"
}

case ${1:-} in
  start) start ;;
  stop) end "$dir/ns.pid"; end "$dir/slirp.pid" ;;
  in) shift; exec nsenter -t "$(cat "$dir/ns.pid")" -n "$@" ;;
  *) echo 'usage: engine.sh start|stop|in COMMAND…' >&2; exit 2 ;;
esac
