import { longest, noneOf, PARAMETER } from '../guards.ts'
import { anyCase, inOrder, patternOf } from '../paths.ts'
import { type Files, ownComment, ownPaths, ownPattern, type Settings } from '../settings.ts'
import { middlewares, valuesFile, withoutDashes } from './traefik-kubernetes.ts'

/** Gateway API with Traefik as its gateway: the routes are portable, the middleware is Traefik's. */
export function gatewayApi (given: Settings): Files {
  const settings = withoutDashes(given)
  return {
    'values.yaml': `${valuesFile(settings)}providers:\n  kubernetesGateway:\n    enabled: true\n`,
    'middlewares.yaml': middlewares(settings),
    'httproute.yaml': routesFile(settings)
  }
}

const routesFile = (settings: Settings): string => `\
# of one HTTPRoute; a rule without the ExtensionRef would be unprotected
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: app
spec:
  parentRefs: [{ name: traefik-gateway }]
  hostnames: [${settings.host}]
  rules:
  # security: what Traefik and an app may read differently: refused by the middleware, so that nothing reaches the app. Traefik tries the
  # longest expression first, so this one is longer than all others; (?:) means nothing
${rule(refused([...patternsOf(settings), ownPattern({ ...settings, login: true })]), settings.app, 'refuse')}\
${settings.routes.map(({ name }, i) => rule([`path: ${regex(patternsOf(settings)[i] ?? '')}`], settings.app, name)).join('')}\
${ownPaths(settings).length > 0 ? rule([`path: ${regex(ownPattern(settings))} # ${ownComment(settings)}`], settings.forwardAuth, 'clean') : ''}\
${rule(['path: { type: PathPrefix, value: / } # security: the catch-all, what has no rule of its own is still protected'], settings.app, 'authgear')}`

/** Traefik tries the longest first. */
const patternsOf = (settings: Settings): readonly string[] =>
  inOrder(settings.routes.map((route) => anyCase(settings) + patternOf(route)))

const regex = (pattern: string): string => `{ type: RegularExpression, value: '${pattern}' }`

/** By path; and by headers, for every path. */
const refused = (others: readonly string[]): readonly string[] => [
  `path: ${regex(longest(`(?i)${PARAMETER}`, others))}`,
  ...[
    ['Upgrade', noneOf(['websocket', 'h2c'])],
    ['X-Forwarded-Host', '@|:[0-9]*[^0-9, ]']
  ].map(
    ([name = '', value = '']) =>
      `{ path: ${regex(longest('^/', others))}, headers: [{ type: RegularExpression, name: ${name}, value: ` +
        `'${value}' }] }`
  )
]

const rule = (matches: readonly string[], { host, port }: Settings['app'], middleware: string): string => `\
  - matches:
${matches.map(match => `    - ${match}\n`).join('')}\
    filters: [{ type: ExtensionRef, extensionRef: { group: traefik.io, kind: Middleware, name: ${middleware} } }]
    backendRefs: [{ name: ${host}, port: ${port} }]
`
