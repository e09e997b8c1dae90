import { DOTS, ENCODED, ENCODED_UNRESERVED, HOP_HEADERS, HOST_SHAPE, PARAMETER } from '../guards.ts'
import { anyCase, wholePatternOf } from '../paths.ts'
import {
  type Address, ENVOY_OTHER, FORWARDED_RESPONSE_HEADERS, FORWARDED_REQUEST_HEADERS, type Files, hiddenInLua,
  identityOf, lower, LUA_IDENTITY, luaSet, ownComment, ownPaths, ownPattern, checkOf, respelled, type Route,
  type Settings, takesBasic
} from '../settings.ts'

/** Envoy >= 1.38: the policy is the query of `path_override`. */
export function envoy (settings: Settings): Files {
  return { 'envoy.yaml': file(settings, BY_OVERRIDE) }
}

/** Older ones append the client's path to a prefix, so that the policy goes into a header. */
export function envoyPrefix (settings: Settings): Files {
  return { 'envoy.yaml': file(settings, BY_PREFIX) }
}

/** Any version: `context_extensions` are as old as the filter. Needs LISTEN_GRPC. */
export function envoyGrpc (settings: Settings): Files {
  return { 'envoy.yaml': file(settings, BY_GRPC) }
}

type Way = Readonly<{
  head: string
  strip: (settings: Settings) => string
  extraRequestHeaders: readonly string[]
  /** Which of Envoy's own answers is `status_on_error`. */
  ownError: string
  /** The address that the filter asks. */
  check: (settings: Settings) => string
  /** It asks the catch-all's policy, so that its route says none. */
  isPolicyInFilter: boolean
  routePolicy: (settings: Settings, policy: string) => string
  clusters: (settings: Settings) => string
}>

const file = (settings: Settings, way: Way): string => `\
${way.head}# Check it: envoy --mode validate -c envoy.yaml
static_resources:
  listeners:
  - name: web
    address: { socket_address: { address: "${settings.listen.host}", port_value: ${settings.listen.port} } }
    filter_chains:
    - filters:
${MANAGER}\
${way.ownError}${OWN_ANSWER}\
          http_filters:
${filters(settings, way)}\
          route_config:
            virtual_hosts:
            - name: app # security: another host name is 404
              domains: ["${settings.host}", "${settings.host}:*"]
              routes:
${routes(settings, way)}\
  clusters:
${clusters(settings, way)}`

const MANAGER = `\
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: web
          use_remote_address: true # security: the client's address is the peer's, whatever the client says
          # behind a load balancer, so that the client's address is true: these lines instead of the one above; that one's addresses and no others
          # original_ip_detection_extensions:
          # - name: envoy.http.original_ip_detection.xff
          #   typed_config:
          #     "@type": type.googleapis.com/envoy.extensions.http.original_ip_detection.xff.v3.XffConfig
          #     xff_trusted_cidrs: { cidrs: [{ address_prefix: 10.0.0.5, prefix_len: 32 }] }
          normalize_path: false # security: Envoy would clean a path before the first route refuses what an app may read differently
          merge_slashes: true # security: //admin is cleaned before a route is chosen, and the app gets the same
          path_with_escaped_slashes_action: REJECT_REQUEST # security: %2F and %5C are 400
          common_http_protocol_options:
            headers_with_underscores_action: DROP_HEADER # security: X_Authgear_User_Id, which many apps read as X-Authgear-User-Id
          max_request_headers_kb: 96
          upgrade_configs: [{ upgrade_type: websocket }] # security: no other upgrade, h2c would go past ext_authz
`

const OWN_ANSWER = `\
              headers_to_add:
              - { header: { key: retry-after, value: "1" }, append_action: OVERWRITE_IF_EXISTS_OR_ADD }
              - { header: { key: cache-control, value: no-store }, append_action: OVERWRITE_IF_EXISTS_OR_ADD }
              body_format_override:
                content_type: application/json
                text_format_source: { inline_string: '{"error":"authgear_unavailable","message":"Signing in cannot be checked at the moment. Please try again."}' }
`

const filters = (settings: Settings, way: Way): string => `\
${way.strip(settings)}\
          - name: envoy.filters.http.ext_authz
            typed_config:
              "@type": ${TYPE}.ext_authz.v3.ExtAuthz
              transport_api_version: V3
              failure_mode_allow: false # security: true would allow everybody, with identity headers of their own, while forward-auth is away
              status_on_error: { code: ServiceUnavailable } # the default, 403, would look like a refusal
              encode_raw_headers: true # security: two Cookie lines stay two, instead of one with a comma
              # security: nothing else of the client's request reaches forward-auth
              allowed_headers: { patterns: [${exact([...lower(FORWARDED_REQUEST_HEADERS), ...way.extraRequestHeaders])}] }
${way.check(settings)}\
${hide(settings)}\
          - name: envoy.filters.http.router
            typed_config: { "@type": ${TYPE}.router.v3.Router }
`

/** A pattern of Lua: "-" means something there. */
const hide = (settings: Settings): string => `\
          # security: the app gets every cookie but forward-auth's own
          - name: hide_session
            typed_config:
              "@type": ${TYPE}.lua.v3.Lua
              default_source_code:
                inline_string: |
                  function envoy_on_request(handle)
                    local headers, lines = handle:headers(), {}
                    for name, value in pairs(headers) do
                      if name == "cookie" then
                        local kept = ";" .. value
                        for _, own in ipairs({ ${hiddenInLua(settings).map((name) => `"${name}"`).join(', ')} }) do kept = kept:gsub("; *" .. own .. "=[^;]*", "") end
                        table.insert(lines, (kept:gsub("^; *", "")))
                      end
                    end
                    headers:remove("cookie")
                    for _, line in ipairs(lines) do if line ~= "" then headers:add("cookie", line) end end
                  end
`

const routes = (settings: Settings, way: Way): string => `\
${GUARDS}\
              # CORS preflights carry no credentials. To let the app answer them, take the comment marks off:
              # - match:
              #     prefix: /
              #     headers:
              #     - { name: ":method", string_match: { exact: OPTIONS } }
              #     - { name: origin, present_match: true }
              #     - { name: access-control-request-method, present_match: true }
              #   route: { cluster: app }
              #   typed_per_filter_config:
              #     envoy.filters.http.ext_authz: { "@type": ${TYPE}.ext_authz.v3.ExtAuthzPerRoute, disabled: true }
${ownPaths(settings).length > 0 ? own(settings) : ''}\
              # routes and their policies, the first match counts: docs/policies.md
${settings.routes.map(route => routeOf(settings, route, way)).join('')}\
              - match: { prefix: / } # security: the catch-all; a path without its own route is still protected
                route: { cluster: app, timeout: 0s } # the default, 15 s, would cut off long answers
${hideSecret(settings.policy)}\
${way.isPolicyInFilter || settings.policy === '' ? '' : way.routePolicy(settings, settings.policy)}`

const clusters = (settings: Settings, way: Way): string => `\
  - name: forward_auth
    type: STRICT_DNS
    dns_lookup_family: V4_PREFERRED # by default IPv6 is, whether or not it answers
    connect_timeout: 1s
    circuit_breakers: { thresholds: [{ max_retries: 1024 }] } # the default, 3, refuses the fourth of those that a replica's end cut off
${settings.forwardAuth.tls ? tls(settings.forwardAuth.host) : ''}\
${protocol('http_protocol_options')}\
    load_assignment: ${assignment('forward_auth', settings.forwardAuth)}
${way.clusters(settings)}\
  - name: app
    type: STRICT_DNS
    dns_lookup_family: V4_PREFERRED # by default IPv6 is, whether or not it answers
    connect_timeout: 1s
    load_assignment: ${assignment('app', settings.app)}
`

const TYPE = 'type.googleapis.com/envoy.extensions.filters.http'

const protocol = (options: 'http_protocol_options' | 'http2_protocol_options'): string => `\
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        common_http_protocol_options: { idle_timeout: 60s } # shorter than forward-auth's own
        explicit_http_config: { ${options}: {} }
`

const OWN_ERROR = (what: string, more = ''): string => `\
          local_reply_config: # ${what}
            mappers:
            - filter:
                and_filter:
                  filters:
                  - status_code_filter: { comparison: { op: EQ, value: { default_value: 503, runtime_key: none } } }
                  - response_flag_filter: { flags: [UAEX] }
${more}`

/** Over HTTP: its request, whose path says the policy. */
const overHttp = (settings: Settings, path: string): string => `\
              http_service:
                ${SERVER(settings)}
                ${path}
                # a replica that was just closing the connection is no outage; max_interval is also Envoy's limit for each try
                retry_policy: &retry ${RETRY}
                # security: these win over what the client sent
                authorization_request: &request
                  headers_to_add:
                  - { key: x-forwarded-for, value: "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%" }
                  - { key: x-forwarded-host, value: "%REQ(:AUTHORITY)%" }
                  - { key: x-forwarded-proto, value: "%REQ(:SCHEME)%" }
                  - { key: x-forwarded-uri, value: "%REQ(:PATH)%" } # where to come back to after a login; no decision reads it
                authorization_response: &response
                  allowed_upstream_headers: { patterns: [${exact(lower(identityOf(settings)))}] } # forward-auth sends all of them, also the empty ones
                  allowed_client_headers: { patterns: [${exact(lower(FORWARDED_RESPONSE_HEADERS))}] }
`

const RETRY = '{ retry_on: "connect-failure,refused-stream,reset", num_retries: 2, ' +
  'retry_back_off: { base_interval: 0.02s, max_interval: 5s } }'

const exact = (names: readonly string[]): string => names.map(name => `{ exact: ${name} }`).join(', ')

const SERVER = ({ forwardAuth }: Settings): string =>
  `server_uri: { uri: "${forwardAuth.origin}", cluster: forward_auth, timeout: 5s }`

const assignment = (name: string, { host, port }: Address): string =>
  `{ cluster_name: ${name}, endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: ` +
    `"${host}", port_value: ${port} } } } }] }] }`

const routeOf = (settings: Settings, route: Route, way: Way): string => `\
              - match: { safe_regex: { regex: '${anyCase(settings)}${wholePatternOf(route)}' } }
                route: { cluster: app, timeout: 0s }
${hideSecret(route.policy)}\
${way.routePolicy(settings, route.policy)}`

/** The router removes it, after forward-auth was asked. */
const hideSecret = (policy: string): string => takesBasic(policy)
  ? '                request_headers_to_remove: [authorization] # security: the app must not see a secret\n'
  : ''

const NO_QUESTION = `\
                typed_per_filter_config:
                  envoy.filters.http.ext_authz: { "@type": ${TYPE}.ext_authz.v3.ExtAuthzPerRoute, disabled: true }
`

/** The first routes, before those of any recipe. */
const GUARDS = `\
              # security: no path that Envoy and an app may read differently. Servlet containers read /;/admin and /x/..;/admin as /admin
${[`${PARAMETER}|${DOTS}`, ENCODED, ENCODED_UNRESERVED].map(pattern => `\
              - match: { safe_regex: { regex: '(?i).*(${pattern}).*' } }
                direct_response: { status: 400 }
${NO_QUESTION}`).join('')}\
              # security: app.example.com:80@evil.example is not a host name
              - match: { prefix: /, headers: [{ name: ":authority", string_match: { safe_regex: { regex: '${HOST_SHAPE}' } }, invert_match: true }] }
                direct_response: { status: 400 }
${NO_QUESTION}`

const own = (settings: Settings): string => `\
              # ${ownComment(settings)}
              - match: { safe_regex: { regex: '${ownPattern(settings)}' } }
                route: { cluster: forward_auth }
                request_headers_to_add: # security: these win over what the client sent
                - { header: { key: x-forwarded-host, value: "%REQ(:AUTHORITY)%" }, append_action: OVERWRITE_IF_EXISTS_OR_ADD }
                - { header: { key: x-forwarded-uri, value: "%REQ(:PATH)%" }, append_action: OVERWRITE_IF_EXISTS_OR_ADD }
${NO_QUESTION}\
                  hide_session: { "@type": ${TYPE}.lua.v3.LuaPerRoute, disabled: true }
`

const tls = (host: string): string => `\
    transport_socket:
      name: envoy.transport_sockets.tls
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
        sni: "${host}"
        common_tls_context:
          validation_context: # security: whose certificate to believe, and for which name
            trusted_ca: { filename: ca.crt }
            match_typed_subject_alt_names:
            - { san_type: ${/^[\d.]+$|:/.test(host) ? 'IP_ADDRESS' : 'DNS'}, matcher: { exact: "${host}" } }
`

const BY_OVERRIDE: Way = {
  head: '# Envoy >= 1.38 (path_override); for older ones: deploy/envoy-prefix\n',
  strip: ({ stripped }) => `\
          # security: the client's own copies, in every spelling; x-envoy-*, by which a client could tell Envoy what to do; and headers
          # for one hop only. What is left of Upgrade and Connection, for a WebSocket, are constants
          - name: strip
            typed_config:
              "@type": ${TYPE}.header_mutation.v3.HeaderMutation
              mutations:
                request_mutations:
                - remove_on_match: { key_matcher: { safe_regex: { regex: "(.*authgear.*|x-forward-auth-.*|x-envoy-.*)" } } }
${stripped.map((name) => `                - remove_on_match: { key_matcher: { safe_regex: { regex: "${respelled(name, ENVOY_OTHER)}" } } }\n`).join('')}\
${lower(HOP_HEADERS).map(name => `                - remove: ${name}\n`).join('')}\
                - append: { header: { key: upgrade, value: websocket }, append_action: OVERWRITE_IF_EXISTS }
                - append: { header: { key: connection, value: upgrade }, append_action: OVERWRITE_IF_EXISTS }
`,
  extraRequestHeaders: [],
  ownError: OWN_ERROR("forward-auth's own 503 gets here without its body"),
  check: (settings) =>
    overHttp(settings, `path_override: "${checkOf(settings.policy)}" # security: nothing of the client's path or query`),
  isPolicyInFilter: true,
  routePolicy: (settings, policy) => `\
                typed_per_filter_config:
                  envoy.filters.http.ext_authz:
                    "@type": ${TYPE}.ext_authz.v3.ExtAuthzPerRoute
                    check_settings:
                      http_service: # security: it takes the place of the filter's as a whole, so all of that is here again
                        ${SERVER(settings)}
                        path_override: "${checkOf(policy)}"
                        retry_policy: *retry
                        authorization_request: *request
                        authorization_response: *response
`,
  clusters: () => ''
}

const FOREIGN = [
  'name:find("authgear", 1, true)', 'name:find("^x%-forward%-auth%-")', 'name:find("^x%-envoy%-")'
]

/**
 * For Envoy's Lua filter: removes what only forward-auth, Envoy and the next hop may say. A WebSocket's `upgrade` and
 * `connection` are replaced by constants.
 */
const stripLua = ({ stripped }: Settings): string => `\
                  local hops = ${luaSet(HOP_HEADERS)}
                  local identity = ${luaSet(stripped)}
                  function envoy_on_request(handle)
                    local headers, names = handle:headers(), {}
                    for name in pairs(headers) do
                      if hops[name] or ${FOREIGN.join(' or ')} or ${LUA_IDENTITY} then table.insert(names, name) end
                    end
                    for _, name in ipairs(names) do headers:remove(name) end
                    if headers:get("upgrade") then headers:replace("upgrade", "websocket") end
                    if headers:get("connection") then headers:replace("connection", "upgrade") end
                  end
`

const BY_PREFIX: Way = {
  head: `\
# Envoy before 1.38. It sends the client's path and query behind /ext-authz/~, where forward-auth reads neither; the policy is a header.
`,
  strip: (settings) => `\
          # security: the client's own copies, in every spelling; its x-forward-auth-policy, which Envoy would join to ours by a comma
          # (role=a would become role=a,b); x-envoy-*, by which a client could tell Envoy what to do; and headers for one hop only
          - name: strip
            typed_config:
              "@type": ${TYPE}.lua.v3.Lua
              default_source_code:
                inline_string: |
${stripLua(settings)}\
          - name: policy # of the route, below
            typed_config: { "@type": ${TYPE}.header_mutation.v3.HeaderMutation }
`,
  extraRequestHeaders: ['x-forward-auth-policy'],
  ownError: BY_OVERRIDE.ownError,
  check: (settings) => overHttp(
    settings,
    "path_prefix: /ext-authz/~ # security: an empty policy; without it a client's path could begin with one"
  ),
  isPolicyInFilter: false,
  routePolicy: (_, policy) => `\
                typed_per_filter_config:
                  policy:
                    "@type": ${TYPE}.header_mutation.v3.HeaderMutationPerRoute
                    mutations:
                      request_mutations:
                      - append: { header: { key: x-forward-auth-policy, value: "${policy}" }, append_action: OVERWRITE_IF_EXISTS_OR_ADD }
`,
  clusters: () => ''
}

const BY_GRPC: Way = {
  head: `\
# Over gRPC, with LISTEN_GRPC. Envoy >= 1.38 (remove_on_match)
`,
  strip: BY_OVERRIDE.strip,
  extraRequestHeaders: [],
  ownError: OWN_ERROR('while forward-auth cannot be reached; its own 503 says its reason, and passes as it is', `\
                  - metadata_filter: # no answer of forward-auth, so no metadata
                      matcher: { filter: envoy.filters.http.ext_authz, path: [{ key: reason }], value: { string_match: { exact: none } } }
                      match_if_key_not_found: true
`),
  check: ({ grpc }) => `\
              grpc_service:
                timeout: 5s
                retry_policy: ${RETRY} # a replica that was just closing the connection is no outage; under envoy_grpc it would not be heeded
                envoy_grpc:
                  cluster_name: forward_auth_grpc
                  authority: "${grpc.text}"
`,
  isPolicyInFilter: false,
  // joined with those of wider scope by key: this one takes the place of another policy
  routePolicy: (_, policy) => `\
                typed_per_filter_config:
                  envoy.filters.http.ext_authz:
                    "@type": ${TYPE}.ext_authz.v3.ExtAuthzPerRoute
                    check_settings: { context_extensions: { policy: "${policy}" } }
`,
  clusters: ({ grpc, forwardAuth }) => `\
  - name: forward_auth_grpc
    type: STRICT_DNS
    dns_lookup_family: V4_PREFERRED
    connect_timeout: 1s
    circuit_breakers: { thresholds: [{ max_retries: 1024 }] }
${forwardAuth.tls ? tls(grpc.host) : ''}\
${protocol('http2_protocol_options')}\
    load_assignment: ${assignment('forward_auth_grpc', grpc)}
`
}
