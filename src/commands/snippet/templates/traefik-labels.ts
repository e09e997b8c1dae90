import {
  clearedOf, FORWARDED_REQUEST_HEADERS, type Files, ownComment, ownPaths, checkOf, type Settings
} from '../settings.ts'
import {
  CATCH_ALL, identityPattern, NOBODY, OWN_PRIORITY, ownRule, priorityOf, REFUSED, REFUSED_PRIORITY, routeRule,
  STRICT_ARGUMENTS
} from './traefik.ts'

/** For https:// to forward-auth: an app beside the stack of docs/docker.md, which has everything but the app. */
export function traefikLabels (settings: Settings): Files {
  return { 'traefik-labels.yml': settings.forwardAuth.tls ? appFile(settings) : composeFile(settings) }
}

const appFile = (settings: Settings): string => `\
# docker compose -f traefik-labels.yml up -d: an app beside deploy/compose/https.yml, whose Traefik knows authgear@file and refuses on every host
# what it and an app may read differently (deploy/compose/own/authgear.yml)
services:
  ${settings.app.host}:
    image: your-app
    networks: [apps]
    labels:
      - traefik.enable=true
${settings.outgoing.length > 0 ? cleanLabels(settings, nameOf(settings, 'clean')) : ''}\
${ownPaths(settings).length > 0 ? stackOwnLabels(settings) : ''}\
${routesOf(settings, besideStack(settings))}
networks:
  apps: { name: authgear-forward-auth-https_apps, external: true } # no port is published: Traefik is the only way to it
`

const composeFile = (settings: Settings): string => `\
# docker compose -f traefik-labels.yml up; with Redis, a second replica and a simulated Authgear: docker-compose.yml of the project
services:
${traefikService(settings)}
${forwardAuthService(settings)}
  ${settings.app.host}:
    image: your-app
    labels:
      - traefik.enable=true
      # security: before every other route of this host
${routerLabels(nameOf(settings, 'refuse'), `Host(\`${settings.host}\`) && (${REFUSED})`, REFUSED_PRIORITY, 'noop@internal', 'authgear-refuse')}\
${routesOf(settings, { everybody: 'authgear', clean: 'clean' })}\
${settings.https ? 'volumes: { acme: {} } # certificates: Let\'s Encrypt limits how often you ask\n' : ''}`

const traefikService = (settings: Settings): string => `\
  traefik:
    image: traefik:v3.7.15 # 3.7.13 or newer: aliasHeadersStrategy, and no h2c upgrade to the app
    # these options of Traefik's own cannot be labels
    command:
      - --providers.docker=true
      - --providers.docker.exposedbydefault=false
${settings.https ? HTTPS_COMMAND : `      - --entrypoints.web.address=:${settings.listen.port}\n`}\
      # security, deny by default: without these two marks a router without protection is refused too (docs/proxies/traefik.md)
      # - --entrypoints.web.asdefault=true
      # - --entrypoints.web.http.middlewares=authgear@docker
${STRICT_ARGUMENTS.replaceAll(/^(?=.)/gm, '      ')}\
    ports: [${settings.https ? '"80:80", "443:443"' : `"${settings.listen.text}:${settings.listen.port}"`}] # nothing else is published
    volumes: ["/var/run/docker.sock:/var/run/docker.sock:ro"${settings.https ? ', "acme:/acme"' : ''}]
`

const HTTPS_COMMAND = `\
      - --entrypoints.http.address=:80
      - --entrypoints.http.http.redirections.entrypoint.to=web
      - --entrypoints.http.http.redirections.entrypoint.scheme=https
      - --entrypoints.web.address=:443
      - --entrypoints.web.http.tls.certresolver=letsencrypt
      - --certificatesresolvers.letsencrypt.acme.storage=/acme/acme.json
      - --certificatesresolvers.letsencrypt.acme.httpchallenge.entrypoint=http
`

const forwardAuthService = (settings: Settings): string => `\
  # security: no published port; only Traefik reaches it. It carries what every app uses (docs/second-app.md)
  ${settings.forwardAuth.host}:
    image: authgear-forward-auth
    env_file: [{ path: .env, required: false }] # every variable: docs/configuration.md
    environment:
      AUTHGEAR_ENDPOINT: \${AUTHGEAR_ENDPOINT:?the project's public origin}
    labels:
      - traefik.enable=true
${middlewareLabels(settings, 'authgear', '')}\
      # security: answers 400 where a router sends what Traefik and an app may read differently (deploy/traefik/dynamic.yml says more)
      - traefik.http.middlewares.authgear-refuse.ipallowlist.sourcerange=${NOBODY}
      - traefik.http.middlewares.authgear-refuse.ipallowlist.rejectstatuscode=400
${cleanLabels(settings)}\
${ownPaths(settings).length > 0 ? ownLabels(settings) : ''}`

/** Names of middlewares: of a catch-all without a policy, and of one that asks nobody. */
type Rest = Readonly<{ everybody: string, clean: string }>

/** The stack's own take every set from clients, and no other name. */
const besideStack = (settings: Settings): Rest => settings.outgoing.length === 0
  ? { everybody: 'authgear@file', clean: 'authgear-clean@file' }
  : { everybody: nameOf(settings, 'all'), clean: nameOf(settings, 'clean') }

const routesOf = (settings: Settings, rest: Rest): string => `\
${policiesOf(settings, rest.everybody).map(({ name, policy }) => middlewareLabels(settings, name, policy)).join('')}\
      # ${settings.isPublic ? 'everybody may see what has no route of its own (--public)' : CATCH_ALL}
${routerLabels(nameOf(settings), `Host(\`${settings.host}\`)`, 1, nameOf(settings), ofTheRest(settings, rest))}\
${settings.routes.map((route, i) => {
  const name = nameOf(settings, route.name)
  return routerLabels(name, routeRule(settings, route), priorityOf(settings.routes, i), nameOf(settings), name)
}).join('')}\
      - traefik.http.services.${nameOf(settings)}.loadbalancer.server.port=${settings.app.port}
${settings.app.tls ? `      - traefik.http.services.${nameOf(settings)}.loadbalancer.server.scheme=https\n` : ''}\
`

const ofTheRest = (settings: Settings, { everybody, clean }: Rest): string =>
  settings.isPublic ? clean : settings.policy === '' ? everybody : nameOf(settings, 'all')

/** Traefik has one list of names for all apps: two dashes stand in no app's own (src/commands/snippet/proxies.ts). */
const nameOf = ({ app }: Settings, part = ''): string => part === '' ? app.host : `${app.host}--${part.replace(/^app-/, '')}`

/** Those that are not carried for all apps. */
const policiesOf = (
  settings: Settings,
  everybody: string
): ReadonlyArray<Readonly<{ name: string, policy: string }>> => [
  ...settings.policy === '' && everybody !== nameOf(settings, 'all')
    ? []
    : [{ name: nameOf(settings, 'all'), policy: settings.policy }],
  ...settings.routes.map(({ name, policy }) => ({ name: nameOf(settings, name), policy }))
]

const routerLabels = (name: string, rule: string, priority: number, service: string, middleware: string): string => `\
      - traefik.http.routers.${name}.rule=${inCompose(rule)}
      - traefik.http.routers.${name}.priority=${priority}
      - traefik.http.routers.${name}.entrypoints=web
      - traefik.http.routers.${name}.service=${service}
      - traefik.http.routers.${name}.middlewares=${middleware}
`

/** Compose reads $ as the beginning of a variable. */
const inCompose = (text: string): string => text.replaceAll('$', '$$$$')

const middlewareLabels = (settings: Settings, name: string, policy: string): string => `\
      - traefik.http.middlewares.${name}.forwardauth.address=${settings.forwardAuth.origin}${checkOf(policy)}
${settings.forwardAuth.tls ? `      - traefik.http.middlewares.${name}.forwardauth.tls.ca=/proxy-tls/ca.crt # security: whose certificate to believe\n` : ''}\
      - traefik.http.middlewares.${name}.forwardauth.trustForwardHeader=true
      # security: nothing else of the client's request reaches forward-auth, no X-Forward-Auth-Policy either
      - traefik.http.middlewares.${name}.forwardauth.authRequestHeaders=${FORWARDED_REQUEST_HEADERS.join(',')}
      # security: deletes the client's own of every name that an app may trust, then copies forward-auth's; keep (?i) and the capitals
      - traefik.http.middlewares.${name}.forwardauth.authResponseHeadersRegex=${inCompose(identityPattern(settings, policy))}
      - traefik.http.middlewares.${name}.forwardauth.maxResponseBodySize=65536
`

const cleanLabels = (settings: Settings, name = 'clean'): string => `\
      # security: for a route without authgear: the client's own copies
${clearedOf(settings).map((header) => `      - traefik.http.middlewares.${name}.headers.customrequestheaders.${header}=\n`).join('')}`

/** The service is the stack's; its own route is that of the first app's host. */
const stackOwnLabels = (settings: Settings): string => `\
      # ${ownComment(settings)}
${routerLabels(nameOf(settings, 'own'), ownRule(settings), OWN_PRIORITY, 'authgear-login@docker', besideStack(settings).clean)}`

const ownLabels = (settings: Settings): string => `\
      # ${ownComment(settings)}
      - traefik.http.routers.authgear-login.rule=${inCompose(ownRule(settings))}
      - traefik.http.routers.authgear-login.priority=${OWN_PRIORITY}
      - traefik.http.routers.authgear-login.entrypoints=web
      - traefik.http.routers.authgear-login.middlewares=clean
      - traefik.http.services.authgear-login.loadbalancer.server.port=${settings.forwardAuth.port}
`
