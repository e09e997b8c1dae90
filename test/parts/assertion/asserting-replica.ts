import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import type { MemoryKey } from '../../../src/base/core/cache-key.ts'
import { createLog } from '../../../src/base/logging/log.ts'
import { createMetrics, type Metrics } from '../../../src/base/metrics/metrics.ts'
import { buildListener } from '../../../src/base/http/listener.ts'
import { createTrustProxy } from '../../../src/base/http/trusted-proxies.ts'
import { createUnfinished } from '../../../src/base/http/unfinished.ts'
import type { Admitted, HeaderContributor } from '../../../src/base/identity/presenter.ts'
import { createClosers } from '../../../src/app/closers.ts'
import { createFeatures } from '../../../src/app/features.ts'
import { givenOf } from '../../../src/app/foundation.ts'
import { routeOf } from '../../../src/app/listeners.ts'
import { openSecrets } from '../../../src/app/secrets.ts'
import { openShared, type Shared, sharedRedisOf } from '../../../src/app/shared.ts'
import type { PublicDocument } from '../../../src/base/parts/feature.ts'
import { byName } from '../../../src/parts/index.ts'
import { NO_PROFILE } from '../../../src/base/identity/profile.ts'
import { partKey, redisKeysOf } from '../../../src/base/redis/keys.ts'
import { validResolution } from '../../helpers/identity.ts'
import { type Environment, settingsOf } from '../../helpers/in-process.ts'
import { listenerBounds } from '../../helpers/listener-bounds.ts'
import { manualClock, type ManualClock } from '../../helpers/manual-clock.ts'
import { type Answer, ask } from '../../helpers/request.ts'
import { until } from '../../helpers/until.ts'

export const ISSUER = 'https://auth.example.com'
export const HOUR = 3_600_000
const KEYS = redisKeysOf('test:', 'https://authgear.example.com')
/** Holds the keys that replicas share. */
export const KEY = partKey(KEYS.log, 'assertion-keys')

const ALICE: Admitted = {
  key: 'alice' as MemoryKey,
  ...validResolution({ 'user-id': '0b1e5a5e-0000-4000-8000-000000000001', 'user-roles': 'admin,editor' }),
  digests: [],
  grant: undefined,
  credentials: { bearer: 't', appSession: undefined, appAccessToken: undefined, session: undefined }
}

type Options = Environment & Readonly<{ clock?: ManualClock, secretCheckMs?: number, settleMs?: number }>

/** The public name of an Authgear that nobody asks here. */
const ON = {
  AUTHGEAR_ENDPOINT: 'https://authgear.example.com',
  ASSERTION: 'on',
  ASSERTION_ISSUER: ISSUER,
  ASSERTION_KEY_ROTATION: '1h'
} as const satisfies Environment

const zero = (): number => 0
const GAUGES = {
  resolver: () => ({ inFlight: 0, queued: 0, circuitOpen: false }),
  cacheEntries: zero,
  cacheBytes: zero,
  cacheMaxBytes: zero,
  redis: undefined,
  audit: undefined,
  certificate: undefined
}

export interface AssertingReplica {
  readonly clock: ManualClock
  readonly shared: Shared
  readonly metrics: Metrics
  readonly lines: ReadonlyArray<Readonly<Record<string, unknown>>>
  /** The token; undefined where none is made. */
  sign (audience?: string): string | undefined
  /** Which key signs. */
  kid (): string | undefined
  hasKey (): Promise<void>
  ready (): Promise<void>
  /** Over HTTP. */
  fetchKeys (method?: string): Promise<Answer>
  kids (): Promise<readonly string[]>
  close (): Promise<void>
}

/** The part alone, with Redis where its environment names one, on a clock and a port of its own. */
export async function startAssertingReplica (t: Pick<Test, 'teardown'>, options: Options): Promise<AssertingReplica> {
  const { clock = manualClock(), secretCheckMs, settleMs } = options
  const settings = await settingsOf({ ...ON, ...options })
  const lines: Array<Record<string, unknown>> = []
  const log = createLog('debug', { write: (line: string) => { lines.push(JSON.parse(line)) } })
  const metrics = createMetrics('', GAUGES)
  const secrets = openSecrets(settings, () => shared.redis?.secretCheck.writesPrevious() === true)
  const { sealing } = secrets
  const shared = openShared(settings, sealing, {
    metrics, log, clock, keys: KEYS, secretCheckMs, reconnected: () => {}
  })
  const redis = sharedRedisOf({ shared, log: KEYS.log, sealing, settleMs })
  const unfinished = createUnfinished(2 ** 20, () => {})
  const nothing = {
    stdout: undefined,
    self: () => ({ name: 'replica', state: 'serving', authgear: 'ok' } as const),
    revocations: { isFollowing: () => false, revoke: async () => 'pending' as const },
    keySet: { open: () => { throw new Error('no keys') } },
    queryMs: undefined
  }
  const closers = createClosers()
  const features = createFeatures(settings, { metrics, log, closers })
  const given = givenOf(settings, { ...nothing, secrets, log, clock, redis, unfinished })
  const assertion = features.open(byName(settings.parts).assertion, given)
  if (assertion === undefined) throw new Error('it is off')
  const { port, stop } = await listen(assertion.documents)
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    closing ??= (async () => {
      await closers.close()
      shared.redis?.secretCheck.close()
      await shared.redis?.connection.close()
      await stop()
    })()
    return closing
  }
  t.teardown(close)
  const sign = signer(assertion.headers, clock)
  const fetchKeys = (method = 'GET'): Promise<Answer> =>
    ask(port, { path: '/.well-known/forward-auth/jwks.json', method })
  return {
    clock,
    shared,
    metrics,
    lines,
    sign,
    kid: () => kidOf(sign()),
    hasKey: () => until('there is a key', () => sign() !== undefined),
    ready: () => features.ready(),
    fetchKeys,
    kids: async () =>
      (JSON.parse((await fetchKeys()).body).keys as ReadonlyArray<{ kid: string }>).map(({ kid }) => kid),
    close
  }
}

export function kidOf (token: string | undefined): string | undefined {
  return token === undefined
    ? undefined
    : JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid as string
}

/** What goes out to Alice's app. */
function signer (contributor: HeaderContributor, { wall }: ManualClock) {
  return (audience?: string): string | undefined => {
    const named = audience === undefined ? { kind: 'default' } as const : { kind: 'named', value: audience } as const
    const give = contributor.route({ identity: { kind: 'default' }, audience: named, as: { kind: 'default' } })
    return give?.({ admitted: ALICE, profile: NO_PROFILE, session: undefined, now: wall() })?.values[0]
  }
}

type Listening = Readonly<{ port: number, stop: () => Promise<void> }>

async function listen (documents: readonly PublicDocument[]): Promise<Listening> {
  const { fastify, drain } = buildListener({
    report: () => {},
    notFound: () => {},
    unexpectedError: (error) => { throw error },
    trustProxy: createTrustProxy(['loopback']),
    forwardedForIgnored: () => {},
    tls: undefined,
    bounds: listenerBounds()
  }, documents.map(routeOf))
  await fastify.listen({ host: '127.0.0.1', port: 0 })
  return { port: (fastify.server.address() as AddressInfo).port, stop: async () => { await drain.drain(10) } }
}
