import type { Test } from 'tap'
import { startBalancer, type Balancer } from '../helpers/balancer.ts'
import { startEchoApp, type EchoApp } from '../helpers/echo-app.ts'
import { makeOwnCert, type OwnCert } from '../helpers/own-cert.ts'
import { startRedis } from '../helpers/redis.ts'
import { startProcess, type Service } from '../helpers/process.ts'
import { startSimulator, type RunningSimulator } from '../helpers/simulator.ts'
import { until } from '../helpers/until.ts'
import type { Observe } from './behaviour.ts'
import { startOneReplica, type OneReplica } from './one-replica.ts'
import type { Proxy } from './proxy.ts'
import { ROUTES } from './snippets.ts'
import { startProxy } from './start-proxy.ts'
import { LOGIN } from './people.ts'

/**
 * Authgear ← two replicas (or more) with one Redis ← the proxy under test, with the routes of docs/policies.md → the
 * app.
 */
export interface BehindProxy {
  /** The proxy's port. */
  readonly port: number
  readonly app: EchoApp
  readonly authgear: RunningSimulator
  /** Those that run now. */
  readonly replicas: readonly Service[]
  /** One more, instead of one that goes. */
  readonly startReplica: () => Promise<Service>
  /** What the proxy knows as forward-auth: one balancer before both replicas, or one before each. */
  readonly links: readonly Balancer[]
  readonly observe: Observe
  /**
   * As a rolling update does: no new connection goes to it, it ends, its successor starts on the same port. Needs
   * traffic.
   */
  restart (index: number): Promise<void>
  /** Beside those that the proxy knows: without Redis, without a memory, with a login. */
  readonly single: () => Promise<OneReplica>
}

type More = Readonly<{ replicas?: number, env?: Readonly<Record<string, string>> }>

export async function startBehindProxy (
  t: Test,
  proxy: Proxy,
  observe: Observe,
  more: More = {}
): Promise<BehindProxy> {
  const [authgear, redis, app] = await Promise.all([startSimulator(t), startRedis(t), startEchoApp(t)])
  const tls = proxy.tls ? makeOwnCert(t) : undefined
  const env = { ...environment(authgear, redis.url, tls), ...more.env }
  const startReplica = (): Promise<Service> => startProcess(t, env, { grpc: proxy.grpc === true })
  const portOf = ({ port, grpcPort }: Service): number => proxy.grpc === true ? grpcPort : port
  const replicas = await Promise.all(Array.from({ length: more.replicas ?? 2 }, startReplica))
  const links = await linkUp(t, proxy, replicas.map(portOf))
  const port = await startProxy(t, proxy, {
    app: app.port,
    forwardAuth: proxy.grpc === true ? replicas.map(({ port }) => port) : links.map((link) => link.port),
    grpc: proxy.grpc === true ? links[0]?.port : undefined,
    caFile: tls?.caFile,
    options: ROUTES
  })
  const restart = async (index: number): Promise<void> => {
    const old = replicas[index]
    if (old === undefined) throw new Error(`there is no replica ${index}`)
    links.forEach(link => link.drop(portOf(old)))
    await old.stop()
    const { port, grpcPort } = old
    const successor = replicas[index] = await startProcess(t, env, { port, grpcPort })
    links.forEach(link => link.restore(portOf(old)))
    // a proxy that lists its addresses leaves out for a second what has failed; the next may end only when this one is
    // asked again
    if (links.length > 1) await until('the proxy asks the successor', () => isAsked(successor))
  }
  let single: Promise<OneReplica> | undefined
  return {
    port,
    app,
    authgear,
    replicas,
    startReplica,
    links,
    observe,
    restart,
    single: async () => await (single ??= startOneReplica(t, SINGLE, { authgear, grpc: proxy.grpc === true }))
  }
}

/** Where a load balancer of cases/client-address.ts may be; the proxy is on this machine's usual address. */
export const LOAD_BALANCER = '127.0.0.2'

const SINGLE: Readonly<Record<string, string>> = {
  CACHE_TTL: '0', CACHE_NEGATIVE_TTL: '0', TRUSTED_PROXIES: `127.0.0.1,${LOAD_BALANCER}`, ...LOGIN
}

/** Long lives: how slow this machine is changes nothing. */
function environment (authgear: RunningSimulator, redisUrl: string, tls: OwnCert | undefined): Record<string, string> {
  return {
    AUTHGEAR_ENDPOINT: authgear.url,
    REDIS_URL: redisUrl,
    CACHE_SECRET: 'a secret of this test, longer than 32 bytes',
    CACHE_TTL: '10m',
    CACHE_NEGATIVE_TTL: '10m',
    CACHE_DEGRADED_TTL: '10m',
    SHUTDOWN_DELAY: '1s', // as in any deployment: connections that were under way when the balancer left it out
    ...tls && { LISTEN_TLS_CERT_FILE: tls.certFile, LISTEN_TLS_KEY_FILE: tls.keyFile }
  }
}

async function isAsked ({ managementUrl }: Service): Promise<boolean> {
  const metrics = await (await fetch(`${managementUrl}/metrics`)).text()
  return /^forward_auth_requests_total\{.*\} [1-9]\d/m.test(metrics)
}

function linkUp (t: Test, { between }: Proxy, ports: readonly number[]): Promise<Balancer[]> {
  const groups = between === undefined ? [ports] : ports.map(port => [port])
  return Promise.all(groups.map(group => startBalancer(t, group)))
}
