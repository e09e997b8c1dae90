import { AMBIGUOUS, HOP_HEADERS } from '../guards.ts'
import { patternOf, PCRE_END } from '../paths.ts'
import {
  FORWARDED_RESPONSE_HEADERS,
  FORWARDED_REQUEST_HEADERS,
  type Files,
  identityOf,
  lower,
  LUA_IDENTITY,
  luaSet,
  ownComment,
  ownPaths,
  checkOf,
  type Route,
  type Settings,
  takesBasic,
  UNUSED_IDENTITY
} from '../settings.ts'

export function apisix (settings: Settings): Files {
  return { 'config.yaml': configFile(settings), 'apisix.yaml': routesFile(settings) }
}

const configFile = ({ listen }: Settings): string => `\
# Apache APISIX >= 3.17 (older ones leave the client's own identity headers where forward-auth sends none), stand-alone: its conf/config.yaml
deployment:
  role: data_plane
  role_data_plane:
    config_provider: yaml
apisix:
  node_listen: [{ ip: "${listen.host}", port: ${listen.port} }]
  normalize_uri_like_servlet: false
  ssl: { enable: false } # or your certificate; by default APISIX opens 0.0.0.0:9443 too
nginx_config:
  http:
    underscores_in_headers: "off" # security: on by default, and then X_Authgear_User_Id reaches the app
    # behind a load balancer, so that the client's address is true: that one's addresses and no others
    # real_ip_header: X-Forwarded-For
    # real_ip_recursive: "on"
    # real_ip_from: [10.0.0.5]
  # cookies of 8 kB and more; the way back of a long address after a login
  http_configuration_snippet: |
    large_client_header_buffers 4 32k;
    proxy_buffer_size 16k;
    proxy_buffers 4 16k;
`

const routesFile = (settings: Settings): string => `\
# conf/apisix.yaml. The line #END at its end is needed
routes:
  # security: each route twice. enable_websocket sends the client's Upgrade and Connection on as they are, and h2c would go past forward-auth:
  # so it is on for a request whose one Upgrade value is websocket only
  # security: the catch-all; a path without its own route is still protected
${routeOf(settings, { name: 'app', path: '', isOfTokens: false, policy: settings.policy }, 1)}\
  # routes and their policies: docs/policies.md
${settings.routes.map((route, i) => routeOf(settings, route, 10 + settings.routes.length - i)).join('')}\
${ownPaths(settings).length > 0 ? own(settings) : ''}\
  # security: what no route takes, since APISIX and an app may read it differently
  - id: refuse
    host: ${settings.host}
    uri: /*
    priority: 0
    plugins:
      fault-injection: { abort: { http_status: 400 } }
upstreams:
  - id: app
    type: roundrobin
    nodes: { "${settings.app.text}": 1 }
#END
`

/** security: APISIX matches the cleaned path and sends the raw one on, which only real_request_uri holds. */
const GUARD = `["real_request_uri", "!", "~*", "^[^?]*${AMBIGUOUS.replaceAll('\\', '\\\\')}"]`

const HOST = '["http_host", "~*", "^[^:@/, ]+(:[0-9]+)?$"]'

/** Its one Upgrade value; nginx joins several by a comma. */
const WEBSOCKET =
  '["http_upgrade", "~*", "^websocket$"], ["http_connection", "~*", "^(keep-alive *, *)?upgrade( *, *keep-alive)?$"]'

const pathVar = ({ isCaseSensitive }: Settings, route: Route): string => route.path === ''
  ? ''
  : `["uri", "${isCaseSensitive ? '~~' : '~*'}", "${patternOf(route, PCRE_END).replaceAll('\\', '\\\\')}"], `

const routeOf = (settings: Settings, route: Route, rank: number): string => {
  const { host, stripped } = settings
  const { name, path, policy } = route
  return `\
  - id: ${name}
    host: ${host}
    uri: /*
    priority: ${2 * rank}
    # security: no path that app and APISIX may read differently
    vars: [${pathVar(settings, route)}${GUARD}, ${HOST}]
    upstream_id: app
    plugins: &${name}
      serverless-pre-function:${path === '' ? ` &clean\n${clean(stripped)}` : ' *clean\n'}\
${question(settings, policy)}\
  - id: ${name}-websocket
    host: ${host}
    uri: /*
    priority: ${2 * rank + 1}
    vars: [${pathVar(settings, route)}${GUARD}, ${HOST}, ${WEBSOCKET}]
    enable_websocket: true
    upstream_id: app
    plugins: *${name}
`
}

const question = (settings: Settings, policy: string): string => `\
      forward-auth:
        uri: "${settings.forwardAuth.origin}${checkOf(policy)}"
        # security: nothing else of the client's request reaches forward-auth
        request_headers: [${FORWARDED_REQUEST_HEADERS.join(', ')}]
        extra_headers: { X-Forwarded-Uri: $real_request_uri } # by default a decoded one: where to come back to after a login
        # security: all of them; one that forward-auth does not send is cleared. X-Authgear-Session-Acr is cleared always
        upstream_headers: [${lower([...identityOf(settings), UNUSED_IDENTITY, ...takesBasic(policy) ? ['Authorization'] : []]).join(', ')}]
        client_headers: [${lower(FORWARDED_RESPONSE_HEADERS).join(', ')}]
        timeout: 5000
        status_on_error: 503 # the default, 403, would look like a refusal
        allow_degradation: false # security: true would allow everybody while forward-auth is away
        keepalive_pool: 64
`

const clean = (stripped: readonly string[]): string => `\
        # security: the client's own copies, names that only begin like ours too, and headers for one hop only
        phase: rewrite
        functions:
        - |
          local hops = ${luaSet(HOP_HEADERS)}
          local identity = ${luaSet(stripped)}
          return function()
            for name in pairs(ngx.req.get_headers(0)) do
              if hops[name] or name:find("^x%-authgear") or ${LUA_IDENTITY} then ngx.req.clear_header(name) end
            end
          end
`

const own = (settings: Settings): string => `\
  # ${ownComment(settings)}
  - id: authgear-login
    host: ${settings.host}
    uris: [${ownPaths(settings).join(', ')}]
    priority: 2000
    vars: [${GUARD}, ${HOST}]
    plugins: { serverless-pre-function: *clean }
    upstream:
      type: roundrobin
      nodes: { "${settings.forwardAuth.text}": 1 }
`
