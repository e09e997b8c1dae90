import { noneOf, PARAMETER } from '../guards.ts'
import { anyCase, patternOf } from '../paths.ts'
import {
  clearedOf, FORWARDED_REQUEST_HEADERS, type Files, ownComment, ownPaths, ownPattern, checkOf, type Route,
  type Settings, takesBasic
} from '../settings.ts'

export function traefik (settings: Settings): Files {
  return { 'traefik.yml': staticFile(settings), 'dynamic.yml': dynamicFile(settings) }
}

/** The first route of the list wins; the catch-all is 1. */
export const priorityOf = (routes: readonly Route[], index: number): number => 10 + routes.length - index

/**
 * A request that Traefik and an app may read differently, in Traefik's language. Traefik drops every `Upgrade: h2c`
 * before, and writes Host into X-Forwarded-Host before it chooses a route.
 */
export const REFUSED = [
  `PathRegexp(\`(?i)${PARAMETER}\`)`,
  `HeaderRegexp(\`Upgrade\`, \`${noneOf(['websocket', 'h2c'])}\`)`,
  'HeaderRegexp(`X-Forwarded-Host`, `@|:[0-9]*[^0-9, ]`)' // a trusted load balancer may write several
].join(' || ')

/** @returns what the requests of a route have, in Traefik's language */
export const routeRule = (settings: Settings, route: Route): string =>
  `Host(\`${settings.host}\`) && PathRegexp(\`${anyCase(settings)}${patternOf(route)}\`)`

/** Before every other route, that of a recipe too. */
export const REFUSED_PRIORITY = 100_000

/** The client's headers that are deleted, and copied where forward-auth has them, in Traefik's language. */
export const identityPattern = ({ stripped }: Settings, policy = ''): string =>
  `(?i)^(X-Authgear-.*|${[...stripped, ...takesBasic(policy) ? ['Authorization'] : []].join('|')})$`

/** The headers that a route clears which asks nobody. */
export const cleaned = (settings: Settings): string =>
  `{ ${clearedOf(settings).map((name) => `${name}: ""`).join(', ')} }`

/** The priority of this service's own paths. */
export const OWN_PRIORITY = 1000
export const ownRule = (settings: Settings): string =>
  `Host(\`${settings.host}\`) && PathRegexp(\`${ownPattern(settings)}\`)`

/** For its command line: what the file below says of the entry point. */
export const STRICT_ARGUMENTS = `\
# security: drops X_Authgear_User_Id, X.Authgear.User.Id and the like, which many apps read as X-Authgear-User-Id
- --entrypoints.web.http.aliasheadersstrategy=delete
# security: %2F, %5C and %00 in a path are 400; Traefik's routes and the app would read such a path differently
- --entrypoints.web.http.encodedcharacters.allowencodedslash=false
- --entrypoints.web.http.encodedcharacters.allowencodedbackslash=false
- --entrypoints.web.http.encodedcharacters.allowencodednullcharacter=false
`

export const CATCH_ALL =
  'security: the catch-all; what has no stricter route of its own is still protected (docs/policies.md)'

/** An address that no client has: Traefik has no other middleware that answers. */
export const NOBODY = '255.255.255.255/32'

const staticFile = ({ listen, https }: Settings): string => `\
# Traefik >= 3.7.13 (older ones pass h2c upgrades to the app, or do not know aliasHeadersStrategy and do not start).
# Start it in this folder: traefik --configFile=traefik.yml
entryPoints:
${https ? HTTP_ENTRY : ''}\
  web:
    address: "${https ? ':443' : listen.text}"
${entryPoint(https)}${https ? RESOLVER : ''}`

/** Let's Encrypt asks on port 80 as well. */
const HTTP_ENTRY = `\
  http:
    address: ":80"
    http: { redirections: { entryPoint: { to: web, scheme: https } } }
`
const RESOLVER = `\
certificatesResolvers:
  letsencrypt:
    acme: { storage: acme.json, httpChallenge: { entryPoint: http } } # keep acme.json: Let's Encrypt limits how often you ask
`

/** The settings of the entry point, and of Traefik as a whole. */
const entryPoint = (https: boolean): string => `\
    # security, deny by default: without the marks before the next line and before \`middlewares\` a router without protection is
    # refused too. No router can opt out: public ones, and those of the login, need an entry point of their own (docs/proxies/traefik.md)
    # asDefault: true
    http:
${https ? '      tls: { certResolver: letsencrypt }\n' : ''}\
      # middlewares: [authgear@file]
      # security: drops X_Authgear_User_Id, X.Authgear.User.Id and the like, which many apps read as X-Authgear-User-Id
      aliasHeadersStrategy: delete
      # security: %2F, %5C and %00 in a path are 400; Traefik's routes and the app would read such a path differently
      encodedCharacters:
        allowEncodedSlash: false
        allowEncodedBackSlash: false
        allowEncodedNullCharacter: false
    # behind a load balancer, so that the client's address is true: that one's addresses and no others; never \`insecure: true\`
    # forwardedHeaders: { trustedIPs: [10.0.0.5] }
providers:
  file:
    filename: dynamic.yml
global:
  checkNewVersion: false
  sendAnonymousUsage: false
`

const dynamicFile = (settings: Settings): string => `\
${settings.forwardAuth.tls ? TLS_HEAD : PLAIN_HEAD}http:
  middlewares:
${middlewares(settings)}\
  routers:
${routers(settings)}\
${CORS}  services:
    app:
      loadBalancer:
        servers:
          - url: http${settings.app.tls ? 's' : ''}://${settings.app.text}
${ownPaths(settings).length > 0 ? ownService(settings) : ''}`

const middlewares = (settings: Settings): string => `\
    authgear:
      forwardAuth: &forwardAuth
        address: ${address(settings, settings.policy)}
${settings.forwardAuth.tls ? '        tls: { ca: ca.crt } # security: whose certificate to believe\n' : ''}\
        trustForwardHeader: true # the entry point decides whom to trust and has removed what untrusted clients sent
        # security: nothing else of the client's request reaches forward-auth, no X-Forward-Auth-Policy either
        authRequestHeaders:
${FORWARDED_REQUEST_HEADERS.map(name => `          - ${name}\n`).join('')}\
        # security: deletes the client's own of every name that an app may trust, then copies forward-auth's. Keep (?i) and the
        # capitals: the pattern is compared with the canonical name, and "^x-authgear-" would match nothing
        authResponseHeadersRegex: "${identityPattern(settings, settings.policy)}"
        maxResponseBodySize: 65536
    refuse: { ipAllowList: { sourceRange: [${NOBODY}], rejectStatusCode: 400 } } # nobody has that address: 400 for everybody
    # security: for a route without authgear: the client's own copies
    clean: { headers: { customRequestHeaders: ${cleaned(settings)} } }
${settings.routes.length > 0 ? '    # security: <<: keeps all that protects; only what is asked differs\n' : ''}\
${settings.routes.map((route) => middleware(settings, route)).join('')}`

/** Of a route that takes Basic it deletes Authorization, too, which forward-auth never sends. */
const middleware = (settings: Settings, { name, policy }: Route): string => {
  const more = takesBasic(policy) ? `, authResponseHeadersRegex: "${identityPattern(settings, policy)}"` : ''
  return `    ${name}: { forwardAuth: { <<: *forwardAuth, address: "${address(settings, policy)}"${more} } }\n`
}

const address = ({ forwardAuth }: Settings, policy: string): string => `${forwardAuth.origin}${checkOf(policy)}`

const TLS_HEAD = `\
# The link to forward-auth is TLS with HTTP/2: one connection for every check, instead of a new one for most of them.
# ca.crt is the CA of forward-auth's certificate (LISTEN_TLS_CERT_FILE), which must be made for the host name in \`address\`.
`
const PLAIN_HEAD = `\
# The link to forward-auth is plain HTTP: for a private network only (tokens are readable on it), and slower than with https://,
# since Traefik keeps two idle connections at most and opens a new one for most checks (deploy/traefik-tls, docs/tls.md).
`

const routers = (settings: Settings): string => `\
    # security: what Traefik and an app may read differently, before every other route. Servlet containers read /;/admin and /x/..;/admin as
    # /admin; an Upgrade other than websocket could take the app to a protocol that nobody checks; app.example.com:x is not a host name
${router('refuse', `'Host(\`${settings.host}\`) && (${REFUSED})'`, REFUSED_PRIORITY, 'refuse', 'noop@internal')}\
    # ${settings.isPublic ? 'everybody may see what has no route of its own (--public)' : CATCH_ALL}
${router('app', `Host(\`${settings.host}\`)`, 1, settings.isPublic ? 'clean' : 'authgear', 'app')}\
${settings.routes.map((route, i) => router(route.name, routeRule(settings, route), priorityOf(settings.routes, i), route.name, 'app')).join('')}\
${ownPaths(settings).length > 0 ? ownRouter(settings) : ''}`

const router = (name: string, rule: string, priority: number, middleware: string, service: string): string => `\
    ${name}:
      rule: ${rule}
      priority: ${priority}
      entryPoints: [web]
      middlewares: [${middleware}]
      service: ${service}
`

const ownRouter = (settings: Settings): string =>
  `    # ${ownComment(settings)}\n${router('authgear-login', ownRule(settings), OWN_PRIORITY, 'clean', 'authgear-login')}`

const ownService = ({ forwardAuth }: Settings): string => `\
    authgear-login:
      loadBalancer:
${forwardAuth.tls ? '        serversTransport: authgear-login\n' : ''}\
        servers:
          - url: ${forwardAuth.origin}
${forwardAuth.tls ? '  serversTransports:\n    authgear-login: { rootCAs: [ca.crt] }\n' : ''}`

const CORS = `\
  # CORS preflights carry no credentials. To let Traefik answer them itself, put this before authgear in \`middlewares\` above:
  #   cors:
  #     headers:
  #       accessControlAllowOriginList: [https://www.example.com]
  #       accessControlAllowMethods: [GET, POST]
  #       accessControlAllowHeaders: [Authorization, Content-Type]
  #       accessControlExposeHeaders: [WWW-Authenticate, Retry-After, X-Request-ID]
  #       accessControlAllowCredentials: true
`
