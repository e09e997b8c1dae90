import { ANSWERED, ASKED, IDENTITY, LOGIN_PATHS, lower, UNUSED_IDENTITY } from '../names.ts'
import { escaped, query, type Files, type Route, type Settings } from '../settings.ts'

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
nginx_config:
  http:
    underscores_in_headers: "off" # security: on by default, and then X_Authgear_User_Id reaches the app
`

const routesFile = (settings: Settings): string => `\
# conf/apisix.yaml. The line #END at its end is needed
routes:
${settings.login ? login(settings) : ''}\
  # routes and their policies: docs/policies.md
${settings.routes.map((route, i) => routeOf(settings, route, 10 + settings.routes.length - i)).join('')}\
  # security: the catch-all, what has no route of its own is still protected
${routeOf(settings, { name: 'app', path: '', policy: settings.policy }, 1)}\
upstreams:
  - id: app
    type: roundrobin
    nodes: { "${settings.app.text}": 1 }
#END
`

/** security: the guard refuses what APISIX would match cleaned and send on raw. */
const GUARD = '["request_uri", "!", "~~", "^[^?]*(/[.][.]?([/;?]|$)|//|%2[eEfF]|%5[cC]|%00)"]'

const routeOf = ({ adapter, host }: Settings, { name, path, policy }: Route, priority: number): string => `\
  - id: ${name}
    host: ${host}
    uri: /*
    priority: ${priority}
    vars: [${path === '' ? '' : `["uri", "~*", "^${escaped(path).replaceAll('\\', '\\\\')}"], `}${GUARD}] # security: no path that app and APISIX may read differently${path === '' ? '' : '; ~* matches without case, as many apps do'}
    enable_websocket: true
    upstream_id: app
    plugins:
      forward-auth:
        uri: "${adapter.origin}/verify${query(policy)}"
        # security: nothing else of the client's request reaches forward-auth
        request_headers: [${ASKED.join(', ')}]
        # security: all eight; one that forward-auth does not send is cleared. The ninth is cleared always
        upstream_headers: [${[...IDENTITY, UNUSED_IDENTITY].map(item => item.toLowerCase()).join(', ')}]
        client_headers: [${lower(ANSWERED).join(', ')}]
        timeout: 5000
        status_on_error: 503 # the default, 403, would look like a refusal
        allow_degradation: false # security: true would let everybody in while forward-auth is away
        keepalive_pool: 64
`

const login = ({ adapter, host }: Settings): string => `\
  # the browser's way in and out; exact, so that nothing else of forward-auth can be reached from outside
  - id: authgear-login
    host: ${host}
    uris: [${LOGIN_PATHS.join(', ')}]
    priority: 1000
    upstream:
      type: roundrobin
      nodes: { "${adapter.text}": 1 }
`
