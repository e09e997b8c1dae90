#!/bin/bash
# Sourced by run.sh: a real Envoy Gateway, which starts a real Envoy in a pod, with what we ship for it in front of our pods.
# The controller is a process with a network of its own, since it takes ports that others here have.
gateway_address=10.0.0.20

controller_config() {
  cat <<EOF
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: EnvoyGateway
gateway: { controllerName: gateway.envoyproxy.io/gatewayclass-controller }
provider:
  type: Kubernetes
  kubernetes:
    leaderElection: { disable: true }
    shutdownManager: { image: docker.io/envoyproxy/gateway:test }
    proxyTopologyInjector: { disabled: true }
EOF
}

# the certificates by which Envoy and its controller know each other: the controller has them at /certs
certificates() {
  "$bin/envoy-gateway" certgen --disable-topology-injector || return
  mkdir -p /certs && mount -t tmpfs lab /certs
  local file
  for file in ca.crt tls.crt tls.key; do
    kubectl -n envoy-gateway-system get secret envoy-gateway -o jsonpath="{.data.${file/./\\.}}" | base64 -d >"/certs/$file" || return
  done
}

envoy_address() { kubectl -n envoy-gateway-system get service -l gateway.envoyproxy.io/owning-gateway-name="$1" -o jsonpath='{.items[0].spec.clusterIP}'; }
envoy_runs() { kubectl -n envoy-gateway-system rollout status deployment -l gateway.envoyproxy.io/owning-gateway-name="$1" --timeout=5s && envoy_address "$1" | grep -q .; }

# envoy PATH OPTION…: the status. `host` is app
envoy() { ask "${host:-app}.example.com" "http://$(envoy_address authgear):8080$1" "${@:2}"; }
envoy_answers() { [ "$(envoy "${@:2}")" = "$1" ]; }

start_envoy_gateway() {
  local node image
  for node in 1 2; do for image in envoy gateway; do has_image "$node" $image; done; done
  network gateway $gateway_address
  resolves envoy-gateway.envoy-gateway-system.svc.cluster.local $gateway_address
  in_network gateway ip route add 10.96.0.0/16 via $address
  # answers go the way that questions come, or kube-proxy's rules drop them
  for node in 1 2; do in_network gateway ip route add "10.244.$node.0/24" via "10.0.0.1$node"; done
  does 'a namespace of its own' kubectl create namespace envoy-gateway-system
  does 'its certificates are made' certificates
  does 'its class, whose Envoy has the image that is here' kubectl create -f test/kubernetes/envoy-gateway.yaml
  controller_config >"$work/envoy-gateway.yaml"
  in_background envoy-gateway.log nsenter --net=/run/netns/gateway "$bin/envoy-gateway" server --config-path "$work/envoy-gateway.yaml"
}

part_envoy_gateway() {
  start_envoy_gateway
  does 'what we ship is taken' kubectl -n auth apply -f deploy/envoy-gateway/envoy-gateway.yaml
  does 'Envoy Gateway starts an Envoy in a pod' until_true envoy_runs authgear
  does 'no session is 401' until_true envoy_answers 401 /
  is 'a session' 200 "$(envoy / -H 'Cookie: session=user' -H 'X-Authgear-User-Id: attacker')"
  is 'the app sees whose it is, not what the client wrote' user "$(sed -nE 's/.*"user":"([^"]*)".*/\1/p' "$work/body")"
  is 'what an app may read as another path' 400 "$(envoy '/;/admin' -H 'Cookie: session=user')"
  is 'an encoded slash' 400 "$(envoy '/x%2f..%2fadmin' -H 'Cookie: session=user')"
  envoy_thief
  envoy_grpc
  envoy_namespaces
  envoy_thief_everywhere
}

# another namespace takes our names; then, on a Gateway for all namespaces, its route is there but may not reach the app
route_says() { kubectl -n thief get httproute app -o jsonpath='{.status.parents[*].conditions[*].reason}' | grep -q "$1"; }
envoy_thief() {
  does 'another namespace takes the names of ours' kubectl apply -f test/kubernetes/thief.yaml
  does 'Envoy Gateway does not let its route in' until_true route_says NotAllowedByListeners
  is 'nobody is let in by it' '401 401' "$(envoy /) $(envoy /stolen)"
}
envoy_thief_everywhere() {
  does 'a Gateway for all namespaces lets the route in, and not to the app' until_true route_says RefNotPermitted
  does 'nobody gets the app by it' until_true envoy_answers 500 /stolen
}

# the same Gateway asks over gRPC, the route's policy in contextExtensions
envoy_grpc() {
  does 'the pods answer gRPC too' upgrade --set replicas=3 --set grpc.enabled=true
  does 'they are rolled out' rolled_out
  does 'snippet writes its file' node dist/main.js snippet envoy-gateway-grpc --policy '/admin=role=admin' --out "$work/grpc"
  does 'it is taken' kubectl -n auth apply -f "$work/grpc"
  does 'gRPC: a session without the role is 403' until_true envoy_answers 403 /admin -H 'Cookie: session=user'
  is 'gRPC: a session with the role' 200 "$(envoy /admin -H 'Cookie: session=admin')"
  is 'gRPC: nobody' 401 "$(envoy /)"
  is 'gRPC: a session, and what a client wrote' 200 "$(envoy / -H 'Cookie: session=user' -H 'X-Authgear-User-Id: attacker')"
  is 'gRPC: the app sees whose it is' user "$(sed -nE 's/.*"user":"([^"]*)".*/\1/p' "$work/body")"
  is 'gRPC: the pods were asked by it' grpc "$(kubectl -n auth get securitypolicy app -o jsonpath='{.spec.extAuth}' | grep -o grpc)"
}

# the Gateway's policy protects every namespace's routes; one has a stricter policy, one opts out
envoy_namespaces() {
  local file
  does 'apps in the namespaces' apps
  for file in '' -route -public; do does "taken: envoy-gateway$file.yaml" kubectl apply -f "$files/envoy-gateway$file.yaml"; done
  host=shop does 'shop has no policy of its own: 401' until_true envoy_answers 401 /
  is 'a session at shop' 200 "$(host=shop envoy / -H 'Cookie: session=user')"
  host=wiki does 'wiki asks for a role: a session without it is 403' until_true envoy_answers 403 / -H 'Cookie: session=user'
  is 'nobody at wiki' 401 "$(host=wiki envoy /)"
  is 'a session with the role at wiki' 200 "$(host=wiki envoy / -H 'Cookie: session=admin')"
  host=public does 'a route that opts out' until_true envoy_answers 200 /
  does 'the grant of auth is taken away' kubectl -n auth delete referencegrant wiki
  host=wiki does 'wiki is closed without it' until_true envoy_answers 500 / -H 'Cookie: session=admin'
}
