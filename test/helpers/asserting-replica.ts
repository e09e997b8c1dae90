import type { Test } from 'tap'
import { createTrustProxy } from '../../src/request/http/trusted-proxies.ts'
import type { AddressInfo } from 'node:net'
import type { AssertionSubject } from '../../src/shared/assertion/types.ts'
import { buildListener } from '../../src/request/http/listener.ts'
import { createLog } from '../../src/operate/logging/log.ts'
import { createMetrics, type Metrics } from '../../src/operate/metrics/metrics.ts'
import { redisKeysOf, type RedisKeys } from '../../src/shared/redis/keys.ts'
import { openAssertions, type AssertionParts } from '../../src/service/assertions.ts'
import { openSecrets } from '../../src/service/parts.ts'
import { openShared, type Shared } from '../../src/service/shared.ts'
import { listenerBounds } from './listener-bounds.ts'
import { type Environment, settingsOf } from './in-process.ts'
import { manualClock, type ManualClock } from './manual-clock.ts'
import { ask, type Answer } from './request.ts'
import { until } from './until.ts'

export const ISSUER = 'https://auth.example.com'
export const HOUR = 3_600_000
export const KEYS: RedisKeys = redisKeysOf('test:', 'https://authgear.example.com')

const ALICE: AssertionSubject = {
  userId: '0b1e5a5e-0000-4000-8000-000000000001',
  roles: ['admin', 'editor'],
  email: undefined,
  name: undefined,
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

export interface AssertingReplica {
  readonly clock: ManualClock
  readonly parts: AssertionParts
  readonly shared: Shared
  readonly metrics: Metrics
  readonly lines: ReadonlyArray<Readonly<Record<string, unknown>>>
  /** The token; undefined where none is made. */
  sign (subject?: AssertionSubject, audience?: string): string | undefined
  /** Which key signs. */
  kid (): string | undefined
  hasKey (): Promise<void>
  /** Over HTTP. */
  fetchKeys (method?: string): Promise<Answer>
  kids (): Promise<readonly string[]>
  close (): Promise<void>
}

/** What of a replica makes and publishes assertions, on a clock and a port of its own. */
export async function startAssertingReplica (t: Pick<Test, 'teardown'>, options: Options): Promise<AssertingReplica> {
  const { clock = manualClock(), secretCheckMs } = options
  const settings = await settingsOf({ ...ON, ...options })
  const lines: Array<Record<string, unknown>> = []
  const log = createLog('debug', { write: (line: string) => { lines.push(JSON.parse(line)) } })
  const zero = (): number => 0
  const assertions = {
    hasKey: () => parts.gauges.hasKey(),
    keysPublished: () => parts.gauges.keysPublished(),
    nextKey: () => parts.gauges.nextKey()
  }
  const metrics = createMetrics('', {
    resolver: () => ({ inFlight: 0, queued: 0, circuitOpen: false }),
    cacheEntries: zero,
    cacheBytes: zero,
    cacheMaxBytes: zero,
    redis: undefined,
    audit: undefined,
    assertions,
    certificate: undefined
  })
  const { sealing: { entries: sealing } } =
    openSecrets(settings, () => shared.redis?.secretCheck.writesPrevious() === true)
  const shared = openShared(settings, sealing, {
    metrics, log, clock, keys: KEYS, secretCheckMs, reconnected: () => {}
  })
  const opened = openAssertions(settings, {
    shared, sealing, keys: KEYS, metrics, log, clock, settleMs: options.settleMs
  })
  if (opened === undefined) throw new Error('assertions are off')
  const parts = opened
  const { port, stop } = await listen(parts)
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    closing ??= (async () => {
      parts.close()
      shared.redis?.secretCheck.close()
      await shared.redis?.connection.close()
      await stop()
    })()
    return closing
  }
  t.teardown(close)
  const hasKey = (): Promise<void> => until('there is a key', parts.gauges.hasKey)
  const fetchKeys = (method = 'GET'): Promise<Answer> =>
    ask(port, { path: '/.well-known/forward-auth/jwks.json', method })
  return {
    clock,
    parts,
    shared,
    metrics,
    lines,
    sign: (subject = ALICE, audience) => parts.assertions.sign(subject, audience)?.token,
    kid: () => kidOf(parts.assertions.sign(ALICE, undefined)?.token),
    hasKey,
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

async function listen ({ routes }: AssertionParts): Promise<Readonly<{ port: number, stop: () => Promise<void> }>> {
  const { fastify, drain } = buildListener({
    report: () => {},
    notFound: () => {},
    unexpectedError: (error) => { throw error },
    trustProxy: createTrustProxy(['loopback']),
    forwardedForIgnored: () => {},
    tls: undefined,
    bounds: listenerBounds()
  }, routes)
  await fastify.listen({ host: '127.0.0.1', port: 0 })
  return { port: (fastify.server.address() as AddressInfo).port, stop: async () => { await drain.drain(10) } }
}
