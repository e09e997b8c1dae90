import {
  allPolicies, FORWARDED_REQUEST_HEADERS, type Files, ownComment, ownPaths, ownPattern, checkOf, type Settings
} from '../settings.ts'
import { cleaned, identityPattern, NOBODY, priorityOf, REFUSED, REFUSED_PRIORITY, routeRule } from './traefik.ts'

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
export function withoutDashes (settings: Settings): Settings {
  const taken = new Set<string>()
  return {
    ...settings,
    routes: settings.routes.map((route) => {
      const base = route.name.replaceAll('-', '')
      let name = base
      for (let i = 2; taken.has(name); i++) name = `${base}x${i}`
      taken.add(name)
      return { ...route, name }
    })
  }
}

/** Of Traefik itself: no custom resource can say it. */
export const valuesFile = ({ listen }: Settings): string => `\
# Traefik's Helm chart; Traefik >= 3.7.13 (older ones do not know aliasHeadersStrategy and do not start)
ports:
  web:
    exposedPort: ${listen.port}
additionalArguments:
# security: without it auth/authgear and a Middleware of another namespace can be one name, and the other one counts
- --providers.kubernetescrd.safenaming=true
# security, deny by default: without the marks before these two lines, and with the Middleware's namespace for \`auth\`, a route of any kind and
# namespace that somebody forgot to protect is refused too. No route can opt out: public ones, and those of --login, need an entry point of their
# own (docs/proxies/kubernetes.md)
# - --entrypoints.web.asdefault=true
# - --entrypoints.web.http.middlewares=auth_authgear@kubernetescrd
# security: drops X_Authgear_User_Id, X.Authgear.User.Id and the like, which many apps read as X-Authgear-User-Id
- --entrypoints.web.http.aliasheadersstrategy=delete
# security: %2F, %5C and %00 in a path are 400; Traefik's routes and the app would read such a path differently
- --entrypoints.web.http.encodedcharacters.allowencodedslash=false
- --entrypoints.web.http.encodedcharacters.allowencodedbackslash=false
- --entrypoints.web.http.encodedcharacters.allowencodednullcharacter=false
`

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

const middleware = ({ forwardAuth, ...settings }: Settings, name: string, policy: string): string => `\
apiVersion: traefik.io/v1alpha1
kind: Middleware
metadata:
  name: ${name}
spec:
  forwardAuth:
    address: "${forwardAuth.origin}${checkOf(policy)}"
    trustForwardHeader: true # the entry point decides whom to trust and has removed what untrusted clients sent
    # security: nothing else of the client's request reaches forward-auth, no X-Forward-Auth-Policy either
    authRequestHeaders: [${FORWARDED_REQUEST_HEADERS.join(', ')}]
    # security: deletes the client's own of every name that an app may trust, then copies forward-auth's; keep (?i) and the capitals
    authResponseHeadersRegex: "${identityPattern(settings)}"
    maxResponseBodySize: 65536
`

const ingressRoute = ({ host, app, forwardAuth, routes, ...settings }: Settings): string => `\
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata:
  name: app
spec:
  entryPoints: [web]
  routes:
  # security: what Traefik and an app may read differently, before every other route. Servlet containers read /;/admin and /x/..;/admin as
  # /admin; an Upgrade other than websocket could take the app to a protocol that nobody checks; app.example.com:x is no host name
  - kind: Rule
    match: 'Host(\`${host}\`) && (${REFUSED})'
    priority: ${REFUSED_PRIORITY}
    middlewares: [{ name: refuse }]
    services: [{ name: noop@internal, kind: TraefikService }]
${routes.map((route, i) => `\
  - kind: Rule
    match: ${routeRule({ host, ...settings }, route)}
    priority: ${priorityOf(routes, i)}
    middlewares: [{ name: ${route.name} }]
    services: [{ name: ${app.host}, port: ${app.port} }]
`).join('')}\
${ownPaths(settings).length > 0
? `\
  # ${ownComment(settings)}
  - kind: Rule
    match: Host(\`${host}\`) && PathRegexp(\`${ownPattern(settings)}\`)
    priority: 1000
    middlewares: [{ name: clean }]
    services: [{ name: ${forwardAuth.host}, port: ${forwardAuth.port} }]
`
: ''}\
  # security: the catch-all, what has no route of its own is still protected
  - kind: Rule
    match: Host(\`${host}\`)
    priority: 1
    middlewares: [{ name: authgear }]
    services: [{ name: ${app.host}, port: ${app.port} }]
`
