import type { Test } from 'tap'
import { startBalancer, type Balancer } from '../helpers/balancer.ts'
import { startEchoApp, type EchoApp } from '../helpers/echo-app.ts'
import type { OwnCert } from '../helpers/own-cert.ts'
import { startProcess, type Service } from '../helpers/process.ts'
import { startSimulator, type RunningSimulator } from '../helpers/simulator.ts'
import type { Edits, Proxy } from './proxy.ts'
import { startProxy, type Behind } from './start-proxy.ts'

/** Authgear ← one replica without Redis. */
export interface OneReplica {
  readonly authgear: RunningSimulator
  readonly service: Service
  readonly tls: OwnCert | undefined
}

type More = Readonly<{ authgear?: RunningSimulator, grpc?: boolean, tls?: OwnCert | undefined }>

export async function startOneReplica (
  t: Test,
  env: Readonly<Record<string, string>> = {},
  { authgear: given, grpc = false, tls }: More = {}
): Promise<OneReplica> {
  const authgear = given ?? await startSimulator(t)
  const service = await startProcess(t, {
    AUTHGEAR_ENDPOINT: authgear.url,
    ...tls && { LISTEN_TLS_CERT_FILE: tls.certFile, LISTEN_TLS_KEY_FILE: tls.keyFile },
    ...env
  }, { grpc })
  return { authgear, service, tls }
}

/** What a reader writes into the files, and what else is not as usual. */
export type Lines = Readonly<{ edits?: Edits }> & Partial<Omit<Behind, 'app' | 'forwardAuth'>>

export interface Before {
  /** The proxy's port. */
  readonly port: number
  readonly app: EchoApp
  /** Between the proxy and the replica. */
  readonly link: Balancer
}

/** The replica ← a proxy with those lines → an app of its own. */
export async function startBefore (
  t: Test,
  proxy: Proxy,
  { service, tls }: Pick<OneReplica, 'tls'> & Readonly<{ service: Pick<Service, 'port' | 'grpcPort'> }>,
  { edits = proxy.edits ?? {}, ...lines }: Lines = {}
): Promise<Before> {
  const [app, link] = await Promise.all([startEchoApp(t), startBalancer(t, [service.port])])
  const port = await startProxy(t, { ...proxy, edits, tls: tls !== undefined }, {
    app: app.port,
    forwardAuth: [link.port],
    grpc: proxy.grpc === true ? service.grpcPort : undefined,
    caFile: tls?.caFile,
    ...lines
  })
  return { port, app, link }
}
