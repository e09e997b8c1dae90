import type { Test } from 'tap'
import { startEchoApp, type EchoApp } from '../helpers/echo-app.ts'
import { makeOwnCert } from '../helpers/own-cert.ts'
import { startProcess } from '../helpers/process.ts'
import { startSimulator, type RunningSimulator } from '../helpers/simulator.ts'
import type { Proxy } from './proxy.ts'
import { startProxy } from './start-proxy.ts'

/** Authgear ← one replica without Redis ← the proxy under test → the app. */
export interface BehindProxyWithoutRedis {
  /** The proxy's port. */
  readonly port: number
  readonly app: EchoApp
  readonly authgear: RunningSimulator
}

export async function startBehindProxyWithoutRedis (
  t: Test,
  proxy: Proxy,
  env: Readonly<Record<string, string>>,
  options: readonly string[] = []
): Promise<BehindProxyWithoutRedis> {
  const [authgear, app] = await Promise.all([startSimulator(t), startEchoApp(t)])
  const tls = proxy.tls ? makeOwnCert(t) : undefined
  const service = await startProcess(t, {
    AUTHGEAR_ENDPOINT: authgear.url,
    AUTHGEAR_TIMEOUT: '60s', // how slow this machine is changes nothing
    ...tls && { LISTEN_TLS_CERT_FILE: tls.certFile, LISTEN_TLS_KEY_FILE: tls.keyFile },
    ...env
  })
  const port = await startProxy(t, proxy, { app: app.port, forwardAuth: [service.port], caFile: tls?.caFile, options })
  return { port, app, authgear }
}
