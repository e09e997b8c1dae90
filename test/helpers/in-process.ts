import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { buildGrpcListener, type GrpcListener } from '../../src/grpc/listener.ts'
import type { Listener } from '../../src/http/listener.ts'
import { NO_HEADERS } from '../../src/identity/sets.ts'
import { systemClock, type Clock } from '../../src/clock.ts'
import { createLog } from '../../src/logging/log.ts'
import type { RedisServers, RedisSettings } from '../../src/redis/options.ts'
import type { Replica } from '../../src/revocation/presence.ts'
import { createService, type Service, type ServiceSettings } from '../../src/service/service.ts'
import { settingsFor } from './redis-settings.ts'
import type { TlsFiles } from './tls.ts'

export interface InProcessOptions {
  /** Where Authgear is: its origin. */
  readonly authgear: string
  readonly resolverUrl?: string
  readonly redisPort?: number
  /** In place of `redisPort`: other servers, and how to get in. */
  readonly redis?: Readonly<{ servers: RedisServers }> & Partial<RedisSettings>
  readonly redisTimeoutMs?: number
  readonly redisPassword?: string
  readonly secret?: string
  readonly previousSecret?: string
  /** Between two looks at the secret check: a minute unless it is set. */
  readonly secretCheckMs?: number
  readonly keyPrefix?: string
  readonly ttlMs?: number
  readonly negativeTtlMs?: number
  readonly degradedTtlMs?: number
  readonly webhookSecret?: string
  readonly previousWebhookSecret?: string
  readonly appId?: string
  readonly audit?: ServiceSettings['audit']
  readonly profile?: ServiceSettings['profile']
  readonly managementToken?: string
  readonly login?: Partial<NonNullable<ServiceSettings['login']>>
  /** Of Authgear; long here, so that a slow machine changes nothing. */
  readonly timeoutMs?: number
  readonly maxConcurrency?: number
  readonly maxQueue?: number
  readonly failuresPerMinute?: number
  /** Bytes of all that wait. */
  readonly waitingBytes?: number
  /** Off here, so that a manual clock asks nobody by itself. */
  readonly refreshAhead?: number
  readonly staleIfErrorMs?: number
  readonly cookiePrefix?: string
  readonly absentHeaders?: 'empty' | 'omit'
  readonly extAuthzPolicy?: 'optional' | 'required'
  readonly extAuthzLocation?: 'forwarded' | 'request'
  readonly identity?: ServiceSettings['identity']
  readonly preflight?: 'deny' | 'allow'
  /** RESOURCES: URIs. */
  readonly resources?: readonly string[]
  readonly resourceTokenMaxAgeMs?: number
  readonly assertion?: ServiceSettings['assertion']
  /** How long a new root of assertion keys has to stand. */
  readonly settleMs?: number
  /** Also the listener of /identify, at `identifyPort`. */
  readonly identify?: boolean
  /** Also the listener of gRPC, at `grpcPort`. */
  readonly grpc?: boolean
  /** Where it listens: another host, or a unix socket (then `port` is 0). */
  readonly listen?: Readonly<{ host: string } | { path: string }>
  readonly trustedProxies?: readonly string[]
  readonly tls?: TlsFiles
  readonly clientCa?: string
  /** How long one who lost the fleet's lease waits; long here, so that a slow machine changes nothing. */
  readonly leaseWaitMs?: number
  /** Life of the fleet's lease; long here for the same reason. */
  readonly leaseMs?: number
  readonly loginUrl?: string
  readonly clock?: Clock
  /** Its machine's name. */
  readonly machine?: string
  /** What it says of itself to the other replicas. */
  readonly state?: () => Replica['state']
  /** In place of the listener's own, which would take minutes: milliseconds. */
  readonly limits?: Readonly<
    Partial<Record<'headersTimeout' | 'requestTimeout' | 'keepAliveTimeout' | 'connectionsCheckingInterval', number>>
  >
}

export interface InProcess {
  readonly port: number
  /** Of the listener of /identify; 0 where it is off. */
  readonly identifyPort: number
  /** Of the listener of gRPC; 0 where it is off. */
  readonly grpcPort: number
  readonly service: Service
  /** The log's lines, parsed. */
  readonly lines: ReadonlyArray<Readonly<Record<string, unknown>>>
  /** Idempotent; the test's teardown calls it too. */
  readonly close: () => Promise<void>
}

/** 32 bytes, as every replica of a test has them. */
export const SECRET = 'a secret of the tests, 32 bytes!'

/** The login of the tests: Authgear is `auth.example.com`. */
export const LOGIN: NonNullable<ServiceSettings['login']> = {
  clientId: 'web',
  publicUrl: 'https://app.example.com',
  path: '/_auth',
  allowedHosts: ['app.example.com', '*.apps.example.com'],
  secret: 'another secret of the tests, 32 B',
  logoutRedirectUri: 'https://app.example.com/_auth/logged-out'
}

/** Nobody waits for answers any more; an HTTP/2 session would end after its notice of 250 ms. */
const TEARDOWN_GRACE_MS = 10

/** A replica in this process, on a free port of its own: coverage counts, and the clock is the test's. */
export async function startInProcess (t: Pick<Test, 'teardown'>, options: InProcessOptions): Promise<InProcess> {
  const lines: Array<Record<string, unknown>> = []
  const log = createLog('trace', { write: (line: string) => { lines.push(JSON.parse(line)) } })
  const { leaseWaitMs = 10_000, leaseMs = 10_000, secretCheckMs, settleMs, clock = systemClock, state } = options
  const seams = { leaseWaitMs, leaseMs, secretCheckMs, settleMs, clock, state }
  const service = createService(settingsOf(options), log, seams)
  Object.assign(service.app.fastify.server, options.limits)
  const port = await listen(service.app, options.listen)
  const identifyPort = await listen(service.identify)
  const grpcPort = await listenGrpc(service.grpc)
  let closing: Promise<void> | undefined
  const closeWithin = (graceMs: number): Promise<void> => {
    const listeners = [service.app, service.identify, service.grpc]
    closing ??= Promise.all(listeners.map((one) => one?.drain.drain(graceMs))).then(() => service.close())
    return closing
  }
  t.teardown(() => closeWithin(TEARDOWN_GRACE_MS))
  return { port, identifyPort, grpcPort, service, lines, close: () => closeWithin(1000) }
}

async function listen (
  app: Listener | undefined,
  where: InProcessOptions['listen'] = { host: '127.0.0.1' }
): Promise<number> {
  if (app === undefined) return 0
  await app.fastify.listen('path' in where ? where : { ...where, port: 0 })
  const address = app.fastify.server.address() as AddressInfo | string
  return typeof address === 'string' ? 0 : address.port
}

async function listenGrpc (grpc: GrpcListener | undefined): Promise<number> {
  if (grpc === undefined) return 0
  grpc.server.listen(0, '127.0.0.1')
  await once(grpc.server, 'listening')
  return (grpc.server.address() as AddressInfo).port
}

export function settingsOf (options: InProcessOptions): ServiceSettings {
  const { protocol, host, origin } = new URL(options.authgear)
  return {
    version: '0.0.0-test',
    machine: options.machine ?? 'replica-1',
    authgear: {
      endpoint: { origin, host, scheme: protocol === 'https:' ? 'https' : 'http' },
      resolverUrl: options.resolverUrl ?? `${origin}/_resolver/resolve`,
      cookiePrefix: options.cookiePrefix ?? '',
      timeoutMs: options.timeoutMs ?? 30_000,
      maxConcurrency: options.maxConcurrency ?? 64,
      maxQueue: options.maxQueue ?? 1024,
      failuresPerMinute: options.failuresPerMinute ?? 0,
      waitingBytes: options.waitingBytes ?? 2 ** 26,
      ca: undefined,
      webhookSecret: options.webhookSecret,
      previousWebhookSecret: options.previousWebhookSecret,
      appId: options.appId
    },
    audit: options.audit,
    profile: options.profile,
    cache: {
      ttlMs: options.ttlMs ?? 30_000,
      negativeTtlMs: options.negativeTtlMs ?? 5000,
      degradedTtlMs: options.degradedTtlMs ?? 5000,
      refreshAhead: options.refreshAhead ?? 0,
      staleIfErrorMs: options.staleIfErrorMs ?? 0,
      maxEntries: 10_000,
      maxBytes: 2 ** 27,
      secret: redisOf(options) === undefined ? undefined : options.secret ?? SECRET,
      previousSecret: options.previousSecret
    },
    redis: redisOf(options),
    trustedProxies: options.trustedProxies ?? ['loopback'],
    loginUrl: options.loginUrl,
    login: options.login && { ...LOGIN, ...options.login },
    resources: (options.resources ?? []).map((uri) => ({ uri, scopes: [], name: undefined, documentation: undefined })),
    resourceTokenMaxAgeMs: options.resourceTokenMaxAgeMs ?? 3_600_000,
    assertion: options.assertion,
    absentHeaders: options.absentHeaders ?? 'empty',
    identity: options.identity ?? { headers: NO_HEADERS, user: 'user_id', encoding: 'percent', groups: 'roles' },
    extAuthzPolicy: options.extAuthzPolicy ?? 'optional',
    extAuthzLocation: options.extAuthzLocation ?? 'forwarded',
    preflight: options.preflight ?? 'deny',
    identify: options.identify ?? false,
    grpc: options.grpc === true ? buildGrpcListener : undefined,
    managementToken: options.managementToken,
    tls: tlsOf(options)
  }
}

function redisOf ({
  redisPort,
  redis,
  redisTimeoutMs,
  redisPassword,
  keyPrefix
}: InProcessOptions): ServiceSettings['redis'] {
  const place = redis?.servers ?? redisPort
  if (place === undefined) return undefined
  return {
    ...settingsFor(place, { timeoutMs: redisTimeoutMs ?? 1000, password: redisPassword, ...redis }),
    keyPrefix: keyPrefix ?? 'test:'
  }
}

function tlsOf ({ tls, clientCa }: InProcessOptions): ServiceSettings['tls'] {
  return tls && { cert: readFileSync(tls.certFile, 'utf8'), key: readFileSync(tls.keyFile, 'utf8'), ca: clientCa }
}
