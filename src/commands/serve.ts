import closeWithGrace from 'close-with-grace'
import { once } from 'node:events'
import { lstat, rm } from 'node:fs/promises'
import { createConnection, type ListenOptions } from 'node:net'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { isatty } from 'node:tty'
import { systemClock } from '../clock.ts'
import { loadConfig, type Config, type ListenAddress } from '../config/index.ts'
import type { GrpcListener } from '../grpc/listener.ts'
import type { Drain } from '../http/drain.ts'
import type { Listener } from '../http/listener.ts'
import { readTlsMaterial, watchTlsFiles } from '../http/tls.ts'
import { createLog, describe, openLogOutput, type Log } from '../logging/log.ts'
import { buildManagement } from '../management/listener.ts'
import { prettyStream } from '../logging/pretty.ts'
import { createService, type Service } from '../service/service.ts'
import type { Tracer } from '../tracing/types.ts'
import { bannerOf } from './banner.ts'
import type { Out } from './out.ts'
import { tracerOf } from './tracing.ts'

/** Requests under way may take so long after the listener has closed. */
const GRACE_MS = 10_000

/**
 * Runs until a signal.
 * @returns the exit code where it does not even start; else undefined, and the process lives on
 */
export async function serve (env: NodeJS.ProcessEnv, version: string, err: Out): Promise<1 | undefined> {
  const loaded = loadConfig(env)
  if (loaded.kind === 'errors') {
    for (const error of loaded.errors) err.write(`error: ${error}\n`)
    return 1
  }
  const output = openLogOutput(1)
  const log = createLog(
    loaded.config.logLevel,
    loaded.config.logFormat === 'pretty' ? prettyStream(output, isatty(1)) : output
  )
  for (const warning of loaded.warnings) log.warn(warning)
  try {
    const tracer = await tracerOf(env, version, log)
    await start(loaded.config, { version, log, tracer, flushed: output.flushed })
    return undefined
  } catch (error) {
    log.error({ error: describe(error) }, 'cannot start')
    return 1
  }
}

type Closer = () => Promise<void> | void

type Running = Readonly<{ version: string, log: Log, tracer: Tracer | undefined, flushed: () => Promise<void> }>

type Listens = Readonly<{ listen: (at: { host: string, port: number } | { path: string }) => Promise<unknown> }>

type State = 'starting' | 'serving' | 'draining'

async function start (config: Config, running: Running): Promise<void> {
  const { version, log, tracer, flushed } = running
  const closers: Closer[] = tracer === undefined ? [] : [tracer.close]
  let state: State = 'starting'
  const close = async (): Promise<void> => { while (closers.length > 0) await closers.pop()?.() }
  let service: Service
  try {
    service = await open(config, running, closers, () => state)
  } catch (error) {
    await close()
    throw error
  }
  state = 'serving'
  log.info(bannerOf(config, version), 'ready')
  onSignal(log, async () => {
    state = 'draining'
    service.grpc?.stopServing()
    log.info({ delayMs: config.shutdownDelayMs }, 'shutting down')
    await sleep(config.shutdownDelayMs)
    await close()
    log.info('shut down')
    await flushed()
  })
}

/** The management listener first, so that probes see the start; the main listener last. */
async function open (
  config: Config,
  { version, log, tracer }: Running,
  closers: Closer[],
  state: () => State
): Promise<Service> {
  const tls = config.tls === undefined ? undefined : readTlsMaterial(config.tls)
  const { identify, grpc } = config
  const machine = hostname()
  const settings = { ...config, version, machine, identify: identify !== undefined, grpc: grpc !== undefined, tls }
  const service = createService(settings, log, { tracer, state })
  closers.push(service.close)
  const management = buildManagement({
    readiness: { state, redis: service.redisState, authgear: service.authgearState },
    metrics: service.metrics,
    version,
    revocations: service.revocations,
    keySet: service.keySet,
    status: {
      samples: service.samples,
      others: service.others,
      about: { endpoint: config.authgear.endpoint.origin, ttlMs: config.cache.ttlMs },
      clock: systemClock,
      machine,
      hosts: config.managementHosts
    }
  })
  closers.push(() => management.close())
  await listen(management, config.management)
  closers.push(watchCertificate(config, service, log))
  await Promise.all([service.logFollowed(), service.assertionsReady()])
  const opened: Listening[] = []
  closers.push(async () => { await Promise.all(opened.map(({ drain }) => drain.drain(GRACE_MS))) })
  for (const one of listening(service, config)) {
    opened.push(one)
    await one.listen()
  }
  return service
}

type Listening = Readonly<{ drain: Drain, listen: () => Promise<void> }>

function listening ({ app, identify, grpc }: Service, config: Config): readonly Listening[] {
  const http = ({ fastify, drain }: Listener, address: ListenAddress | undefined): Listening =>
    ({ drain, listen: () => listen(fastify, address) })
  const ofGrpc = ({ server, drain }: GrpcListener): Listening => ({
    drain,
    listen: () => listen({
      async listen (at: ListenOptions) {
        server.listen(at)
        await once(server, 'listening')
      }
    }, config.grpc)
  })
  return [
    ...identify === undefined ? [] : [http(identify, config.identify)],
    ...grpc === undefined ? [] : [ofGrpc(grpc)],
    http(app, config.listen)
  ]
}

/** A second signal ends the process at once with 1, as the library does. */
function onSignal (log: Log, close: () => Promise<void>): void {
  closeWithGrace(
    { delay: false, logger: { error: (message: unknown) => log.error({ error: describe(message) }, 'ends') } },
    async ({ err }) => {
      if (err !== undefined) {
        log.error({ error: describe(err) }, 'unexpected error: this replica ends; please report it')
      }
      await close()
    }
  )
}

function watchCertificate ({ tls }: Config, { app, grpc, certificateRenewed }: Service, log: Log): Closer {
  if (tls === undefined) return () => {}
  const all: ReadonlyArray<object | undefined> = [app.fastify.server, grpc?.server]
  const servers = all.filter(speaksTls)
  const setSecureContext = (context: object): void => servers.forEach((server) => server.setSecureContext(context))
  return watchTlsFiles(tls, { setSecureContext }, {
    reloaded: (expiry) => {
      certificateRenewed(expiry)
      log.info({ expires: new Date(expiry).toISOString() }, 'certificate read again')
    },
    failed: (error) =>
      log.error({ error: describe(error) }, 'LISTEN_TLS_* files cannot be used: the old certificate stays')
  })
}

type SpeaksTls = Readonly<{ setSecureContext: (context: object) => void }>

function speaksTls (server: object | undefined): server is SpeaksTls {
  return server !== undefined && 'setSecureContext' in server
}

async function listen (app: Listens, address: ListenAddress | undefined): Promise<void> {
  if (address === undefined) return
  if (address.kind === 'tcp') { await app.listen({ host: address.host, port: address.port }); return }
  await removeStaleSocket(address.path)
  await app.listen({ path: address.path })
}

/** Removes a socket file that a killed process left behind; one that still answers belongs to a running process. */
async function removeStaleSocket (path: string): Promise<void> {
  const code = await new Promise<string | undefined>((resolve) => {
    const probe = createConnection(path, () => { probe.destroy(); resolve(undefined) })
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code))
  })
  if (code !== 'ECONNREFUSED') return
  if (!(await lstat(path)).isSocket()) {
    throw new Error(`${path} is there and is no socket: choose another path, or remove it`)
  }
  await rm(path)
}
