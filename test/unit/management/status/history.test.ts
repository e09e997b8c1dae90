import t from 'tap'
import { chartsOf, figuresOf } from '../../../../src/management/status/charts.ts'
import { createHistory, STEP_MS, WINDOW_MS } from '../../../../src/management/status/history.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { allMetrics } from '../../../helpers/series.ts'

function start () {
  const clock = manualClock()
  const metrics = allMetrics()
  const history = createHistory({ read: metrics.reading, clock })
  const allow = (count: number): void => {
    for (let n = 0; n < count; n++) metrics.request('verify', 200, 'allowed', 'memory', 0.0002)
  }
  const pass = (ms: number, each = (): void => {}): void => {
    for (let at = 0; at < ms; at += STEP_MS) { each(); clock.advance(STEP_MS); history.sample() }
  }
  const figure = (chart: string, line: string) => {
    const samples = history.window()
    const found = chartsOf(samples.at(-1) ?? t.fail('no sample') as never).find(({ id }) => id === chart)
    return (
      figuresOf(found ?? (t.fail(chart) as never), samples).find((one) => one.line.id === line) ??
      (t.fail(line) as never)
    )
  }
  return { clock, metrics, history, allow, pass, figure }
}

t.test('everything since the start counts while the window is not full', async (t) => {
  const { allow, pass, figure } = start()
  allow(7)
  t.equal(figure('requests', 'allowed').total, 7, 'also in the first instant')
  t.strictSame(figure('requests', 'allowed').curve, [], 'which has no rate')
  pass(STEP_MS, () => allow(20))
  const { total, curve } = figure('requests', 'allowed')
  t.equal(total, 27)
  t.strictSame(curve.map(({ value }) => value), [2.7])
})

t.test('after a quarter of an hour the oldest is forgotten, and memory does not grow', async (t) => {
  const { allow, pass, history, figure } = start()
  pass(WINDOW_MS, () => allow(10))
  t.equal(figure('requests', 'allowed').total, 900)
  const { length } = history.window()
  pass(3 * WINDOW_MS, () => allow(1))
  t.equal(history.window().length, length)
  t.equal(figure('requests', 'allowed').total, 90)
  const { curve, rows } = figure('requests', 'allowed')
  t.equal(curve.length, 90)
  t.equal(rows.length, 15)
  t.ok(rows.every(({ value }) => value === 0.1), 'minute by minute')
  t.ok((rows[0]?.to.monotonic ?? 0) > (rows[14]?.to.monotonic ?? 0), 'newest first')
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
  t.strictSame(figure('hits', 'memory').curve.map(({ value }) => value), [undefined, 0.75])
  t.ok(Number(figure('latency', 'authgear-p99').total) > 0.1 && Number(figure('latency', 'authgear-p99').total) <= 0.25)
})

t.test('each decision, outcome and origin has its line', async (t) => {
  const { metrics, figure } = start()
  metrics.request('verify', 401, 'invalid_session', 'memory', 0)
  metrics.request('ext-authz', 403, 'forbidden', 'redis', 0)
  metrics.request('verify', 503, 'overloaded', 'authgear', 0)
  metrics.request('other', 404, 'not_found', 'none', 0)
  metrics.request('identify', 200, 'allowed', 'memory', 0)
  for (const outcome of ['valid', 'invalid', 'error', 'timeout', 'rejected'] as const) {
    metrics.resolver.authgearRequest(outcome, 0)
  }
  for (const outcome of ['hit', 'miss', 'rejected', 'unreachable'] as const) metrics.fleet.sharedRead(outcome)
  metrics.fleet.sharedError('lease')
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
  for (const [chart, lines] of Object.entries(EXPECTED)) {
    for (const [line, total] of Object.entries(lines)) t.equal(figure(chart, line).total, total, `${chart} ${line}`)
  }
})

t.test('a service without Redis has no charts of it', async (t) => {
  const metrics = allMetrics({ redisUp: undefined, logFollowed: undefined, replicasSeen: undefined })
  const [sample] = createHistory({ read: metrics.reading, clock: manualClock() }).window()
  t.strictSame(sample && chartsOf(sample).map(({ id }) => id), [
    'requests', 'hits', 'latency', 'authgear', 'circuit', 'revocations'
  ])
})
