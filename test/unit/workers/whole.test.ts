import t from 'tap'
import type { Reading } from '../../../src/metrics/metrics.ts'
import type { Report } from '../../../src/workers/messages.ts'
import { NOTHING_READ, wholeFleet, wholeReading, wholeState } from '../../../src/workers/whole.ts'
import { allMetrics } from '../../helpers/series.ts'

function counted (memoryHits: number, gauges: Parameters<typeof allMetrics>[0] = {}): Reading {
  const metrics = allMetrics(gauges)
  for (let n = 0; n < memoryHits; n++) {
    metrics.authenticate.memoryRead('hit')
    metrics.request('verify', 200, 'allowed', 'memory', 0.0002)
  }
  metrics.request('verify', 401, 'no_credentials', 'none', 0.0002)
  metrics.resolver.authgearRequest('valid', 0.01)
  return metrics.reading()
}

const requestsOf = ({ requests }: Reading, status: number): number =>
  requests.filter(({ labels }) => labels.status === status).reduce((sum, { count }) => sum + count, 0)

t.test('adds up what each worker counted', async (t) => {
  const whole = wholeReading([NOTHING_READ], [counted(3), counted(4)])
  t.equal(whole.reads.memory.hit, 7)
  t.equal(requestsOf(whole, 200), 7)
  t.equal(requestsOf(whole, 401), 2)
  t.equal(whole.durations.memory.at(-1), 7)
  t.equal(whole.authgear.valid, 2)
  t.equal(whole.requests.length, counted(0).requests.length, 'a label set once')
})

t.test('an ended worker counts on, and has no state any more', async (t) => {
  const ended = wholeReading([NOTHING_READ, counted(5, { redisUp: () => false })], [])
  const whole = wholeReading([ended], [counted(1)])
  t.equal(whole.reads.memory.hit, 6)
  t.equal(whole.now.redisUp, true)
  t.equal(whole.now.cacheEntries, 3, 'its memory went with it')
})

t.test('of what is true or not the worse counts, of amounts the sum', async (t) => {
  const audit = { behindSeconds: () => 7, untold: () => 4 }
  const rows: ReadonlyArray<readonly [gauges: Parameters<typeof allMetrics>[0], now: Partial<Reading['now']>]> = [
    [{ redisUp: () => false }, { redisUp: false, logFollowed: true }],
    [{ logFollowed: () => false }, { redisUp: true, logFollowed: false }],
    [{ resolver: () => ({ inFlight: 5, queued: 6, circuitOpen: true }) },
      { inFlight: 6, queued: 8, circuitOpen: true }],
    [{ replicasSeen: () => 9 }, { replicasSeen: 9 }],
    [{ audit: { ...audit, isLeader: () => true } }, { auditBehindSeconds: 7, untold: 4 }],
    [{ audit: { ...audit, isLeader: () => false } }, { auditBehindSeconds: 61, untold: 0 }]
  ]
  for (const [gauges, now] of rows) t.match(wholeReading([], [counted(0), counted(0, gauges)]).now, now)
})

t.test('without a worker nothing is well', async (t) => {
  t.match(wholeReading([NOTHING_READ], []).now, { redisUp: false, logFollowed: false, inFlight: 0 })
  t.strictSame(wholeState([]), { state: 'starting', redis: 'down', authgear: 'ok' })
})

t.test('the replica serves while one worker does', async (t) => {
  const report = (some: Partial<Report>): Report =>
    ({ state: 'serving', redis: 'up', authgear: 'ok', reading: NOTHING_READ, others: [], ...some })
  type Row = readonly [reports: ReadonlyArray<Partial<Report>>, state: ReturnType<typeof wholeState>]
  const rows: readonly Row[] = [
    [[{}, {}], { state: 'serving', redis: 'up', authgear: 'ok' }],
    [[{ state: 'starting' }, {}], { state: 'serving', redis: 'up', authgear: 'ok' }],
    [[{ state: 'starting' }, { state: 'draining' }], { state: 'starting', redis: 'up', authgear: 'ok' }],
    [[{ redis: 'down' }, {}], { state: 'serving', redis: 'down', authgear: 'ok' }],
    [[{}, { authgear: 'failing' }], { state: 'serving', redis: 'up', authgear: 'failing' }]
  ]
  for (const [reports, state] of rows) t.strictSame(wholeState(reports.map(report)), state)
  const named = (id: string) => ({ id, replica: { name: `host-${id}`, state: 'serving', authgear: 'ok' } }) as const
  const fleet = wholeFleet([report({ others: [named('b'), named('c')] }), report({ others: [named('a'), named('c')] })])
  t.strictSame(fleet.map(({ id }) => id), ['a', 'b', 'c'])
})
