#!/bin/bash
# Sourced by run.sh: what every part uses. Runs in namespaces of its own; all processes end with it.
bin=$PWD/.servers/kubernetes/bin images=$PWD/.servers/kubernetes/images crds=$PWD/.servers/kubernetes/crds
# of this machine in the lab's network, where processes that stand for things outside the cluster listen
address=10.0.0.1

lab() {
  trap 'kill -KILL $(jobs -p) 2>/dev/null; wait 2>/dev/null' EXIT
  export KUBECONFIG=$work/kubeconfig HELM_CACHE_HOME=$work HELM_CONFIG_HOME=$work HELM_DATA_HOME=$work
  export PATH=$PWD/.servers/kubernetes/bin:$PATH:/usr/sbin:/sbin
  local folder
  for folder in /run /var/log /var/lib/cni; do mkdir -p "$folder" && mount -t tmpfs lab "$folder"; done
  echo "nameserver $address" >"$work/resolv.conf" && mount --bind "$work/resolv.conf" "$(realpath /etc/resolv.conf)"
  ip link set lo up
  ip link add nodes type bridge
  ip address add $address/24 dev nodes
  ip link set nodes up
  sysctl -qw net.ipv4.ip_forward=1
  mkdir "$work/names"
  in_background dns.log dnsmasq --keep-in-foreground --no-resolv --no-hosts --hostsdir="$work/names" --listen-address=$address --bind-interfaces --user=root --pid-file
}

# in_background LOG COMMAND…: ends with this script
in_background() { local log=$1; shift; setpriv --pdeathsig KILL "$@" >"$work/$log" 2>&1 & }

# until_true COMMAND…: for two minutes at most
until_true() {
  local end=$((SECONDS + 120))
  until "$@" >/dev/null 2>&1; do [ "$SECONDS" -lt "$end" ] || return 1; sleep 0.2; done
}

# ask HOST URL OPTION…: the status; the body is kept, the path is sent as it is
ask() { curl -s --path-as-is -o "$work/body" -w '%{http_code}' -H "Host: $1" "${@:3}" "$2"; }

# resolves NAME ADDRESS: for processes of this machine and for pods, whose DNS reads that folder
resolves() { echo "$2 $1" >"$work/names/$1"; }

# the names of all Services, as long as the lab lasts
resolve_services() {
  kubectl get services -A --watch -o jsonpath='{.metadata.namespace} {.metadata.name} {.spec.clusterIP}{"\n"}' | while read -r space name ip; do
    [ "$ip" = None ] || { resolves "$name.$space.svc" "$ip"; resolves "$name.$space.svc.cluster.local" "$ip"; }
  done
}

# network NAME ADDRESS: one of its own in the lab's
network() {
  mkdir -p /run/netns
  ip netns add "$1"
  ip link add "$1" type veth peer name eth0 netns "$1"
  ip link set "$1" master nodes up
  in_network "$1" ip link set lo up
  in_network "$1" ip address add "$2/24" dev eth0
  in_network "$1" ip link set eth0 up
  in_network "$1" ip route add default via $address
  in_network "$1" sysctl -qw net.ipv4.ip_forward=1
}

# in_network NAME COMMAND…
in_network() { local name=$1; shift; nsenter --net="/run/netns/$name" "$@"; }

# for a person who looks around
part_hold() {
  echo "nsenter --net --mount --pid --target PID-OF-ETCD env KUBECONFIG=$KUBECONFIG PATH=$bin:\$PATH bash"
  sleep infinity
}
