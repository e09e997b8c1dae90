#!/bin/bash
# Sourced by run.sh: two nodes, each with a network, a containerd and a kubelet of its own; kube-proxy for the processes of this machine.

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
# a disk that is nearly full ends no pod and deletes no image: it is this machine's, not what these tests are about
evictionHard: { imagefs.available: 0%, nodefs.available: 0% }
imageGCHighThresholdPercent: 100
containerRuntimeEndpoint: unix:///run/node$1/containerd.sock
podLogsDir: /var/log/node$1
clusterDNS: [$address]
clusterDomain: cluster.local
EOF
}

# has_image NODE NAME
has_image() {
  does "node $1 has the image $2" ctr -a "/run/node$1/containerd.sock" -n k8s.io images import --snapshotter "$(snapshotter)" "$images/$2.tar"
}

start_node() {
  local image
  mkdir -p "$work/node$1/cni" "/run/node$1"
  containerd_config "$1" >"$work/node$1/containerd.toml"
  pod_network "$1" >"$work/node$1/cni/pods.conflist"
  kubelet_config "$1" >"$work/node$1/kubelet.yaml"
  in_background "containerd$1.log" nsenter --net="/run/netns/node$1" containerd --config "$work/node$1/containerd.toml"
  until_true ctr -a "/run/node$1/containerd.sock" version
  for image in pause forward-auth; do has_image "$1" $image; done
  in_background "kubelet$1.log" nsenter --net="/run/netns/node$1" "$bin/kubelet" --kubeconfig="$KUBECONFIG" --config="$work/node$1/kubelet.yaml" \
    --root-dir="$work/node$1/kubelet" --hostname-override="node$1" --node-ip="10.0.0.1$1"
}

part_nodes() {
  local node
  for node in 1 2; do
    network "node$node" "10.0.0.1$node"
    ip route add "10.244.$node.0/24" via "10.0.0.1$node"
  done
  in_network node1 ip route add 10.244.2.0/24 via 10.0.0.12
  in_network node2 ip route add 10.244.1.0/24 via 10.0.0.11
  for node in 1 2; do start_node "$node"; done
  # one kube-proxy for all, here where the nodes' default route leads: so answers must come back this way (--masquerade-all).
  # A Service's address is routed before its rules rewrite it
  ip route add 10.96.0.0/16 dev nodes
  # or its rules meet a packet as the bridge passes it, and again as it is routed, and the answer is lost
  [ ! -e /proc/sys/net/bridge/bridge-nf-call-iptables ] || sysctl -qw net.bridge.bridge-nf-call-iptables=0
  in_background proxy.log "$bin/kube-proxy" --kubeconfig="$KUBECONFIG" --hostname-override=node1 --cluster-cidr=10.244.0.0/16 --masquerade-all \
    --conntrack-max-per-core=0 --conntrack-tcp-timeout-established=0s --conntrack-tcp-timeout-close-wait=0s
  does 'two nodes register' until_true kubectl get node node1 node2
  does 'two nodes are ready' kubectl wait --for=condition=Ready node --all --timeout=180s
}
