import { LOGIN_PATTERN } from '../names.ts'
import { escaped, type Files, type Settings } from '../settings.ts'
import { middlewares, valuesFile } from './traefik-kubernetes.ts'

/** Gateway API with Traefik as its gateway: the routes are portable, the middleware is Traefik's. */
export function gatewayApi (settings: Settings): Files {
  return { 'values.yaml': `${valuesFile(settings)}providers:\n  kubernetesGateway:\n    enabled: true\n`, 'middlewares.yaml': middlewares(settings), 'httproute.yaml': routesFile(settings) }
}

const routesFile = ({ host, app, adapter, routes, login }: Settings): string => `\
# of one HTTPRoute; a rule without the ExtensionRef would be unprotected
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: app
spec:
  parentRefs: [{ name: traefik-gateway }]
  hostnames: [${host}]
  rules:
${routes.map(({ name, path }) => rule(`{ type: RegularExpression, value: "(?i)^${escaped(path).replaceAll('\\', '\\\\')}" } # security: without case, as many apps match`, app, name)).join('')}\
${login ? rule(`{ type: RegularExpression, value: "${LOGIN_PATTERN}" } # the browser's way in and out`, adapter) : ''}\
${rule('{ type: PathPrefix, value: / } # security: the catch-all, what has no rule of its own is still protected', app, 'authgear')}`

const rule = (path: string, { host, port }: Settings['app'], middleware?: string): string => `\
  - matches:
    - path: ${path}
${middleware === undefined ? '' : `    filters: [{ type: ExtensionRef, extensionRef: { group: traefik.io, kind: Middleware, name: ${middleware} } }]\n`}\
    backendRefs: [{ name: ${host}, port: ${port} }]
`
