import { readFileSync } from 'node:fs'
import { lstat, rm } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { codeOf } from '../../base/authgear/resolver/answer.ts'
import { type Clock, systemClock } from '../../base/clock.ts'
import type { Config, ListenAddress } from '../../base/config/index.ts'
import { ServiceError } from '../../base/errors.ts'
import type { Drain } from '../../base/http/drain.ts'
import { anyListener, type AnyListener, type ListenAt } from '../../base/http/listener.ts'
import { certificateLife, readTlsMaterial, watchTlsFiles } from '../../base/http/tls.ts'
import { describe, type Log, type WritePiece } from '../../base/logging/log.ts'
import { buildManagement } from '../../base/management/listener.ts'
import { createService, type Service } from '../../app/service.ts'
import { type CertificateLife, certificateStage, endOf } from '../../base/core/certificate.ts'
import { everyoneEnters } from '../../base/core/who-enters.ts'

/** How long running requests may take after the listener has closed. */
const GRACE_MS = 10_000

export type Closer = () => Promise<void> | void

export type Running = Readonly<{
  version: string
  log: Log
  flushed: () => Promise<void>
  /** The writer of the log, where it is a pipe. */
  stdout: WritePiece | undefined
}>

export type State = 'starting' | 'serving' | 'draining'

type Self = Readonly<{ machine: string, state: () => State }>

/** The service of this process, which listens nowhere yet. */
export async function openService (
  config: Config,
  { log, version, stdout }: Running,
  { machine, state }: Self
): Promise<Service> {
  const tls = config.tls === undefined ? undefined : readTlsMaterial(config.tls)
  const settings = {
    ...config,
    version,
    machine,
    replica: nameOf(machine, config.listen),
    parts: await Promise.all(config.parts.map((part) => part.load())),
    tls
  }
  return createService(settings, log, { state, stdout })
}

/** The name under which the others see it: there may be two on one machine. */
const nameOf = (machine: string, listen: Config['listen']): string =>
  listen.kind === 'tcp' ? `${machine}:${listen.port}` : machine

/** The management app, which listens nowhere yet. */
export function managementOf (
  config: Config,
  version: string,
  service: Service,
  { machine, state }: Self
) {
  const { listen, authgear, cache, managementHosts: hosts } = config
  return buildManagement({
    readiness: { state, redis: service.redisState, authgear: service.authgearState },
    metrics: service.metrics,
    unexpectedError: service.unexpectedError,
    about: {
      replica: nameOf(machine, listen),
      version,
      endpoint: authgear.endpoint.origin,
      ttlMs: cache.ttlMs,
      entrance: everyoneEnters(config)
    },
    machine,
    hosts,
    revocations: service.revocations,
    documents: service.documents,
    ofParts: service.management
  })
}

/** Opens the listeners for proxies, the main one last, once what it answers from is there. */
export async function takeRequests (config: Config, service: Service, log: Log, closers: Closer[]): Promise<void> {
  closers.push(watchCertificate(config, service, log))
  await Promise.all([service.logFollowed(), service.partsReady()])
  const opened: Listening[] = []
  closers.push(async () => { await Promise.all(opened.map(({ drain }) => drain.drain(GRACE_MS))) })
  for (const one of listening(service, config)) {
    opened.push(one)
    await one.listen()
  }
}

type Listening = Readonly<{ drain: Drain, listen: () => Promise<void> }>

function listening ({ app, ofParts }: Service, config: Config): readonly Listening[] {
  const one = (
    { listen: open, drain }: AnyListener, address: ListenAddress | undefined, variable: string
  ): Listening => ({ drain, listen: () => listen(open, address, variable) })
  return [
    ...ofParts.map((listener) => one(listener, addressOf(config, listener.variable), listener.variable)),
    one(anyListener(app), config.listen, 'LISTEN')
  ]
}

const addressOf = ({ parts }: Config, variable: string): ListenAddress | undefined =>
  parts.find(({ claims }) => claims.listens?.variable === variable)?.claims.listens?.address

function watchCertificate ({ tls }: Config, { app, ofParts, certificateRenewed }: Service, log: Log): Closer {
  if (tls === undefined) return () => {}
  const all: readonly object[] = [app.fastify.server, ...ofParts.map(({ server }) => server)]
  const servers = all.filter(speaksTls)
  const setSecureContext = (context: object): void => servers.forEach((server) => server.setSecureContext(context))
  const notice = watchCertificateLife(certificateLife(readFileSync(tls.certFile, 'utf8')), log)
  const stop = watchTlsFiles(tls, { setSecureContext }, {
    reloaded: (life) => {
      certificateRenewed(life)
      log.info({ expires: new Date(life.to).toISOString() }, 'certificate read again')
      notice.renewed(life)
    },
    failed: (error) =>
      log.error({ error: describe(error) }, 'cannot load LISTEN_TLS_*: the old certificate stays in use')
  })
  return () => { notice.stop(); stop() }
}

type SpeaksTls = Readonly<{ setSecureContext: (context: object) => void }>

function speaksTls (server: object): server is SpeaksTls {
  return 'setSecureContext' in server
}

/**
 * The stale socket file of a killed predecessor must have been removed.
 * @param variable whose address it is
 */
export async function listen (
  open: (at: ListenAt) => Promise<unknown>, address: ListenAddress | undefined, variable: string
): Promise<void> {
  if (address === undefined) return
  const at = address.kind === 'tcp' ? { host: address.host, port: address.port } : { path: address.path }
  try {
    await open(at)
  } catch (error) {
    throw cannotListen(error, variable, address.kind === 'tcp' ? `${address.host}:${address.port}` : address.path)
  }
}

const WHY: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there: stop it, or choose another port',
  EADDRNOTAVAIL: 'this machine has no such address: 0.0.0.0 means all of its addresses',
  // of a socket file libuv says so where there is no such folder, too
  EACCES: 'this user may not, or there is no such folder: choose a port from 1024 on, or a folder that it may write to'
}

function cannotListen (error: unknown, variable: string, at: string): unknown {
  const code = codeOf(error)
  const why = WHY[code]
  return why === undefined ? error : new ServiceError(code, `${variable}: cannot listen at ${at}: ${why}`)
}

/** Removes the socket files that a killed process left behind; one that still answers belongs to a running process. */
export async function removeStaleSockets ({ listen, management, parts }: Config): Promise<void> {
  for (const address of [listen, management, ...parts.map(({ claims }) => claims.listens?.address)]) {
    if (address?.kind === 'unix') await removeStaleSocket(address.path)
  }
}

async function removeStaleSocket (path: string): Promise<void> {
  const code = await new Promise<string | undefined>((resolve) => {
    const probe = createConnection(path, () => { probe.destroy(); resolve(undefined) })
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code))
  })
  if (code !== 'ECONNREFUSED') return
  if (!(await lstat(path)).isSocket()) {
    throw new Error(`${path} exists and is not a socket: choose another path, or remove it`)
  }
  await rm(path)
}

const LOOK_INTERVAL_MS = 10 * 60_000

type Notice = Readonly<{ renewed: (life: CertificateLife) => void, look: () => void, stop: () => void }>

/** A line 14, 7 and 1 days before the listener's certificate ends, when it does, and as many days after. */
export function watchCertificateLife (
  first: CertificateLife,
  log: Pick<Log, 'warn' | 'error'>,
  clock: Clock = systemClock
): Notice {
  let life = first
  let told: number | undefined
  const look = (): void => {
    const now = clock.wall()
    const stage = certificateStage(life, now)
    if (stage === told) return
    told = stage
    if (stage === undefined) return
    const line = `the certificate of LISTEN_TLS_CERT_FILE ${endOf(life, now)}: renew it; its files are read again`
    if (stage > 0) log.warn(line)
    else log.error(`${line}. Proxies that verify it refuse every request`)
  }
  look()
  const timer = setInterval(look, LOOK_INTERVAL_MS).unref()
  return Object.freeze({
    look,
    renewed: (renewed: CertificateLife) => { life = renewed; told = undefined; look() },
    stop: () => clearInterval(timer)
  })
}
