import { showBytes, type Config, type ListenAddress } from '../config/index.ts'
import { describeServers } from '../redis/options.ts'

/** What the line of the start says beside its version: whom it asks, what remembers, for how long, where it listens. */
export type Banner = Readonly<Record<'version' | 'authgear' | 'tiers' | 'ttl' | 'listeners', string>>

/** For a person, in one line; nothing of it is secret. */
export function bannerOf (config: Config, version: string): Banner {
  return {
    version,
    authgear: authgearOf(config),
    tiers: tiersOf(config),
    ttl: ttlOf(config),
    listeners: listenersOf(config)
  }
}

function authgearOf ({ authgear: { endpoint, resolverUrl }, audit }: Config): string {
  const resolver = resolverUrl.startsWith(`${endpoint.origin}/`) ? '' : ` by ${resolverUrl}`
  return `${endpoint.origin}${resolver}${audit === undefined ? '' : ', audit log followed'}`
}

function tiersOf ({ cache, redis }: Config): string {
  const secret = cache.secret === undefined ? ', CACHE_SECRET=none' : ''
  return `memory (${cache.maxEntries} entries, ` +
    `${showBytes(cache.maxBytes)})${redis === undefined ? '' : `, Redis (${describeServers(redis.servers)}${secret})`}`
}

function ttlOf ({
  cache: { ttlMs, negativeTtlMs, refreshAhead, staleIfErrorMs, degradedTtlMs },
  redis
}: Config): string {
  return [
    `valid ${lasting(ttlMs)}`,
    `refused ${lasting(negativeTtlMs)}`,
    ...(refreshAhead > 0 && ttlMs > 0 ? [`renewed at ${Math.round(refreshAhead * 100)} %`] : []),
    ...(staleIfErrorMs > 0 ? [`${lasting(staleIfErrorMs)} more while Authgear is down`] : []),
    ...(redis === undefined ? [] : [`${lasting(degradedTtlMs)} while the revocation log is not followed`])
  ].join(', ')
}

const lasting = (ms: number): string => ms === 0 ? 'not at all' : ms % 1000 === 0 ? `${ms / 1000} s` : `${ms} ms`

function listenersOf ({ listen, management, identify, grpc, tls }: Config): string {
  const security = tls === undefined ? '' : tls.clientCaFile === undefined ? ' (TLS)' : ' (mutual TLS)'
  const ofGrpc = grpc === undefined ? '' : `, gRPC ${addressOf(grpc)}${security}`
  return `main ${addressOf(listen)}${security}, management ${addressOf(management)}, identify ` +
    `${addressOf(identify)}${ofGrpc}`
}

function addressOf (address: ListenAddress | undefined): string {
  if (address === undefined) return 'off'
  if (address.kind === 'unix') return `unix:${address.path}`
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`
}
