#!/bin/bash
# Debian's packages that test:kubernetes needs: etcd, containerd, its network, names.
set -euo pipefail

missing() {
  command -v etcd >/dev/null || echo etcd-server
  command -v containerd >/dev/null || echo containerd
  command -v runc >/dev/null || echo runc
  command -v iptables >/dev/null || echo iptables
  command -v ip >/dev/null || echo iproute2
  command -v openssl >/dev/null || echo openssl
  command -v busybox >/dev/null || echo busybox
  command -v dnsmasq >/dev/null || echo dnsmasq-base
  command -v redis-server >/dev/null || echo redis-server
  [ -x /usr/lib/cni/bridge ] || echo containernetworking-plugins
}

[ "$(id -u)" -eq 0 ] || { echo 'test:kubernetes needs root: containers and networks of its own'; exit 1; }
mapfile -t packages < <(missing)
[ ${#packages[@]} -eq 0 ] && exit
apt-get update -q >/dev/null
DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${packages[@]}" >/dev/null
