import { AMBIGUOUS, HOST_SHAPE } from '../guards.ts'
import { inOrder, patternOf, PCRE_END } from '../paths.ts'
import {
  type Address, answerBuffer, both, clearedOf, type Files, identityOf, checkOf, ownComment, ownPaths, type Route,
  type Settings, UNUSED_IDENTITY
} from '../settings.ts'

export function ingressNginx (settings: Settings): Files {
  const { routes, policy } = settings
  // its controller tries the longest first
  const patterns = inOrder(routes.map((route) => patternOf(route, PCRE_END).slice(1)))
  return {
    'values.yaml': valuesFile(settings),
    'ingress-nginx.yaml': [
      ...routes.map((route, i) => ingress(settings, route, { pattern: patterns[i] ?? '', regex: false })),
      ingress(settings, { name: 'app', path: '', isOfTokens: false, policy }, {
        pattern: '', regex: routes.length > 0
      }),
      ...ownPaths(settings).length > 0 ? [ownIngress(settings)] : []
    ].join('---\n')
  }
}

/**
 * Of the controller, and so of all its hosts: no Ingress can say it where snippet annotations are off, as they are by
 * default. nginx sends no header with an empty value, and of two lines of one name the other one.
 */
const valuesFile = (settings: Settings): string => `\
# values of the chart ingress-nginx, or the same keys in the controller's ConfigMap. They are for every host of this controller
controller:
  config:
    enable-underscores-in-headers: "false" # security: X_Authgear_User_Id, which many apps read as X-Authgear-User-Id
    ignore-invalid-headers: "true" # security: X.Authgear.User.Id
    server-snippet: |
      # security: the controller passes the client's Upgrade on as it is; h2c would go past auth_request
      if ($http_upgrade !~* "^(websocket)?$") { return 400; }
      # security: nginx matches the cleaned path but sends the raw one on. Servlet containers read /;/admin and /x/..;/admin as /admin
      if ($request_uri ~* "^[^?]*${AMBIGUOUS.replaceAll('\\', '\\\\')}") { return 400; }
      if ($http_host !~ "${HOST_SHAPE}") { return 400; }
      # security: the controller passes the client's headers on to forward-auth; no client writes a policy
      if ($http_x_forward_auth_policy) { return 400; }
  # security: the client's own copies, for an Ingress without auth-url too; what forward-auth sends is a line of its own beside these
  proxySetHeaders:
${clearedOf(settings).map((name) => `    ${name}: ""\n`).join('')}`

/** `regex`: as soon as one path of a host is a regular expression, all are. */
type Match = Readonly<{ pattern: string, regex: boolean }>

const ingress = (settings: Settings, { name, path, policy }: Route, { pattern, regex }: Match): string => {
  const { app, forwardAuth } = settings
  const service = `${forwardAuth.host}.default.svc.cluster.local:${forwardAuth.port}`
  return `\
# ingress-nginx (retired in March 2026: no more fixes). security: only with values.yaml beside it: the controller's own configuration passes
# Upgrade: h2c and /admin/../p on
${headOf(name)}\
    # security: the policy is here, never in a client's query; login=off: nginx would make a 500 of a redirect
    nginx.ingress.kubernetes.io/auth-url: "${forwardAuth.origin.replace(forwardAuth.text, service)}${checkOf(both(policy, 'login=off'))}"
    # security: all that Authgear has, or the one that is left out could be sent by a client
    nginx.ingress.kubernetes.io/auth-response-headers: "${[...identityOf(settings), UNUSED_IDENTITY].join(',')}"
    nginx.ingress.kubernetes.io/proxy-buffer-size: ${answerBuffer(settings)} # of the check too: an identity with hundreds of roles; the default, 4k, makes it a 500
    # security: without auth-cache-key and auth-keepalive: nginx's cache would hand out one person's answer to another
${path === '' && !regex ? '' : '    nginx.ingress.kubernetes.io/use-regex: "true" # matches without case\n'}\
${rulesOf(settings)}\
      - path: ${path === '' ? '/ # security: the catch-all, what has no path of its own is still protected' : `"${pattern.replaceAll('\\', '\\\\')}"`}
        pathType: ${path === '' && !regex ? 'Prefix' : 'ImplementationSpecific'}
        backend: ${backendOf(app)}
`
}

const ownIngress = (settings: Settings): string => `\
# ${ownComment(settings)}
${headOf('authgear-login')}\
    nginx.ingress.kubernetes.io/proxy-buffer-size: 16k # the way back of a long address; the default, 4k, makes it a 502
${rulesOf(settings)}\
${ownPaths(settings).map(path => `      - { path: ${path}, pathType: Exact, backend: ${backendOf(settings.forwardAuth)} }\n`).join('')}`

const headOf = (name: string): string => `\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: ${name}
  annotations:
`

const rulesOf = ({ host }: Settings): string => `\
spec:
  ingressClassName: nginx
  rules:
  - host: ${host}
    http:
      paths:
`

const backendOf = ({ host, port }: Address): string => `{ service: { name: ${host}, port: { number: ${port} } } }`
