import {
  allPolicies, FORWARDED_REQUEST_HEADERS, escaped, type Files, ownComment, ownPaths, ownPattern, checkOf,
  type Settings
} from '../settings.ts'
import { cleanedNames, identityPattern, NOBODY, priorityOf, REFUSED, REFUSED_PRIORITY } from './traefik.ts'

export function traefikLabels (settings: Settings): Files {
  return { 'traefik-labels.yml': composeFile(settings) }
}

const composeFile = (settings: Settings): string => `\
# docker compose -f traefik-labels.yml up; with Redis, a second replica and a simulated Authgear: docker-compose.yml of the project
services:
  traefik:
    image: traefik:v3.7.15 # 3.7.13 or newer: aliasHeadersStrategy, and no h2c upgrade to the app
    # these options of Traefik's own cannot be labels
    command:
      - --providers.docker=true
      - --providers.docker.exposedbydefault=false
      - --entrypoints.web.address=:${settings.listen.port}
      # security, deny by default: without these two marks a router that somebody forgot to protect is refused too (docs/proxies/traefik.md)
      # - --entrypoints.web.asdefault=true
      # - --entrypoints.web.http.middlewares=authgear@docker
      # security: drops X_Authgear_User_Id, X.Authgear.User.Id and the like, which many apps read as X-Authgear-User-Id
      - --entrypoints.web.http.aliasheadersstrategy=delete
      # security: %2F, %5C and %00 in a path are 400; Traefik's routes and the app would read such a path differently
      - --entrypoints.web.http.encodedcharacters.allowencodedslash=false
      - --entrypoints.web.http.encodedcharacters.allowencodedbackslash=false
      - --entrypoints.web.http.encodedcharacters.allowencodednullcharacter=false
    ports: ["${settings.listen.text}:${settings.listen.port}"] # the only port that is published
    volumes: ["/var/run/docker.sock:/var/run/docker.sock:ro"]

  # security: no published port; only Traefik reaches it
  ${settings.forwardAuth.host}:
    image: authgear-forward-auth
    environment:
      AUTHGEAR_ENDPOINT: \${AUTHGEAR_ENDPOINT:?the project's public origin}
${ownPaths(settings).length > 0 ? ownLabels(settings) : ''}
  ${settings.app.host}:
    image: your-app
    labels:
      - traefik.enable=true
${allPolicies(settings).map(({ name, policy }) => middlewareLabels(settings, name === 'app' ? 'authgear' : name, policy)).join('')}\
${settings.outgoing.length > 0 ? cleanLabels(settings) : ''}\
      # security: what Traefik and an app may read differently, before every other route (deploy/traefik/dynamic.yml says more)
      - traefik.http.middlewares.refuse.ipallowlist.sourcerange=${NOBODY}
      - traefik.http.middlewares.refuse.ipallowlist.rejectstatuscode=400
      - traefik.http.routers.refuse.rule=Host(\`${settings.host}\`) && (${REFUSED.replaceAll('$', '$$$$')})
      - traefik.http.routers.refuse.priority=${REFUSED_PRIORITY}
      - traefik.http.routers.refuse.entrypoints=web
      - traefik.http.routers.refuse.service=noop@internal
      - traefik.http.routers.refuse.middlewares=refuse
      # security: the catch-all; what has no stricter route of its own is still protected (docs/policies.md)
      - traefik.http.routers.app.rule=Host(\`${settings.host}\`)
      - traefik.http.routers.app.priority=1
      - traefik.http.routers.app.entrypoints=web
      - traefik.http.routers.app.service=app
      - traefik.http.routers.app.middlewares=authgear
${settings.routes.map(({ name, path }, i) => `\
      - traefik.http.routers.${name}.rule=Host(\`${settings.host}\`) && PathRegexp(\`(?i)^${escaped(path)}\`)
      - traefik.http.routers.${name}.priority=${priorityOf(settings.routes, i)}
      - traefik.http.routers.${name}.entrypoints=web
      - traefik.http.routers.${name}.service=app
      - traefik.http.routers.${name}.middlewares=${name}
`).join('')}\
      - traefik.http.services.app.loadbalancer.server.port=${settings.app.port}
`

const middlewareLabels = ({ forwardAuth, ...settings }: Settings, name: string, policy: string): string => `\
      - traefik.http.middlewares.${name}.forwardauth.address=${forwardAuth.origin}${checkOf(policy)}
      - traefik.http.middlewares.${name}.forwardauth.trustForwardHeader=true
      # security: nothing else of the client's request reaches forward-auth, no X-Forward-Auth-Policy either
      - traefik.http.middlewares.${name}.forwardauth.authRequestHeaders=${FORWARDED_REQUEST_HEADERS.join(',')}
      # security: deletes every X-Authgear-* of the client's, then copies forward-auth's; keep (?i) and the capitals
      - traefik.http.middlewares.${name}.forwardauth.authResponseHeadersRegex=${identityPattern(settings).replaceAll('$', '$$$$')}
      - traefik.http.middlewares.${name}.forwardauth.maxResponseBodySize=65536
`

const cleanLabels = (settings: Settings): string => `\
      # security: for a route without authgear: the client's own copies
${cleanedNames(settings).map((name) => `      - traefik.http.middlewares.clean.headers.customrequestheaders.${name}=\n`).join('')}`

/** Compose reads $ as the beginning of a variable. */
const ownLabels = ({ host, forwardAuth, ...settings }: Settings): string => `\
    labels:
      - traefik.enable=true
      # ${ownComment(settings)}
      - traefik.http.routers.authgear-login.rule=Host(\`${host}\`) && PathRegexp(\`${ownPattern(settings).replaceAll('$', '$$$$')}\`)
      - traefik.http.routers.authgear-login.priority=1000
      - traefik.http.routers.authgear-login.entrypoints=web
${settings.outgoing.length > 0 ? '      - traefik.http.routers.authgear-login.middlewares=clean\n' : ''}\
      - traefik.http.services.authgear-login.loadbalancer.server.port=${forwardAuth.port}
`
