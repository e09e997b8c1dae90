import type { Test } from 'tap'
import { startBalancer, type Balancer } from '../helpers/balancer.ts'
import { startEchoApp, type EchoApp } from '../helpers/echo-app.ts'
import { makeOwnCert, type OwnCert } from '../helpers/own-cert.ts'
import { startRedis } from '../helpers/redis.ts'
import { startService, type Service } from '../helpers/service.ts'
import { startSimulator, type RunningSimulator } from '../helpers/simulator.ts'
import type { Proxy } from './proxy.ts'
import { startProxy } from './start-proxy.ts'

/** Authgear ← two replicas (or more) with one Redis ← the proxy under test → the app. */
export interface Stack {
  /** The proxy's port. */
  readonly port: number
  readonly app: EchoApp
  readonly authgear: RunningSimulator
  readonly replicas: readonly Service[]
  /** One more, in place of one that goes. */
  readonly startReplica: () => Promise<Service>
  /** What the proxy knows as forward-auth: one balancer before both replicas, or one before each. */
  readonly links: readonly Balancer[]
}

export async function startStack (t: Test, proxy: Proxy, more: Readonly<{ replicas?: number, env?: Readonly<Record<string, string>> }> = {}): Promise<Stack> {
  const [authgear, redis, app] = await Promise.all([startSimulator(t), startRedis(t), startEchoApp(t)])
  const tls = proxy.tls ? makeOwnCert(t) : undefined
  const env = { ...environment(authgear, redis.url, tls), ...more.env }
  const startReplica = (): Promise<Service> => startService(t, env)
  const replicas = await Promise.all(Array.from({ length: more.replicas ?? 2 }, startReplica))
  const links = await linkUp(t, proxy, replicas.map(replica => replica.port))
  const port = await startProxy(t, proxy, { app: app.port, forwardAuth: links.map(link => link.port), caFile: tls?.caFile })
  return { port, app, authgear, replicas, startReplica, links }
}

function environment (authgear: RunningSimulator, redisUrl: string, tls: OwnCert | undefined): Record<string, string> {
  return {
    AUTHGEAR_ENDPOINT: authgear.url,
    REDIS_URL: redisUrl,
    CACHE_SECRET: 'a secret of this test, longer than 32 bytes',
    ...tls && { LISTEN_TLS_CERT_FILE: tls.certFile, LISTEN_TLS_KEY_FILE: tls.keyFile }
  }
}

function linkUp (t: Test, { between }: Proxy, ports: readonly number[]): Promise<Balancer[]> {
  const groups = between === undefined ? [ports] : ports.map(port => [port])
  return Promise.all(groups.map(group => startBalancer(t, group)))
}
