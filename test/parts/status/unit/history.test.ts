import t from 'tap'
import { groupsOf, valuesOf } from '../../../../src/parts/status/figures.ts'
import { createHistory, STEP_MS, WINDOW_MS } from '../../../../src/parts/status/history.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { allMetrics } from '../../../helpers/series.ts'

function start () {
  const clock = manualClock()
  const metrics = allMetrics({ parts: () => ({ status: { replicas: 3 } }) })
  const history = createHistory({ read: metrics.reading, clock })
  const allow = (count: number): void => {
    for (let n = 0; n < count; n++) metrics.request('verify', 200, 'allowed', 'memory', 0.0002)
  }
  const pass = (ms: number, each = (): void => {}): void => {
    for (let at = 0; at < ms; at += STEP_MS) { each(); clock.advance(STEP_MS); history.sample() }
  }
  const figure = (group: string, name: string) => {
    const samples = history.window()
    const found = groupsOf(samples.at(-1) ?? t.fail('no sample') as never, []).find(({ id }) => id === group)
    return valuesOf(found ?? t.fail(group) as never, samples).find(({ id }) => id === name) ?? t.fail(name) as never
  }
  return { clock, metrics, history, allow, pass, figure }
}

t.test('everything since the start counts while the window is not full', async (t) => {
  const { allow, pass, figure } = start()
  allow(7)
  t.equal(figure('requests', 'allowed').total, 7, 'also in the first instant')
  t.match(figure('requests', 'allowed'), { latest: undefined, minutes: [] }, 'which has no rate')
  pass(STEP_MS, () => allow(20))
  t.match(figure('requests', 'allowed'), { total: 27, latest: 2.7, minutes: [2.7] })
})

t.test('after a quarter of an hour the oldest is forgotten, and memory does not grow', async (t) => {
  const { allow, pass, history, figure } = start()
  pass(WINDOW_MS, () => allow(10))
  t.equal(figure('requests', 'allowed').total, 900)
  const { length } = history.window()
  pass(3 * WINDOW_MS, () => allow(1))
  t.equal(history.window().length, length)
  t.equal(figure('requests', 'allowed').total, 90)
  t.strictSame(figure('requests', 'allowed').minutes, new Array(15).fill(0.1))
  pass(STEP_MS, () => allow(7))
  t.match(figure('requests', 'allowed'), { latest: 0.7, minutes: { 0: 0.2, 14: 0.1 } }, 'the newest first')
})

t.test('a clock that stands still makes it no longer either', async (t) => {
  const { history } = start()
  for (let n = 0; n < 1000; n++) history.sample()
  t.equal(history.window().length, WINDOW_MS / STEP_MS + 2)
})

t.test('what was before a long sleep of the machine does not count as recent', async (t) => {
  const { clock, allow, pass, figure } = start()
  pass(WINDOW_MS, () => allow(10))
  clock.advance(10 * WINDOW_MS)
  allow(3)
  t.equal(figure('requests', 'allowed').total, 3)
})

t.test('ratios and quantiles say nothing where nothing happened', async (t) => {
  const { metrics, pass, figure } = start()
  pass(STEP_MS)
  t.equal(figure('hits', 'memory').total, undefined)
  t.equal(figure('latency', 'memory-p50').total, undefined)
  for (const outcome of ['hit', 'hit', 'hit', 'miss'] as const) metrics.authenticate.memoryRead(outcome)
  metrics.request('verify', 200, 'allowed', 'authgear', 0.2)
  pass(STEP_MS)
  t.equal(figure('hits', 'memory').total, 0.75)
  t.match(figure('hits', 'memory'), { latest: 0.75, minutes: [0.75] })
  t.ok(Number(figure('latency', 'authgear-p99').total) > 0.1 && Number(figure('latency', 'authgear-p99').total) <= 0.25)
})

t.test('each decision, outcome and origin has its figure', async (t) => {
  const { metrics, figure } = start()
  metrics.request('verify', 401, 'invalid_session', 'memory', 0)
  metrics.request('ext-authz', 403, 'forbidden', 'redis', 0)
  metrics.request('verify', 503, 'overloaded', 'authgear', 0)
  metrics.request('other', 404, 'not_found', 'none', 0)
  metrics.request('identify', 200, 'allowed', 'memory', 0)
  for (const outcome of ['valid', 'invalid', 'error', 'timeout', 'rejected'] as const) {
    metrics.resolver.authgearRequest(outcome, 0)
  }
  for (const outcome of ['hit', 'miss', 'rejected', 'unreachable'] as const) metrics.sharedCache.sharedRead(outcome)
  metrics.sharedCache.sharedError('lease')
  metrics.revocations.revoked('audit')
  metrics.revocations.inauthentic()
  metrics.webhookRefused('wrong_signature')
  metrics.webhookRefused('unsigned')
  const EXPECTED = {
    requests: { allowed: 0, unauthenticated: 1, forbidden: 1, unavailable: 1, elsewhere: 1 },
    authgear: { answered: 2, failed: 2, rejected: 1 },
    hits: { redis: 1 / 3 },
    'redis-errors': { errors: 1 },
    revocations: { webhook: 0, management: 0, audit: 1, inauthentic: 1, refused: 1 },
    replicas: { seen: 3 }
  }
  for (const [group, figures] of Object.entries(EXPECTED)) {
    for (const [name, total] of Object.entries(figures)) t.equal(figure(group, name).total, total, `${group} ${name}`)
  }
})

t.test('a service without Redis has no figures of it, and without parts none of theirs', async (t) => {
  const metrics = allMetrics({ redis: undefined })
  const [sample] = createHistory({ read: metrics.reading, clock: manualClock() }).window()
  t.strictSame(sample && groupsOf(sample, []).map(({ id }) => id), [
    'circuit', 'requests', 'hits', 'latency', 'authgear', 'revocations'
  ])
})
