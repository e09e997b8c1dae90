#!/bin/bash
# Sourced by run.sh: two nodes, each with a network, a containerd and a kubelet of its own; kube-proxy for the processes of this machine.

# on_node N COMMAND…: in that node's network
on_node() { local node=$1; shift; nsenter --net="/run/netns/node$node" "$@"; }

node_network() {
  ip netns add "node$1"
  ip link add "node$1" type veth peer name eth0 netns "node$1"
  ip link set "node$1" master nodes up
  on_node "$1" ip link set lo up
  on_node "$1" ip address add "10.0.0.1$1/24" dev eth0
  on_node "$1" ip link set eth0 up
  on_node "$1" ip route add default via $address
  on_node "$1" sysctl -qw net.ipv4.ip_forward=1
  ip route add "10.244.$1.0/24" via "10.0.0.1$1"
}

# overlayfs does not stack on itself, as in a container
snapshotter() { [ "$(stat -f -c %T "$work")" = overlayfs ] && echo native || echo overlayfs; }

# containerd_config N
containerd_config() {
  cat <<EOF
version = 2
root = "$work/node$1/containerd"
state = "/run/node$1/containerd"
[grpc]
  address = "/run/node$1/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "registry.k8s.io/pause:test"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$work/node$1/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "$(snapshotter)"
EOF
}

# pod_network N
pod_network() {
  cat <<EOF
{ "cniVersion": "0.4.0", "name": "pods", "plugins": [{
  "type": "bridge", "bridge": "pods", "isGateway": true, "hairpinMode": true,
  "ipam": { "type": "host-local", "ranges": [[{ "subnet": "10.244.$1.0/24" }]], "routes": [{ "dst": "0.0.0.0/0" }], "dataDir": "/run/node$1/addresses" }
}] }
EOF
}

# kubelet_config N: what a node in a container needs, beside its addresses
kubelet_config() {
  cat <<EOF
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: 10.0.0.1$1
authentication: { anonymous: { enabled: true }, webhook: { enabled: false } }
authorization: { mode: AlwaysAllow }
cgroupDriver: cgroupfs
cgroupsPerQOS: false
failCgroupV1: false
failSwapOn: false
enforceNodeAllocatable: []
evictionHard: { imagefs.available: 1%, nodefs.available: 1% }
containerRuntimeEndpoint: unix:///run/node$1/containerd.sock
podLogsDir: /var/log/node$1
registerWithTaints: []
EOF
}

start_node() {
  mkdir -p "$work/node$1/cni" "/run/node$1"
  containerd_config "$1" >"$work/node$1/containerd.toml"
  pod_network "$1" >"$work/node$1/cni/pods.conflist"
  kubelet_config "$1" >"$work/node$1/kubelet.yaml"
  in_background "containerd$1.log" nsenter --net="/run/netns/node$1" containerd --config "$work/node$1/containerd.toml"
  until_true ctr -a "/run/node$1/containerd.sock" version
  local image
  for image in "$images"/{pause,forward-auth}.tar; do
    does "node $1 has ${image##*/}" ctr -a "/run/node$1/containerd.sock" -n k8s.io images import --snapshotter "$(snapshotter)" "$image"
  done
  in_background "kubelet$1.log" nsenter --net="/run/netns/node$1" "$bin/kubelet" --kubeconfig="$KUBECONFIG" --config="$work/node$1/kubelet.yaml" \
    --root-dir="$work/node$1/kubelet" --hostname-override="node$1" --node-ip="10.0.0.1$1"
}

part_nodes() {
  local node
  mkdir -p /run/netns
  for node in 1 2; do node_network "$node"; done
  on_node 1 ip route add 10.244.2.0/24 via 10.0.0.12
  on_node 2 ip route add 10.244.1.0/24 via 10.0.0.11
  for node in 1 2; do start_node "$node"; done
  # a Service's address is routed before kube-proxy's rules rewrite it
  ip route add 10.96.0.0/16 dev nodes
  in_background proxy.log "$bin/kube-proxy" --kubeconfig="$KUBECONFIG" --hostname-override=node1 --cluster-cidr=10.244.0.0/16 \
    --conntrack-max-per-core=0 --conntrack-tcp-timeout-established=0s --conntrack-tcp-timeout-close-wait=0s
  does 'two nodes register' until_true kubectl get node node1 node2
  does 'two nodes are ready' kubectl wait --for=condition=Ready node --all --timeout=60s
}
