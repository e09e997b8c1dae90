import closeWithGrace from 'close-with-grace'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { isatty } from 'node:tty'
import { loadConfig } from '../app/config.ts'
import { type Config, type ListenAddress, showBytes } from '../base/config/index.ts'
import { REFRESH_AHEAD } from '../base/authenticate/authenticator.ts'
import { createLog, describe, type Log, openLogOutput } from '../base/logging/log.ts'
import { prettyStream } from '../base/logging/pretty.ts'
import { everyoneEnters } from '../base/core/who-enters.ts'
import type { Service } from '../app/service.ts'
import { type Out, refuse } from './command-line.ts'
import { stopEndingOnSignal } from './early-signals.ts'
import {
  type Closer, listen, managementOf, openService, removeStaleSockets, type Running, type State, takeRequests
} from './serve/replica.ts'
import { warnUnlessReached } from './serve/reach.ts'
import { describeServers } from '../base/redis/options.ts'

/**
 * Runs until a signal.
 * @returns the exit code where it does not even start; else undefined, and the process lives on
 */
export async function serve (env: NodeJS.ProcessEnv, version: string, err: Out): Promise<1 | undefined> {
  const loaded = loadConfig(env)
  if (loaded.kind === 'errors') return refuse(loaded.errors, err)
  const { config, warnings } = loaded
  // past RLIMIT_FSIZE the kernel ends a process that does not handle this signal
  process.on('SIGXFSZ', () => {})
  const output = openLogOutput(1)
  const log = createLog(config.logLevel, config.logFormat === 'pretty' ? prettyStream(output, isatty(1)) : output)
  const { flushed, writePiece: stdout } = output
  for (const warning of warnings) log.warn(warning)
  try {
    await start(config, { version, log, flushed, stdout })
    return undefined
  } catch (error) {
    log.error({ error: describe(error) }, 'cannot start')
    // LOG_LEVEL=silent is about the lines of a service that runs
    if (!log.isLevelEnabled('error')) err.write(`error: cannot start: ${describe(error).message}\n`)
    await flushed()
    return 1
  }
}

type Phase = Readonly<{ state: 'starting' | 'draining' } | { state: 'serving', service: Service }>

async function start (config: Config, running: Running): Promise<void> {
  const { version, log, flushed } = running
  const closers: Closer[] = []
  let phase: Phase = { state: 'starting' }
  const state = (): State => phase.state
  const close = async (): Promise<void> => { while (closers.length > 0) await closers.pop()?.() }
  const reopens = config.parts.some(({ claims }) => claims.reopens === true)
  if (reopens) process.on('SIGHUP', () => { if (phase.state === 'serving') phase.service.reopen() })
  // before anything is opened: process 1 ignores a signal that has no handler
  onSignal(log, reopens ? ['SIGHUP'] : [], async () => {
    const before = phase
    phase = { state: 'draining' }
    if (before.state === 'serving') await shutDown(before.service, config, log, close)
    else log.info('shut down before it was ready')
    await flushed()
  })
  const service = await open(config, running, closers, state).catch(async (error: unknown) => {
    await close()
    throw error
  })
  if (state() === 'draining') return
  phase = { state: 'serving', service }
  log.info(bannerOf(config, version), 'ready')
  warnUnlessReached(config.authgear.resolverUrl, log)
  const entrance = everyoneEnters(config)
  if (entrance !== undefined) log.warn(entrance)
}

async function shutDown (
  service: Service, { shutdownDelayMs: delayMs }: Config, log: Log, close: () => Promise<void>
): Promise<void> {
  service.leave()
  log.info({ delayMs }, 'shutting down')
  await sleep(delayMs)
  await close()
  log.info('shut down')
}

/** The management listener first, so that probes see the start; the main listener last. */
async function open (config: Config, running: Running, closers: Closer[], state: () => State): Promise<Service> {
  await removeStaleSockets(config)
  const machine = hostname()
  const service = await openService(config, running, { machine, state })
  closers.push(service.close)
  const management = managementOf(config, running.version, service, { machine, state })
  closers.push(() => management.close())
  await listen((at) => management.listen(at), config.management, 'MANAGEMENT_LISTEN')
  await takeRequests(config, service, running.log, closers)
  return service
}

/**
 * A second signal ends the process at once with 1, as the library does.
 * @param skip signals that end nothing
 */
function onSignal (log: Log, skip: ReadonlyArray<'SIGHUP'>, close: () => Promise<void>): void {
  const logger = { error: (message: unknown) => log.error({ error: describe(message) }, 'ends') }
  // a start that failed has its own exit code
  closeWithGrace({ delay: false, logger, skip: ['beforeExit', ...skip] }, async ({ err }) => {
    if (err !== undefined) {
      log.error({ error: describe(err) }, 'unexpected error: this replica stops; please report it')
    }
    await close()
  })
  // after the line above, so that a signal always finds a handler
  stopEndingOnSignal()
}

/** The line of the start for a person, and nothing secret: whom it asks, what remembers, where it listens. */
export function bannerOf (config: Config, version: string) {
  return {
    version,
    authgear: authgearOf(config),
    tiers: tiersOf(config),
    ttl: ttlOf(config),
    listeners: listenersOf(config)
  }
}

function authgearOf ({ authgear: { endpoint, resolverUrl }, parts }: Config): string {
  const resolver = resolverUrl.startsWith(`${endpoint.origin}/`) ? '' : ` by ${resolverUrl}`
  return [`${endpoint.origin}${resolver}`, ...parts.flatMap(({ claims }) => claims.banner ?? [])].join(', ')
}

function tiersOf ({ cache, redis }: Config): string {
  const secret = cache.secret === undefined ? ', CACHE_SECRET=none' : ''
  return `memory (${cache.maxEntries} entries, ` +
    `${showBytes(cache.maxBytes)})${redis === undefined ? '' : `, Redis (${describeServers(redis.servers)}${secret})`}`
}

function ttlOf ({
  cache: { ttlMs, negativeTtlMs, staleIfErrorMs, degradedTtlMs },
  redis
}: Config): string {
  return [
    `valid ${lasting(ttlMs)}`,
    `refused ${lasting(negativeTtlMs)}`,
    ...(ttlMs > 0 ? [`renewed at ${REFRESH_AHEAD * 100} %`] : []),
    ...(staleIfErrorMs > 0 ? [`${lasting(staleIfErrorMs)} more while Authgear is down`] : []),
    ...(redis === undefined ? [] : [`${lasting(degradedTtlMs)} while the revocation log is not followed`])
  ].join(', ')
}

const lasting = (ms: number): string => ms === 0 ? 'not at all' : ms % 1000 === 0 ? `${ms / 1000} s` : `${ms} ms`

function listenersOf ({ listen, management, parts, tls }: Config): string {
  const security = tls === undefined ? '' : tls.clientCaFile === undefined ? ' (TLS)' : ' (mutual TLS)'
  const ofParts = parts.map(({ name, claims: { listens } }) => {
    if (listens === undefined) return ''
    const { address, shown = name, isPlain = false } = listens
    return `, ${shown} ${addressOf(address)}${isPlain ? '' : security}`
  })
  return `main ${addressOf(listen)}${security}, management ${addressOf(management)}${ofParts.join('')}`
}

function addressOf (address: ListenAddress | undefined): string {
  if (address === undefined) return 'off'
  if (address.kind === 'unix') return `unix:${address.path}`
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`
}
