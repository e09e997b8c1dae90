import { ENCODED_SLASH, HOP_HEADERS, longest, PARAMETER } from '../guards.ts'
import { wholePatternsOf } from '../paths.ts'
import { type Files, lower, ownComment, ownPaths, type Route, type Settings } from '../settings.ts'

/** Contour asks by gRPC only, and on hosts with TLS only. Needs LISTEN_GRPC. */
export function contour (settings: Settings): Files {
  return { 'contour.yaml': file(settings) }
}

const file = (settings: Settings): string => `\
# Contour >= 1.25 (regex conditions); this service and the app are Services of the same namespace, here \`default\`
apiVersion: projectcontour.io/v1alpha1
kind: ExtensionService
metadata:
  name: authgear
spec:
  protocol: h2c
  services: [{ name: ${settings.grpc.host}, port: ${settings.grpc.port} }]
  timeoutPolicy: { response: 5s }
---
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata:
  name: app
spec:
  virtualhost:
    fqdn: ${settings.host}
    tls: { secretName: app-tls } # security: Contour authorizes nothing on a host without TLS
    authorization:
      extensionRef: { apiVersion: projectcontour.io/v1alpha1, name: authgear, namespace: default }
      responseTimeout: 5s
      failOpen: false # security: true would let everybody in while forward-auth is away
${settings.policy === '' ? '' : `      authPolicy: { context: { policy: "${settings.policy}" } }\n`}\
  routes:
  # security: no path that Envoy and an app may read differently. Servlet containers read /;/admin as /admin, others /x/..%2fadmin,
  # which Contour keeps as it is. The longest expression is tried first, so this one is longer than all others; (?:) means nothing
  - conditions: [{ regex: '${longest(`(?i).*(${PARAMETER}|${ENCODED_SLASH}).*`, wholePatternsOf(settings))}' }]
    authPolicy: { disabled: true }
    directResponsePolicy: { statusCode: 400 }
${ownPaths(settings).length === 0 ? '' : own(settings)}\
${settings.routes.map((route, i) => routeOf(settings, route, wholePatternsOf(settings)[i] ?? '')).join('')}\
  # security: the catch-all, what has no route of its own is still protected
  - conditions: [{ prefix: / }]
${toApp(settings)}`

const routeOf = (settings: Settings, { policy }: Route, pattern: string): string => `\
  - conditions: [{ regex: '${pattern}' }]
    authPolicy: { context: { policy: "${policy}" } }
${toApp(settings)}`

/** Removed behind the check: names in use must not be, since they are the verified ones by then. */
const toApp = ({ app, stripped, outgoing }: Settings): string => `\
    # security: headers for one hop only, and the client's own of names that forward-auth does not send here
    requestHeadersPolicy: { remove: [${lower([...HOP_HEADERS, ...stripped.filter((name) => !outgoing.includes(name))]).join(', ')}] }
    services: [{ name: ${app.host}, port: ${app.port} }]
    timeoutPolicy: { response: infinity }
`

const own = ({ forwardAuth, ...settings }: Settings): string => `\
  # ${ownComment(settings)}
${ownPaths(settings).map((path) => `\
  - conditions: [{ exact: ${path} }]
    authPolicy: { disabled: true }
    services: [{ name: ${forwardAuth.host}, port: ${forwardAuth.port} }]
`).join('')}`
