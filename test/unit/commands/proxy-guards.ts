import { HOP_HEADERS, PARAMETER } from '../../../src/commands/snippet/guards.ts'
import type { ProxyName } from '../../../src/commands/snippet/proxies.ts'

/** How a configuration is checked: by the real proxy in test/e2e, by its resources' schemas, or by reading its text. */
type Checked = Readonly<
  | { by: 'run' }
  | { by: 'schema', files: readonly string[] }
  | { by: 'read' }
>

/** The texts in the files by which a guard stands there; or why this proxy needs none of ours. */
export type Guard = Readonly<{ texts: readonly string[] } | { without: string }>

export type Guards = Readonly<{
  checked: Checked
  /** Refuses `/;/admin`: a segment that is empty, "." or ".." before its parameters. */
  parameter: Guard
  /** Removes headers for one hop only. */
  hops: Guard
}>

const LOWER_HOPS = HOP_HEADERS.map((name) => name.toLowerCase())
const each = (textOf: (name: string) => string): Guard => ({ texts: LOWER_HOPS.map(textOf) })

const PATTERN: Guard = { texts: [PARAMETER] }
const LUA_HOPS = each((name) => `["${name}"] = true`)
const TRAEFIK_DROPS: Guard = {
  without: "Traefik's own proxy drops them: test/e2e/hostile.all.test.ts sees at most TE: trailers at the app"
}

/** One row for each proxy of PROXIES: without it this does not compile. */
export const GUARDS: Readonly<Record<ProxyName, Guards>> = {
  traefik: { checked: { by: 'run' }, parameter: PATTERN, hops: TRAEFIK_DROPS },
  'traefik-labels': { checked: { by: 'read' }, parameter: PATTERN, hops: TRAEFIK_DROPS },
  'traefik-kubernetes': {
    checked: { by: 'schema', files: ['middlewares.yaml', 'ingressroute.yaml'] },
    parameter: PATTERN,
    hops: TRAEFIK_DROPS
  },
  'gateway-api': {
    checked: { by: 'schema', files: ['middlewares.yaml', 'httproute.yaml'] }, parameter: PATTERN, hops: TRAEFIK_DROPS
  },
  caddy: { checked: { by: 'run' }, parameter: PATTERN, hops: each((name) => `request_header -${name}\n`) },
  nginx: { checked: { by: 'run' }, parameter: PATTERN, hops: each((name) => `proxy_set_header ${name} "";`) },
  envoy: { checked: { by: 'run' }, parameter: PATTERN, hops: each((name) => `- remove: ${name}\n`) },
  'envoy-grpc': { checked: { by: 'run' }, parameter: PATTERN, hops: each((name) => `- remove: ${name}\n`) },
  'envoy-prefix': { checked: { by: 'run' }, parameter: PATTERN, hops: LUA_HOPS },
  haproxy: { checked: { by: 'run' }, parameter: PATTERN, hops: each((name) => `del-header ${name}\n`) },
  apisix: { checked: { by: 'schema', files: ['apisix.yaml'] }, parameter: PATTERN, hops: LUA_HOPS },
  'envoy-gateway': {
    checked: { by: 'schema', files: ['envoy-gateway.yaml'] },
    parameter: PATTERN,
    hops: each((name) => `{ type: exact, value: ${name} }`)
  },
  'envoy-gateway-grpc': {
    checked: { by: 'schema', files: ['envoy-gateway.yaml'] },
    parameter: PATTERN,
    hops: each((name) => `{ type: exact, value: ${name} }`)
  }
}
