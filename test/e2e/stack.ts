import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { startBalancer, type Balancer } from '../helpers/balancer.ts'
import { startChild } from '../helpers/child.ts'
import { startEchoApp, type EchoApp } from '../helpers/echo-app.ts'
import { freePort } from '../helpers/free-port.ts'
import { startRedis } from '../helpers/redis.ts'
import { ask } from '../helpers/request.ts'
import { mustFind } from '../helpers/servers.ts'
import { startService, type Service } from '../helpers/service.ts'
import { startSimulator, type RunningSimulator } from '../helpers/simulator.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { makeTls, type TlsFiles } from '../helpers/tls.ts'
import type { Proxy } from './proxy.ts'
import { fillTemplate } from './template.ts'

/** Authgear ← two replicas with one Redis ← the proxy under test → the app. */
export interface Stack {
  /** The proxy's port. */
  readonly port: number
  readonly app: EchoApp
  readonly authgear: RunningSimulator
  readonly replicas: readonly Service[]
  /** What the proxy knows as forward-auth: one balancer before both replicas, or one before each. */
  readonly links: readonly Balancer[]
}

export async function startStack (t: Test, proxy: Proxy): Promise<Stack> {
  const [authgear, redis, app] = await Promise.all([startSimulator(t), startRedis(t), startEchoApp(t)])
  const tls = proxy.tls ? makeTls(t) : undefined
  const env = environment(authgear, redis.url, tls)
  const replicas = await Promise.all([startService(t, env), startService(t, env)])
  const links = await linkUp(t, proxy, replicas.map(replica => replica.port))
  const port = await startProxy(t, proxy, app.port, links, tls)
  return { port, app, authgear, replicas, links }
}

function environment (authgear: RunningSimulator, redisUrl: string, tls: TlsFiles | undefined): Record<string, string> {
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

async function startProxy (t: Test, proxy: Proxy, app: number, links: readonly Balancer[], tls: TlsFiles | undefined): Promise<number> {
  const [folder, port] = [tempDir(t, proxy.server), await freePort()]
  const { between = ' ', paths = {} } = proxy
  fillTemplate(proxy.shipped, folder, { listen: port, app, forwardAuth: links.map(link => link.port), between, paths })
  if (tls !== undefined) copyFileSync(tls.caFile, join(folder, 'ca.crt'))
  await startChild(t, {
    name: proxy.server,
    command: mustFind(proxy.server),
    args: proxy.args,
    cwd: folder,
    env: { XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    ready: () => ask(port).then(answer => answer.status === 401, () => false)
  })
  return port
}
