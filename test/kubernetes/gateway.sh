#!/bin/bash
# Sourced by run.sh: the chart's HTTPRoute on a Gateway of Traefik's, in front of the pods.

gateway_values() {
  cat <<EOF
traefik: { enabled: true, policies: [{ name: authgear, query: "" }, { name: admins, query: role=admin }] }
gateway:
  enabled: true
  parentRefs: [{ name: gateway }]
  hostnames: [gateway.example.com]
  rules:
  - { path: /admin, policy: admins, service: app, port: 8080 }
  - { path: /, policy: authgear, service: app, port: 8080 }
EOF
}

gateway_answers() { [ "$(gateway_status "${@:2}")" = "$1" ]; }
gateway_status() { ask "${host:-gateway.example.com}" "http://127.0.0.1:8004$1" "${@:2}"; }

part_gateway() {
  gateway_values >"$work/gateway.yaml"
  does 'a Gateway of Traefik' kubectl create -n auth -f test/kubernetes/gateway.yaml
  does 'the chart makes the route' upgrade -f "$work/gateway.yaml"
  start_traefik gateway 8004 "" --providers.kubernetescrd.safenaming=true
  does 'the route is served' until_true gateway_answers 401 /
  is 'a session' 200 "$(gateway_status / -H 'Cookie: session=user')"
  is 'a session without the role' 403 "$(gateway_status /admin/x -H 'Cookie: session=user')"
  is 'the same in capitals' 403 "$(gateway_status /ADMIN/x -H 'Cookie: session=user')"
  is 'a session with the role' 200 "$(gateway_status /admin/x -H 'Cookie: session=admin')"
  is 'what an app may read as /admin' 400 "$(gateway_status '/;/admin' -H 'Cookie: session=admin')"
  is 'an encoded slash' 400 "$(gateway_status '/x%2f..%2fadmin' -H 'Cookie: session=admin')"
  is 'another host' 404 "$(host=other.example.com gateway_status / -H 'Cookie: session=admin')"
}
