import {
  FORWARDED_RESPONSE_HEADERS, FORWARDED_REQUEST_HEADERS, type Files, GUARD_LUA, identityOf, lower, type Settings,
  STRIP_LUA
} from '../settings.ts'

export function istio (settings: Settings): Files {
  return { 'mesh-config.yaml': meshConfig(settings), 'policy.yaml': policyFile(settings) }
}

/** By gRPC, with LISTEN_GRPC. Istio's provider has no place for a policy: a session is what it asks. */
export function istioGrpc (settings: Settings): Files {
  return { 'mesh-config.yaml': meshConfigGrpc(settings), 'policy.yaml': policyFile(settings) }
}

const meshConfigGrpc = ({ grpc }: Settings): string => `\
${MESH}\
      envoyExtAuthzGrpc:
        service: ${grpc.host}.default.svc.cluster.local
        port: ${grpc.port} # its name in the Service begins with grpc
        timeout: 5s # the default is ten minutes
        failOpen: false # security: true would let everybody in while forward-auth is away
        statusOnError: "503" # the default, 403, would look like a refusal
`

const MESH = `\
# istioctl install -f mesh-config.yaml; or meshConfig in your own IstioOperator or Helm values
apiVersion: install.istio.io/v1alpha1
kind: IstioOperator
spec:
  meshConfig:
    pathNormalization:
      normalization: DECODE_AND_MERGE_SLASHES # security: /x/../admin, //admin and %2F are cleaned before anything is decided
    extensionProviders:
    - name: authgear
`

const meshConfig = ({ forwardAuth, policy, ...settings }: Settings): string => `\
${MESH}\
      envoyExtAuthzHttp:
        service: ${forwardAuth.host}.default.svc.cluster.local
        port: ${forwardAuth.port}
        pathPrefix: /ext-authz/~ # security: an empty policy; without the ~ the client's path could begin with one, and choose what goes out
        timeout: 5s # the default is ten minutes
        failOpen: false # security: true would let everybody in while forward-auth is away
        statusOnError: "503" # the default, 403, would look like a refusal
        # security: nothing else of the client's request reaches forward-auth
        includeRequestHeadersInCheck: [${[...lower(FORWARDED_REQUEST_HEADERS), 'x-forwarded-for'].join(', ')}]
${policy === ''
? ''
: `\
        # security: the policy; it wins over a header of the client's
        includeAdditionalHeadersInCheck: { x-forward-auth-policy: "${policy}" }
`}\
        headersToUpstreamOnAllow: [${lower(identityOf(settings)).join(', ')}] # forward-auth sends all of them, also the empty ones
        headersToDownstreamOnDeny: [${lower(FORWARDED_RESPONSE_HEADERS).join(', ')}]
`

const policyFile = ({ app, ...settings }: Settings): string => `\
# security: no path and no method here, so that the policy is the catch-all of this workload
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: authgear
spec:
  selector:
    matchLabels:
      app: ${app.host}
  action: CUSTOM
  provider:
    name: authgear
  rules:
  - {}
---
# security: the client's own copies, in every spelling, before ext_authz; its x-forward-auth-policy, which Envoy would join to ours by a
# comma; headers for one hop only; and paths that servlet containers read as others (/;/admin is /admin to them)
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata:
  name: authgear-strip
spec:
  workloadSelector:
    labels:
      app: ${app.host}
  configPatches:
  - applyTo: HTTP_FILTER
    match:
      context: SIDECAR_INBOUND
      listener:
        filterChain:
          filter:
            name: envoy.filters.network.http_connection_manager
    patch:
      operation: INSERT_FIRST
      value:
        name: authgear-strip
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua
          default_source_code:
            inline_string: |
${STRIP_LUA(settings, '              ', GUARD_LUA)}\
  - applyTo: NETWORK_FILTER
    match:
      context: SIDECAR_INBOUND
      listener:
        filterChain:
          filter:
            name: envoy.filters.network.http_connection_manager
    patch:
      operation: MERGE
      value:
        name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          common_http_protocol_options:
            headers_with_underscores_action: DROP_HEADER # security: X_Authgear_User_Id, once more
`
