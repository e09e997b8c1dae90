import { isIP } from 'node:net'
import { type Address, allPolicies, type Settings, type Template } from './settings.ts'
import { apisix } from './templates/apisix.ts'
import { caddy } from './templates/caddy.ts'
import { envoyGateway, envoyGatewayGrpc } from './templates/envoy-gateway.ts'
import { envoy, envoyGrpc, envoyPrefix } from './templates/envoy.ts'
import { gatewayApi } from './templates/gateway-api.ts'
import { haproxy } from './templates/haproxy.ts'
import { nginx } from './templates/nginx.ts'
import { traefikKubernetes } from './templates/traefik-kubernetes.ts'
import { traefikLabels } from './templates/traefik-labels.ts'
import { traefik } from './templates/traefik.ts'

const TEMPLATES = {
  traefik,
  'traefik-labels': traefikLabels,
  caddy,
  nginx,
  envoy,
  'envoy-prefix': envoyPrefix,
  'envoy-grpc': envoyGrpc,
  haproxy,
  apisix,
  'envoy-gateway': envoyGateway,
  'envoy-gateway-grpc': envoyGatewayGrpc,
  'traefik-kubernetes': traefikKubernetes,
  'gateway-api': gatewayApi
} as const satisfies Readonly<Record<string, Template>>

/** Those whose configuration --public, --https and an https:// app are written for. */
const WHOLE: readonly ProxyName[] = ['traefik', 'traefik-labels', 'caddy', 'nginx']
const NAME = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/

export type ProxyName = keyof typeof TEMPLATES
export const PROXIES = Object.keys(TEMPLATES) as readonly ProxyName[]

const KUBERNETES = [
  'envoy-gateway', 'envoy-gateway-grpc', 'traefik-kubernetes', 'gateway-api'
] as const satisfies readonly ProxyName[]
/** Proxies whose files name this service and the app by an object of the cluster or Compose, not by address. */
const BY_NAME: ReadonlySet<ProxyName> = new Set(['traefik-labels', ...KUBERNETES])
const WITHOUT_TLS: ReadonlySet<ProxyName> = new Set(['apisix', ...KUBERNETES])

/** Those behind which a test asks for an address with a plus. */
const TAKES_ADDRESSES: ReadonlySet<ProxyName> =
  new Set(['traefik', 'traefik-labels', 'caddy', 'nginx', 'envoy', 'envoy-prefix', 'envoy-grpc', 'haproxy'])

export const templateOf = (proxy: ProxyName): Template => TEMPLATES[proxy]

const HTTPS_PLACES = [{ host: '::', port: 80 }, { host: '::', port: 443 }] as const
const EVERYWHERE: readonly string[] = ['0.0.0.0', '::']
const isThisMachine = (host: string): boolean => /^(?:localhost|127(?:\.\d+){3}|::1)$/.test(host)

/** Two of this machine cannot listen on one port. */
function portsTaken ({ listen: given, https, app, forwardAuth, grpc }: Settings): readonly string[] {
  const places: ReadonlyArray<Pick<Address, 'host' | 'port'>> = https ? HTTPS_PLACES : [given]
  const others = [['--app', app], ['--forward-auth', forwardAuth], ['--grpc', grpc]] as const
  const remedy = https
    ? 'move it to a port that is not 80 or 443'
    : `give the proxy another port, such as --listen 0.0.0.0:${given.port === 8080 ? 8000 : 8080}`
  return others
    .filter(([, { host, port }]) => places.some((place) => place.port === port &&
      (host === place.host || (isThisMachine(host) && EVERYWHERE.includes(place.host)))))
    .map(([option, { text }]) => `${option} ${text} is where the proxy itself would listen: ${remedy}`)
}

function unnamed ({ forwardAuth, grpc, app }: Settings): readonly string[] {
  const all = [['--forward-auth', forwardAuth], ['--grpc', grpc], ['--app', app]] as const
  return all
    .filter(([, { host }]) => !NAME.test(host))
    .map(([option]) => `${option} must be the name of a service on the proxy's network, such as ` +
      `${option === '--app' ? 'http://app:8080' : 'http://forward-auth:4180'}`)
}

/**
 * The settings that a proxy's configuration cannot say; better an error than a line that is silently not there.
 */
export function limitsOf (proxy: ProxyName, settings: Settings): readonly string[] {
  const { forwardAuth, app } = settings
  const errors = [...BY_NAME.has(proxy) ? unnamed(settings) : portsTaken(settings)]
  if (proxy === 'traefik-labels' && /--|^authgear/.test(app.host)) {
    errors.push('--app must be a name without "--" that does not begin with "authgear": others have such names')
  }
  if (!TAKES_ADDRESSES.has(proxy) && allPolicies(settings).some(({ policy }) => policy.includes('@'))) {
    errors.push(`--policy: no test asks ${proxy} for an address: write email= into ALLOW (docs/policies.md)`)
  }
  if (WITHOUT_TLS.has(proxy) && forwardAuth.tls) errors.push(`--forward-auth must be http:// for ${proxy}: docs/tls.md`)
  if (WHOLE.includes(proxy)) {
    if (settings.https && proxy === 'traefik-labels' && forwardAuth.tls) {
      errors.push('--https: the stack beside this app speaks HTTPS already')
    }
    if (proxy === 'nginx' && app.tls && isIP(app.host.replaceAll(/[[\]]/g, '')) !== 0) {
      errors.push('--app: nginx compares a certificate with names alone: write https://NAME:PORT')
    }
    return errors
  }
  if (settings.isPublic) {
    errors.push(`--public is written for ${WHOLE.join(', ')}: docs/proxies has the public path of ${proxy}`)
  }
  if (settings.https) errors.push(`--https is written for ${WHOLE.join(', ')}: give ${proxy} a TLS listener yourself`)
  if (app.tls) errors.push(`--app must be http:// for ${proxy}: https:// is written for ${WHOLE.join(', ')}`)
  return errors
}
