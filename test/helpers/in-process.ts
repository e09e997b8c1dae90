import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { systemClock } from '../../src/base/clock.ts'
import { loadConfig } from '../../src/app/config.ts'
import type { Config, ListenAddress } from '../../src/base/config/index.ts'
import type { VariableName } from '../../src/app/config.ts'
import { anyListener, type AnyListener } from '../../src/base/http/listener.ts'
import { readTlsMaterial } from '../../src/base/http/tls.ts'
import { createLog } from '../../src/base/logging/log.ts'
import type { RedisAddress } from '../../src/base/redis/options.ts'
import { createService, type Seams, type Service, type ServiceSettings } from '../../src/app/service.ts'
import type { RedisPlace } from './redis-settings.ts'
import type { TlsFiles } from './tls.ts'

/** The service's own variables; undefined unsets a default of the tests. */
export type Environment = Readonly<Partial<Record<VariableName, string | number | undefined>>>

/** Beside the variables: what none of them says. */
export type InProcessOptions = Environment & Seams & Readonly<{
  /** Its machine's name. */
  machine?: string
  /** Bytes of all that wait; else by the machine's memory. */
  waitingBytes?: number
  /** What peers may make its listeners hold; else by the machine's memory. */
  listeners?: ServiceSettings['listeners']
  /** When sessions in use are renewed, as a share of CACHE_TTL; else never. */
  refreshAhead?: number
  /** Milliseconds for Redis' commands that have time. */
  patienceMs?: number
  /** Parts that stay off, although the variables turn them on. */
  without?: readonly string[]
  /** In place of the listener's own, which would take minutes: milliseconds. */
  limits?: Readonly<
    Partial<Record<'headersTimeout' | 'requestTimeout' | 'keepAliveTimeout' | 'connectionsCheckingInterval', number>>
  >
}>

export interface InProcess {
  readonly port: number
  /** Of the listener of /identify; 0 where it is off. */
  readonly identifyPort: number
  /** Of the listener of gRPC; 0 where it is off. */
  readonly grpcPort: number
  /** Of LISTEN_EVENTS; 0 where it is off. */
  readonly eventsPort: number
  readonly service: Service
  /** The log's lines, parsed. */
  readonly lines: ReadonlyArray<Readonly<Record<string, unknown>>>
  /** Idempotent; the test's teardown calls it too. */
  readonly close: () => Promise<void>
}

/** 32 bytes, as every replica of a test has them. */
export const SECRET = 'a secret of the tests, 32 bytes!'
export const MANAGEMENT_TOKEN = 'a token of the tests'
/** A free port for a listener. */
export const ANY_PORT = '127.0.0.1:0'

/** The login of the tests: Authgear is `auth.example.com`. */
export const LOGIN = {
  LOGIN_CLIENT_ID: 'web',
  LOGIN_PUBLIC_URL: 'https://app.example.com',
  LOGIN_ALLOWED_HOSTS: 'app.example.com,*.apps.example.com',
  LOGIN_SECRET: 'another secret of the tests, 32 B',
  LOGOUT_REDIRECT_URI: 'https://app.example.com/_auth/logged-out'
} as const satisfies Environment

export const overTls = ({ certFile, keyFile }: TlsFiles) =>
  ({ LISTEN_TLS_CERT_FILE: certFile, LISTEN_TLS_KEY_FILE: keyFile }) as const satisfies Environment

const listed = (addresses: readonly RedisAddress[]): string =>
  addresses.map(({ host, port }) => `${host}:${port}`).join(',')

/** The variables for servers in one of the three forms. */
export function redisAt (servers: RedisPlace): Environment {
  if (typeof servers === 'number') return { REDIS_URL: `redis://127.0.0.1:${servers}` }
  switch (servers.kind) {
    case 'one': return { REDIS_URL: `redis://${servers.host}:${servers.port}/${servers.db}` }
    case 'cluster': return { REDIS_CLUSTER: listed(servers.nodes) }
    case 'sentinel': return {
      REDIS_SENTINELS: listed(servers.sentinels),
      REDIS_SENTINEL_NAME: servers.name,
      REDIS_SENTINEL_PASSWORD: servers.password
    }
  }
}

/** Time-outs are long, so that a slow machine changes nothing, and nothing is asked for ahead of a manual clock. */
const DEFAULTS: Environment = {
  LISTEN: ANY_PORT,
  LOG_LEVEL: 'trace',
  TRUSTED_PROXIES: 'loopback',
  AUTHGEAR_TIMEOUT: '30s',
  AUTHGEAR_FAILURES_PER_MINUTE: 0,
  CACHE_MAX_ENTRIES: 10_000,
  CACHE_MAX_MEMORY: '128m',
  CACHE_SECRET: SECRET,
  REDIS_KEY_PREFIX: 'test:',
  REDIS_TIMEOUT: '5s',
  MANAGEMENT_TOKEN
}

const LONG_MS = 30_000

/** The configuration of these variables and the tests' own defaults; whatever is wrong with it is thrown. */
function configOf (environment: Environment): Config {
  const set = Object.entries({ ...DEFAULTS, ...environment })
    .flatMap(([name, value]) => /^[A-Z]/.test(name) && value !== undefined ? [[name, String(value)] as const] : [])
  const loaded = loadConfig(Object.fromEntries(set))
  if (loaded.kind === 'errors') throw new Error(loaded.errors.join('\n'))
  return loaded.config
}

/** Nobody waits for answers any more; an HTTP/2 session would end after its notice of 250 ms. */
const TEARDOWN_GRACE_MS = 10

/** A replica in this process, on a free port of its own: coverage counts, and the clock is the test's. */
export async function startInProcess (t: Pick<Test, 'teardown'>, options: InProcessOptions): Promise<InProcess> {
  const lines: Array<Record<string, unknown>> = []
  const settings = await settingsOf(options)
  const log = createLog(settings.logLevel, { write: (line: string) => { lines.push(JSON.parse(line)) } })
  const { leaseWaitMs = 10_000, leaseMs = 10_000, queryMs = LONG_MS } = options
  const { secretCheckMs, settleMs, clock = systemClock, state } = options
  const seams = { leaseWaitMs, leaseMs, secretCheckMs, settleMs, queryMs, clock, state }
  const service = createService(settings, log, seams)
  Object.assign(service.app.fastify.server, options.limits)
  await Promise.all([service.logFollowed(), service.partsReady()]) // as `serve` does
  const portOf = (name: VariableName): Promise<number> =>
    listen(service.ofParts.find(({ variable }) => variable === name))
  const port = await listen(anyListener(service.app), settings.listen)
  const identifyPort = await portOf('IDENTIFY_LISTEN')
  const grpcPort = await portOf('LISTEN_GRPC')
  const eventsPort = await portOf('LISTEN_EVENTS')
  let closing: Promise<void> | undefined
  const closeWithin = (graceMs: number): Promise<void> => {
    service.leave()
    const listeners = [service.app, ...service.ofParts]
    closing ??= Promise.all(listeners.map((one) => one.drain.drain(graceMs))).then(() => service.close())
    return closing
  }
  t.teardown(() => closeWithin(TEARDOWN_GRACE_MS))
  return { port, identifyPort, grpcPort, eventsPort, service, lines, close: () => closeWithin(1000) }
}

type Settings = ServiceSettings & Pick<Config, 'listen' | 'logLevel'>

/** As `serve` makes them of the configuration. */
export async function settingsOf (options: InProcessOptions): Promise<Settings> {
  const { machine = 'replica-1', waitingBytes = 2 ** 26 } = options
  const { without = [] } = options
  const config = configOf(options)
  return {
    ...config,
    listeners: options.listeners ?? config.listeners,
    authgear: { ...config.authgear, waitingBytes },
    redis: config.redis && { ...config.redis, patienceMs: options.patienceMs },
    refreshAhead: options.refreshAhead ?? 0,
    version: '0.0.0-test',
    machine,
    replica: machine,
    parts: await Promise.all(config.parts.filter(({ name }) => !without.includes(name)).map((part) => part.load())),
    tls: config.tls === undefined ? undefined : readTlsMaterial(config.tls)
  }
}

const ANYWHERE: ListenAddress = { kind: 'tcp', host: '127.0.0.1', port: 0 }

async function listen (listener: AnyListener | undefined, at = ANYWHERE): Promise<number> {
  if (listener === undefined) return 0
  await listener.listen(at.kind === 'unix' ? { path: at.path } : { host: at.host, port: at.port })
  const address = listener.server.address() as AddressInfo | string
  return typeof address === 'string' ? 0 : address.port
}
