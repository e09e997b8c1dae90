import { named } from '../routes.ts'
import {
  type Address, allPolicies, FORWARDED_REQUEST_HEADERS, type Files, ownComment, ownPaths, checkOf, type Settings
} from '../settings.ts'
import {
  cleaned, identityPattern, NOBODY, OWN_PRIORITY, ownRule, priorityOf, REFUSED, REFUSED_PRIORITY, routeRule,
  STRICT_ARGUMENTS
} from './traefik.ts'

export function traefikKubernetes (given: Settings): Files {
  const settings = withoutDashes(given)
  return {
    'values.yaml': valuesFile(settings),
    'middlewares.yaml': middlewares(settings),
    'ingressroute.yaml': ingressRoute(settings)
  }
}

/**
 * Security: without safeNaming Traefik joins namespace and name by a dash, so that `team/app-admin` and
 * `team-app/admin` are one. A name without a dash, in a namespace without one, can be split in one way only.
 */
export const withoutDashes = (settings: Settings): Settings =>
  ({ ...settings, routes: named(settings.routes, ({ name }) => name.replaceAll('-', ''), 'x') })

/** Settings of Traefik itself, which no custom resource can say. */
export const valuesFile = ({ listen }: Settings): string => `\
# Traefik's Helm chart; Traefik >= 3.7.13 (older ones do not know aliasHeadersStrategy and do not start)
ports:
  web:
    exposedPort: ${listen.port}
additionalArguments:
# security: without it auth/authgear and a Middleware of another namespace can be one name, and the other one counts
- --providers.kubernetescrd.safenaming=true
# security, deny by default: without the marks before these two lines, and with the Middleware's namespace for \`auth\`, a route of any kind and
# namespace without protection is refused too. No route can opt out: public ones, and those of the login, need an entry point of their
# own (docs/proxies/kubernetes.md)
# - --entrypoints.web.asdefault=true
# - --entrypoints.web.http.middlewares=auth_authgear@kubernetescrd
${STRICT_ARGUMENTS}`

/** One for each policy; `authgear` is the catch-all's. */
export const middlewares = (settings: Settings): string => [
  ...allPolicies(settings).map(({ name, policy }) => middleware(settings, name === 'app' ? 'authgear' : name, policy)),
  cleanMiddleware(settings),
  REFUSE
].join('---\n')

const cleanMiddleware = (settings: Settings): string => `\
# security: for a route without authgear: the client's own copies
apiVersion: traefik.io/v1alpha1
kind: Middleware
metadata:
  name: clean
spec:
  headers:
    customRequestHeaders: ${cleaned(settings)}
`

const REFUSE = `\
# 400 for everybody: nobody has that address
apiVersion: traefik.io/v1alpha1
kind: Middleware
metadata:
  name: refuse
spec:
  ipAllowList: { sourceRange: [${NOBODY}], rejectStatusCode: 400 }
`

const middleware = (settings: Settings, name: string, policy: string): string => `\
apiVersion: traefik.io/v1alpha1
kind: Middleware
metadata:
  name: ${name}
spec:
  forwardAuth:
    address: "${settings.forwardAuth.origin}${checkOf(policy)}"
    trustForwardHeader: true # the entry point decides whom to trust and has removed what untrusted clients sent
    # security: nothing else of the client's request reaches forward-auth, no X-Forward-Auth-Policy either
    authRequestHeaders: [${FORWARDED_REQUEST_HEADERS.join(', ')}]
    # security: deletes the client's own of every name that an app may trust, then copies forward-auth's; keep (?i) and the capitals
    authResponseHeadersRegex: "${identityPattern(settings, policy)}"
    maxResponseBodySize: 65536
`

const ingressRoute = (settings: Settings): string => {
  const { host, routes } = settings
  const app = serviceOf(settings.app)
  return `\
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata:
  name: app
spec:
  entryPoints: [web]
  routes:
  # security: what Traefik and an app may read differently, before every other route. Servlet containers read /;/admin and /x/..;/admin as
  # /admin; an Upgrade other than websocket could take the app to a protocol that nobody checks; app.example.com:x is not a host name
${rule(`'Host(\`${host}\`) && (${REFUSED})'`, REFUSED_PRIORITY, 'refuse', 'name: noop@internal, kind: TraefikService')}\
${routes.map((route, i) => rule(routeRule(settings, route), priorityOf(routes, i), route.name, app)).join('')}\
${ownPaths(settings).length > 0
? `  # ${ownComment(settings)}\n${rule(ownRule(settings), OWN_PRIORITY, 'clean', serviceOf(settings.forwardAuth))}`
: ''}\
  # security: the catch-all; a path without its own route is still protected
${rule(`Host(\`${host}\`)`, 1, 'authgear', app)}`
}

const serviceOf = ({ host, port }: Address): string => `name: ${host}, port: ${port}`

const rule = (match: string, priority: number, middleware: string, service: string): string => `\
  - kind: Rule
    match: ${match}
    priority: ${priority}
    middlewares: [{ name: ${middleware} }]
    services: [{ ${service} }]
`
