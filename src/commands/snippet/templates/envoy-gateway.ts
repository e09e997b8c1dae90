import { HOP_HEADERS, longest, PARAMETER } from '../guards.ts'
import { wholePatternsOf } from '../paths.ts'
import {
  type Address,
  allPolicies,
  FORWARDED_REQUEST_HEADERS,
  type Files,
  ENVOY_OTHER,
  identityOf,
  lower,
  ownComment,
  ownPaths,
  ownPattern,
  checkOf,
  respelled,
  type Settings,
  takesBasic
} from '../settings.ts'

export function envoyGateway (settings: Settings): Files {
  return { 'envoy-gateway.yaml': file(settings) }
}

/** By gRPC, with LISTEN_GRPC. */
export function envoyGatewayGrpc (settings: Settings): Files {
  return { 'envoy-gateway.yaml': file(settings, BY_GRPC) }
}

type Way = Readonly<{ since: string, check: (settings: Settings, policy: string) => string }>

const file = (settings: Settings, way = BY_HTTP): string =>
  [
    gateway(settings, way),
    clientTraffic(settings),
    refuse(settings),
    ...settings.routes.map(({ name, policy }, i) =>
      httpRoute(settings, name, regex(wholePatternsOf(settings)[i] ?? ''), toApp(settings, policy))),
    httpRoute(
      settings,
      'app',
      '{ type: PathPrefix, value: / } # security: the catch-all; a path without its own route is still protected',
      toApp(settings, settings.policy)
    ),
    `${DENY}${securityPolicy(settings, { kind: 'Gateway', name: 'authgear' }, settings.policy, way)}`,
    ...allPolicies(settings).map(
      ({ name, policy }) => securityPolicy(settings, { kind: 'HTTPRoute', name }, policy, way)
    ),
    ...(ownPaths(settings).length > 0 ? [own(settings), OPEN] : [])
  ].join('---\n')

const gateway = ({ listen, host }: Settings, { since }: Way): string => `\
# Envoy Gateway >= ${since}; this service and the app are Services of the same namespace
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: authgear
spec:
  gatewayClassName: eg
  listeners:
  - name: web
    protocol: HTTP
    port: ${listen.port}
    hostname: ${host}
`

const clientTraffic = ({ stripped }: Settings): string => `\
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: ClientTrafficPolicy
metadata:
  name: authgear
spec:
  targetRefs:
  - { group: gateway.networking.k8s.io, kind: Gateway, name: authgear }
  path:
    escapedSlashesAction: RejectRequest # security: %2F and %5C are 400
    disableMergeSlashes: false # security: //admin is cleaned before a route is chosen
  headers:
    withUnderscoresAction: DropHeader # security: X_Authgear_User_Id, which many apps read as X-Authgear-User-Id
    earlyRequestHeaders:
      # security: the client's own copies, in every spelling, before anything is decided
      removeOnMatch:
      - { type: RegularExpression, value: "(?i).*authgear.*" }
      - { type: Prefix, value: x-forward-auth- }
${stripped.map((name) => `      - { type: RegularExpression, value: "${respelled(name, ENVOY_OTHER)}" }\n`).join('')}\
      # security: headers for one hop only
${lower(HOP_HEADERS).map(name => `      - { type: Exact, value: ${name} }\n`).join('')}`

const refuse = (settings: Settings): string => {
  const others = [...wholePatternsOf(settings), ownPattern({ ...settings, login: true })]
  return `\
# security: no path that Envoy and an app may read differently. Servlet containers read /;/admin and /x/%2e%2e;/admin as /admin. The longest
# expression is tried first, so this one is longer than all others; (?:) means nothing
${httpRoute(settings, 'refuse', regex(longest(`(?i).*${PARAMETER}.*`, others)), REFUSAL)}\
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: HTTPRouteFilter
metadata:
  name: refuse
spec:
  directResponse: { statusCode: 400 }
`
}

const REFUSAL = 'filters: [{ type: ExtensionRef, extensionRef: { group: gateway.envoyproxy.io, ' +
  'kind: HTTPRouteFilter, name: refuse } }]'

const backendOf = ({ host, port }: Address): string => `backendRefs: [{ name: ${host}, port: ${port} }]`

/** A filter of the route runs after forward-auth was asked. */
const toApp = ({ app }: Settings, policy: string): string => takesBasic(policy)
  ? `filters: [{ type: RequestHeaderModifier, requestHeaderModifier: { remove: [Authorization] } }] # security: the app must not see a secret\n    ${backendOf(app)}`
  : backendOf(app)

const regex = (pattern: string): string => `{ type: RegularExpression, value: '${pattern}' }`

/** @param then what becomes of a request of that path */
const httpRoute = ({ host }: Settings, name: string, path: string, then: string): string => `\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: ${name}
spec:
  parentRefs: [{ name: authgear }]
  hostnames: [${host}]
  rules:
  - matches:
    - path: ${path}
    ${then}
`

const DENY = `\
# security: deny by default: a route of this Gateway without a SecurityPolicy of its own is protected too, and so is one whose policy is deleted.
# A route's own policy takes the place of this one as a whole
`

/** By this the login's way is open: a policy without extAuth. */
const OPEN = `\
# these paths need no session: in the place of the Gateway's policy. A public route of yours needs the same
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: SecurityPolicy
metadata:
  name: authgear-login
spec:
  targetRefs:
  - { group: gateway.networking.k8s.io, kind: HTTPRoute, name: authgear-login }
  authorization: { defaultAction: Allow }
`

type Target = Readonly<{ kind: 'Gateway' | 'HTTPRoute', name: string }>

const securityPolicy = (settings: Settings, { kind, name }: Target, policy: string, way: Way): string => `\
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: SecurityPolicy
metadata:
  name: ${name}
spec:
  targetRefs:
  - { group: gateway.networking.k8s.io, kind: ${kind}, name: ${name} }
  extAuth:
    failOpen: false # security: true would allow everybody while forward-auth is away
    statusOnError: 503 # the default, 403, would look like a refusal
    timeout: 5s
    # security: nothing else of the client's request reaches forward-auth; a cookie is not sent unless it is named
    headersToExtAuth: [${[...lower(FORWARDED_REQUEST_HEADERS), 'x-forwarded-for'].join(', ')}]
${way.check(settings, policy)}`

/** Envoy Gateway has no default here: without it each of those is a 503. */
const RETRY = `\
      backendSettings: # a replica that was just closing the connection is no outage
        retry:
          numRetries: 2
          retryOn: { triggers: [connect-failure, refused-stream, reset] }
          perRetry: { backOff: { baseInterval: 20ms, maxInterval: 5s } }
`

const BY_HTTP: Way = {
  since: '1.8 (pathOverride)',
  check: (settings, policy) => `\
    http:
      ${backendOf(settings.forwardAuth)}
${RETRY}\
      pathOverride: "${checkOf(policy)}" # security: nothing of the client's path or query
      headersToBackend: # security: all of them
${lower(identityOf(settings)).map(item => `      - ${item}\n`).join('')}`
}

const BY_GRPC: Way = {
  since: '1.9 (contextExtensions)',
  check: ({ grpc }, policy) => `\
    grpc:
      ${backendOf(grpc)}
${RETRY}\
${policy === ''
  ? ''
  : `\
    contextExtensions: # security: the policy; no client can say one
    - { name: policy, type: Value, value: "${policy}" }
`}`
}

const own = (settings: Settings): string => {
  const pattern = ownPattern(settings).slice(1, -1)
  return `# ${ownComment(settings)}\n` +
    httpRoute(settings, 'authgear-login', regex(pattern), backendOf(settings.forwardAuth))
}
