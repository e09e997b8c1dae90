import { TOKEN_HEADERS } from '../../../resource/responses.ts'
import { AMBIGUOUS, ENCODED_UNRESERVED, longest } from '../guards.ts'
import { anyCase, wholePatternOf } from '../paths.ts'
import {
  type Address, allPolicies, canonical, type Files, FORWARDED_REQUEST_HEADERS, IDENTITY, isForTokens,
  ownComment, ownPaths, type Route, type Settings, UNUSED_IDENTITY
} from '../settings.ts'

/** Gateway API's own filter, of its experimental channel: HTTPRouteExternalAuth. No gateway's own words. */
export function gatewayApiExternalAuth (settings: Settings): Files {
  const backend = [
    ...settings.forwardAuth.tls ? [tlsPolicy(settings)] : [],
    ...isFarAway(settings) ? [grant(settings)] : []
  ]
  return {
    'httproute.yaml': routesFile(settings),
    ...backend.length > 0 ? { 'backend.yaml': backend.join('---\n') } : {}
  }
}

/** A Service's name, with its namespace or without. */
export const SERVICE = /^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?(?:[.][a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)?$/

/** The CRD's maxLength. */
export const MAX_PATH = 1024

/** The prefix, which cannot hold a "?": a slash in a value would end the segment. */
export const prefixOf = (policy: string): string => `/ext-authz/~${policy.replaceAll('/', '%2F')}`

type Service = Readonly<{ name: string, namespace: string }>

const serviceOf = ({ host }: Address): Service => {
  const [name = '', namespace = 'default'] = host.split('.')
  return { name, namespace }
}

const isFarAway = ({ forwardAuth, app }: Settings): boolean =>
  serviceOf(forwardAuth).namespace !== serviceOf(app).namespace

/** A gateway may look for these expressions in the path, or compare the whole of it. */
const expressionOf = (settings: Settings, route: Route): string =>
  `${anyCase(settings)}^${wholePatternOf(route)}$`

const routesFile = (settings: Settings): string => [
  refuse(settings),
  ...settings.routes.map((one) => route(settings, one.name, [
    rule(settings, `{ type: RegularExpression, value: '${expressionOf(settings, one)}' }`, one.policy),
    `  # and for a gateway that does not know expressions\n${rule(settings, `{ type: PathPrefix, value: ${one.path} }`, one.policy)}`
  ])),
  route(settings, 'app', [
    `  # security: the catch-all, what has no route of its own is still protected\n${rule(settings, '{ type: PathPrefix, value: / }', settings.policy)}`
  ]),
  ...ownPaths(settings).length > 0 ? [own(settings)] : []
].join('---\n')

const route = ({ app, host }: Settings, name: string, rules: readonly string[]): string => `\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: ${name}
  namespace: ${serviceOf(app).namespace}
spec:
  parentRefs: [{ name: gateway }] # yours
  hostnames: [${host}]
  rules:
${rules.join('')}`

/** What this gateway does with a path nobody knows, so all that any may read differently. */
const REFUSED = `(?i)^.*(${AMBIGUOUS}|${ENCODED_UNRESERVED}).*$`

const refuse = (settings: Settings): string => `\
# Gateway API, experimental channel >= 1.4, with an implementation of HTTPRouteExternalAuth. NONE was run: docs/proxies/external-auth.md says
# how to check yours. forward-auth needs EXT_AUTHZ_POLICY=required and EXT_AUTHZ_LOCATION=request
${route(settings, 'refuse', [`\
  # security: no path that the gateway and an app may read differently. Servlet containers read /;/admin and /x/%2e%2e;/admin as /admin. A
  # rule without backends is 500. Which expression is tried first is each gateway's own: where it is the longest, it is this one; (?:) means nothing
  - matches:
    - path: { type: RegularExpression, value: '${longest(REFUSED, settings.routes.map((one) => expressionOf(settings, one)))}' }
`])}`

const ALIASES: readonly string[] = [...IDENTITY, UNUSED_IDENTITY].map((name) => name.replaceAll('-', '_'))

/**
 * Nothing of it is a name that forward-auth gives there, so it does not matter which filter comes first. The list holds
 * 16 names at most.
 */
const removed = (policy: string): readonly string[] =>
  [...ALIASES, UNUSED_IDENTITY, ...isForTokens(policy) ? [] : TOKEN_HEADERS.map(canonical)]

const rule = (settings: Settings, path: string, policy: string): string => {
  const [app, forwardAuth] = [serviceOf(settings.app), serviceOf(settings.forwardAuth)]
  const more = FORWARDED_REQUEST_HEADERS.filter((name) => name !== 'Authorization')
  return `\
  - matches:
    - path: ${path}
    filters:
    # security: aliases, which many apps read as X-Authgear-User-Id and so on, and names that are not replaced below. The list holds 16, so that
    # an app which trusts Remote-User, X-Forwarded-User, X-WEBAUTH-USER or X-Forward-Auth-Assertion MUST NOT stand behind this filter
    - type: RequestHeaderModifier
      requestHeaderModifier: { remove: [${removed(policy).join(', ')}] }
    - type: ExternalAuth
      externalAuth:
        protocol: HTTP
        backendRef: { name: ${forwardAuth.name}, namespace: ${forwardAuth.namespace}, port: ${settings.forwardAuth.port} }
        http:
          path: "${prefixOf(policy)}" # security: the policy; what follows is the client's own path, of which nothing is read
          # beside Authorization; security: Cookie is not sent unless it is named, and no X-Forward-Auth-Policy or X-Forwarded-* of the client's is
          allowedHeaders: [${more.join(', ')}]
          # security: an empty list would copy everything. Each name replaces the client's own
          allowedResponseHeaders: [${IDENTITY.join(', ')}]
    backendRefs: [{ name: ${app.name}, namespace: ${app.namespace}, port: ${settings.app.port} }]
`
}

const own = (settings: Settings): string => {
  const { name, namespace } = serviceOf(settings.forwardAuth)
  return `\
# ${ownComment(settings)}
${route(settings, 'authgear-login', [`\
  - matches:
${ownPaths(settings).map((path) => `    - path: { type: Exact, value: ${path} }\n`).join('')}\
    backendRefs: [{ name: ${name}, namespace: ${namespace}, port: ${settings.forwardAuth.port} }]
`])}`
}

const tlsPolicy = ({ forwardAuth }: Settings): string => {
  const { name, namespace } = serviceOf(forwardAuth)
  return `\
# the link to forward-auth is TLS: its certificate must be made for this name (LISTEN_TLS_CERT_FILE)
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata:
  name: forward-auth
  namespace: ${namespace}
spec:
  targetRefs: [{ group: "", kind: Service, name: ${name} }]
  validation: # security: whose certificate to believe, and for which name
    caCertificateRefs: [{ group: "", kind: ConfigMap, name: forward-auth-ca }] # its key is ca.crt
    hostname: ${name}.${namespace}.svc
`
}

const grant = ({ forwardAuth, app }: Settings): string => {
  const { name, namespace } = serviceOf(forwardAuth)
  return `\
# routes of the app's namespace may name the Service of this one; check that without it nobody gets in
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata:
  name: forward-auth
  namespace: ${namespace}
spec:
  from: [{ group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: ${serviceOf(app).namespace} }]
  to: [{ group: "", kind: Service, name: ${name} }]
`
}

/** What of these settings the filter cannot say. */
export function externalAuthLimits (settings: Settings): readonly string[] {
  const errors = ([['--forward-auth', settings.forwardAuth], ['--app', settings.app]] as const)
    .filter(([, { host }]) => !SERVICE.test(host))
    .map(([option]) => `${option} must name a Service, with its namespace where it has one of its own, such as ` +
      'http://forward-auth.auth:4180')
  if (settings.outgoing.length > 0) {
    errors.push('--identity, --assertion: the filter cannot remove what a client writes under these names in other ' +
      "spellings: choose your gateway's own configuration (docs/proxies/external-auth.md)")
  }
  if (allPolicies(settings).some(({ policy }) => prefixOf(policy).length > MAX_PATH)) {
    errors.push(`--policy: the filter's path holds ${MAX_PATH} characters at most`)
  }
  return errors
}
