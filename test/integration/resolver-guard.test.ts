import type { Socket } from 'node:net'
import t, { type Test } from 'tap'
import type { ClientTrace } from '../../src/base/authgear/resolver/types.ts'
import type { Credentials } from '../../src/base/core/credentials.ts'
import { openResolver, REFUSED, SILENCE, VALID } from '../helpers/resolver.ts'
import { until } from '../helpers/until.ts'
import { answering, reply, startUpstream, type Script } from '../helpers/upstream.ts'

const FAILURES = 5
const PAUSE = 1000

/** Lets the breaker's pause pass, which no slow machine does beside it. */
function skewTime (t: Test): (ms: number) => void {
  const real = performance.now.bind(performance)
  let now = Math.ceil(real())
  performance.now = () => now
  t.teardown(() => { performance.now = real })
  return ms => { now += ms }
}

async function times<T> (count: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  for (let i = 0; i < count; i++) results.push(await work(i))
  return results
}

/** A breaker that five lost connections opened. */
async function opened (t: Test) {
  const pass = skewTime(t)
  const upstream = await startUpstream(t, answering('reset'))
  const resolver = openResolver(t, upstream.port)
  await times(FAILURES, () => resolver.ask())
  t.equal(resolver.state().circuitOpen, true, 'it is open')
  upstream.forget()
  resolver.outcomes.length = 0
  return { upstream, resolver, pass }
}

t.test('five failures in a row open the breaker', async t => {
  const upstream = await startUpstream(t, answering('reset'))
  const resolver = openResolver(t, upstream.port)
  t.strictSame(await times(FAILURES - 1, () => resolver.ask()), Array(4).fill('AUTHGEAR_UNREACHABLE'))
  t.equal(resolver.state().circuitOpen, false, 'four do not')
  await resolver.ask()
  t.equal(resolver.state().circuitOpen, true)
  t.equal(upstream.requests.length, 2 * FAILURES, 'each was retried while it was closed')
})

const ONE_CLIENT: Partial<ClientTrace> = { address: '198.51.100.7', isNamed: true, userAgent: 'evil' }

t.test('a firewall that resets by User-Agent hides no verdict from its client', async (t) => {
  const upstream = await startUpstream(t, (socket, request) =>
    request.header('user-agent') === 'evil' ? socket.destroy() : socket.write(REFUSED))
  const resolver = openResolver(t, upstream.port)
  // with CACHE_STALE_IF_ERROR an ended session would pass as long as its client likes
  const answers = await times(2 * FAILURES, () => resolver.ask({ session: 'ended' }, ONE_CLIENT))
  for (const answer of answers) t.match(answer, { resolution: { kind: 'invalid' } })
  t.equal(upstream.requests.length, 4 * FAILURES)
})

/** What one client alone meets. */
const MET: ReadonlyArray<readonly [what: string, meets: (socket: Socket) => unknown, code: string]> = [
  ['a reset', (socket) => socket.destroy(), 'AUTHGEAR_UNREACHABLE'],
  ['a 503', (socket) => socket.write(reply(503)), 'AUTHGEAR_STATUS']
]

for (const [what, meets, code] of MET) {
  t.test(`${what} for one client's junk opens nothing, where the service is answered`, async (t) => {
    const upstream = await startUpstream(t, (socket, request) =>
      request.header('x-forwarded-for') === ONE_CLIENT.address ? meets(socket) : socket.write(SILENCE))
    const resolver = openResolver(t, upstream.port)
    const codes = await times(4 * FAILURES, (index) => resolver.ask({ bearer: `junk ${index}` }, ONE_CLIENT))
    t.strictSame([...new Set(codes)], [code])
    t.equal(resolver.state().circuitOpen, false)
    upstream.script = (socket) => socket.write(VALID)
    t.match(await resolver.ask(), { resolution: { kind: 'valid' } })
  })
}

/** What everybody meets, the service itself too. */
const OUTAGES: ReadonlyArray<readonly [what: string, script: Script, bearer: (index: number) => string]> = [
  ['connections are lost', answering('reset'), () => 'a'],
  ['five people get 500s', (socket) => socket.write(reply(500)), (index) => `person ${index}`]
]

for (const [what, script, bearer] of OUTAGES) {
  t.test(`one client alone opens it where ${what}, for the service itself too`, async (t) => {
    const upstream = await startUpstream(t, script)
    const resolver = openResolver(t, upstream.port)
    await times(FAILURES, (index) => resolver.ask({ bearer: bearer(index) }, ONE_CLIENT))
    await until('it asked by itself', () => resolver.state().circuitOpen)
  })
}

t.test('a client whose probe failed leaves the next one to others', async (t) => {
  const { upstream, resolver, pass } = await opened(t)
  pass(PAUSE)
  t.equal(await resolver.ask({ bearer: 'a' }, ONE_CLIENT), 'AUTHGEAR_UNREACHABLE')
  pass(PAUSE)
  t.equal(await resolver.ask({ bearer: 'b' }, ONE_CLIENT), 'AUTHGEAR_CIRCUIT_OPEN')
  upstream.script = (socket) => socket.write(VALID)
  t.match(await resolver.ask(), { resolution: { kind: 'valid' } })
  t.equal(resolver.state().circuitOpen, false)
})

t.test('a request that cannot be written is a defect of ours, and no outage', async (t) => {
  const upstream = await startUpstream(t, answering('hang'))
  const resolver = openResolver(t, upstream.port)
  const codes = await times(2 * FAILURES, () => resolver.ask({ bearer: 'a\u0001b' }))
  t.strictSame([...new Set(codes)], ['REQUEST_UNWRITABLE'])
  t.equal(resolver.state().circuitOpen, false)
})

t.test('a verdict resets the count of failures', async (t) => {
  for (const failure of [answering('reset'), ((socket) => socket.write(reply(500))) satisfies Script]) {
    const upstream = await startUpstream(t, failure)
    const resolver = openResolver(t, upstream.port)
    await times(FAILURES - 1, (i) => resolver.ask({ bearer: String(i) }))
    upstream.script = (socket) => socket.write(REFUSED)
    await resolver.ask({ bearer: 'somebody' })
    upstream.script = failure
    await times(FAILURES - 1, (i) => resolver.ask({ bearer: String(i) }))
    t.equal(resolver.state().circuitOpen, false)
  }
})

t.test('junk tokens do not open it at an Authgear that is slow, and answers in time', async t => {
  const twice = [SILENCE, 'hang'] as const
  for (const outage of ['hang', 'reset'] as const) {
    const junk = Array.from({ length: FAILURES }, () => outage === 'hang' ? twice : [SILENCE, 'reset', 'reset'])
    const upstream = await startUpstream(t, answering(...junk.flat(), VALID))
    const resolver = openResolver(t, upstream.port, { timeoutMs: 1000 })
    const answers = await times(FAILURES, index => resolver.ask({ bearer: `junk-${index}` }))
    t.strictSame(answers, Array(FAILURES).fill('AUTHGEAR_SILENT'), outage)
    t.equal(resolver.state().circuitOpen, false, outage)
    t.match(await resolver.ask({ bearer: 'good' }), { isConclusive: true, resolution: { kind: 'valid' } }, outage)
  }
})

t.test('an error about one credential does not open the breaker', async t => {
  for (const answer of [
    reply(400),
    reply(404),
    reply(429),
    reply(200, [['x-authgear-session-valid', 'TRUE']]),
    'garbage\r\n\r\n'
  ]) {
    const upstream = await startUpstream(t, (socket) => socket.write(answer))
    const resolver = openResolver(t, upstream.port)
    await times(2 * FAILURES, i => resolver.ask({ bearer: String(i) }))
    t.equal(resolver.state().circuitOpen, false, JSON.stringify(answer.split('\r\n')[0]))
  }
})

t.test('a 500 opens it when five different credentials got one in a row, and not before', async t => {
  const upstream = await startUpstream(t, (socket) => socket.write(reply(500)))
  const resolver = openResolver(t, upstream.port)
  await times(FAILURES - 1, i => resolver.ask({ bearer: String(i) }))
  await times(FAILURES, () => resolver.ask({ bearer: '0' }))
  t.equal(resolver.state().circuitOpen, false, 'four of them, however often')
  t.equal(await resolver.ask({ bearer: 'the fifth' }), 'AUTHGEAR_STATUS')
  t.equal(resolver.state().circuitOpen, true)
  t.equal(await resolver.ask({ bearer: '0' }), 'AUTHGEAR_CIRCUIT_OPEN')
})

const variations: ReadonlyArray<readonly [what: string, vary: (i: number) => Partial<Credentials>]> = [
  ['a session beside a junk app_session', i => ({ session: 'one.secret', appSession: `junk${i}` })],
  ['a session beside a junk bearer', i => ({ session: 'one.secret', bearer: `junk${i}` })],
  ['a bearer beside a junk session', i => ({ bearer: 'token', session: `junk${i}` })],
  ['an app_access_token beside a junk session', i => ({ appAccessToken: 'token', session: `junk${i}` })]
]

t.test('guesses at one session id open nothing, however many fail', async t => {
  const upstream = await startUpstream(t, (socket) => socket.write(reply(500)))
  const resolver = openResolver(t, upstream.port)
  await times(4 * FAILURES, i => resolver.ask({ session: `one.junk${i}` }))
  t.equal(resolver.state().circuitOpen, false)
})

for (const [what, vary] of variations) {
  t.test(`${what}: one session, however varied, has four slots and sixteen places`, async (t) => {
    const upstream = await startUpstream(t, (socket) => socket.write(reply(500)))
    const resolver = openResolver(t, upstream.port, { maxConcurrency: 8, maxQueue: 100 })
    await times(4 * FAILURES, (i) => resolver.ask(vary(i)))
    t.equal(resolver.state().circuitOpen, false, '500s')
    upstream.forget()
    const answers: (() => void)[] = []
    upstream.script = (socket) => {
      answers.push(() => socket.write(VALID))
    }
    const asked = Array.from({ length: 20 }, (_, i) => resolver.ask(vary(i)))
    await upstream.arrived(4)
    t.match(resolver.state(), { inFlight: 4, queued: 16 })
    t.equal(await resolver.ask(vary(20)), 'OVERLOADED', 'the 21st is turned away at once')
    const bystander = resolver.ask({ bearer: 'somebody else' })
    await upstream.arrived(5)
    t.equal(
      upstream.requests.at(-1)?.header('authorization'), 'Bearer somebody else', 'a bystander is asked about at once'
    )
    for (let i = 0; i < 21; i++) {
      await upstream.arrived(i + 1)
      answers[i]?.()
    }
    t.ok((await Promise.all([...asked, bystander])).every((verdict) => typeof verdict !== 'string'),
      'all are answered in the end')
  })
}

t.test('open, it answers at once and sends nothing', async t => {
  const { upstream, resolver } = await opened(t)
  t.strictSame(await times(3, () => resolver.ask()), Array(3).fill('AUTHGEAR_CIRCUIT_OPEN'))
  t.equal(upstream.requests.length, 0)
  t.strictSame(resolver.outcomes, Array(3).fill('rejected'), 'and counts them')
})

t.test('after a pause one probe passes; the others are refused at once', async t => {
  const { upstream, resolver, pass } = await opened(t)
  let answer = (): void => {}
  upstream.script = socket => { answer = () => socket.write(VALID) }
  pass(PAUSE - 200)
  t.equal(await resolver.ask(), 'AUTHGEAR_CIRCUIT_OPEN', 'not before')
  pass(200)
  const probe = resolver.ask()
  await upstream.arrived(1)
  t.strictSame(await times(3, () => resolver.ask()), Array(3).fill('AUTHGEAR_CIRCUIT_OPEN'))
  t.equal(resolver.state().circuitOpen, true, 'half-open is not closed')
  answer()
  t.match(await probe, { resolution: { kind: 'valid' } })
  t.equal(resolver.state().circuitOpen, false)
  t.equal(upstream.requests.length, 1)
  upstream.script = socket => socket.write(VALID)
  t.match(await resolver.ask(), { resolution: { kind: 'valid' } }, 'closed again')
})

t.test('a probe that fails is not retried, and leaves it open', async t => {
  const { upstream, resolver, pass } = await opened(t)
  pass(PAUSE)
  t.equal(await resolver.ask(), 'AUTHGEAR_UNREACHABLE')
  t.equal(upstream.requests.length, 1, 'no retry while it is not closed')
  t.equal(await resolver.ask(), 'AUTHGEAR_CIRCUIT_OPEN')
  pass(PAUSE)
  upstream.script = socket => socket.write(VALID)
  t.match(await resolver.ask(), { resolution: { kind: 'valid' } }, 'the next probe may succeed')
})

t.test('a probe that Authgear answers with an error closes it: it is there', async t => {
  const { upstream, resolver, pass } = await opened(t)
  pass(PAUSE)
  upstream.script = socket => socket.write(reply(500))
  t.equal(await resolver.ask(), 'AUTHGEAR_STATUS')
  t.equal(upstream.requests.length, 1, 'and is not retried')
  t.equal(resolver.state().circuitOpen, false)
})

t.test('asks for its slots at once, queues its queue, and refuses one more at once', async (t) => {
  const answers: (() => void)[] = []
  const upstream = await startUpstream(t, (socket) => {
    answers.push(() => socket.write(VALID))
  })
  const resolver = openResolver(t, upstream.port, { maxConcurrency: 2, maxQueue: 3 })
  const asked = Array.from({ length: 5 }, (_, i) => resolver.ask({ bearer: String(i) }))
  await upstream.arrived(2)
  t.strictSame(resolver.state(), { inFlight: 2, queued: 3, circuitOpen: false })
  t.equal(await resolver.ask(), 'OVERLOADED')
  t.equal(await resolver.ask(), 'OVERLOADED', 'however often')
  t.strictSame(resolver.outcomes, ['rejected', 'rejected'])
  for (let i = 0; i < 5; i++) {
    await upstream.arrived(i + 1)
    answers[i]?.()
  }
  t.ok((await Promise.all(asked)).every((verdict) => typeof verdict !== 'string'), 'who waited is answered')
  t.ok(upstream.connections <= 3, 'one more than slots: for a question of this service')
  t.strictSame(resolver.state(), { inFlight: 0, queued: 0, circuitOpen: false }, 'refusals do not open the breaker')
})

t.test('without a queue nobody waits', async t => {
  const upstream = await startUpstream(t, answering('hang'))
  const resolver = openResolver(t, upstream.port, { maxConcurrency: 1, maxQueue: 0, timeoutMs: 300 })
  const first = resolver.ask()
  t.equal(await resolver.ask(), 'OVERLOADED')
  t.equal(await first, 'AUTHGEAR_TIMEOUT')
})

t.test('a call that waited past its deadline is not sent, nor counted as a failure', async t => {
  const upstream = await startUpstream(t, answering('hang'))
  const resolver = openResolver(t, upstream.port, { maxConcurrency: 1, maxQueue: 20, timeoutMs: 1000 })
  const asked = Array.from({ length: 10 }, (_, i) => resolver.ask({ bearer: String(i) }))
  const askedAt = performance.now()
  await upstream.arrived(1)
  // all deadlines pass in one turn of the loop: none gets its slot a moment before its own
  while (performance.now() < askedAt + 1050);
  const codes = await Promise.all(asked)
  t.strictSame(
    codes.slice(0, -1), ['AUTHGEAR_TIMEOUT', ...Array(8).fill('OVERLOADED')], 'all are answered at their deadline'
  )
  t.match(codes.at(-1), /^(AUTHGEAR_TIMEOUT|OVERLOADED)$/, 'the newest may get the slot in the last moment')
  upstream.script = socket => socket.write(VALID)
  t.match(await resolver.ask({ bearer: 'later' }), { resolution: { kind: 'valid' } },
    'the next one, behind them in the queue, is answered')
  t.strictSame(
    resolver.state(), { inFlight: 0, queued: 0, circuitOpen: false }, 'those that waited do not open the breaker'
  )
  t.strictSame(upstream.requests.map(request => request.header('authorization')), ['Bearer 0', 'Bearer later'])
  t.ok(resolver.outcomes.filter((outcome) => outcome !== 'rejected').length < FAILURES,
    'at most who got the slot in the last moment is counted as a request')
})

t.test('an idle resolver with an open breaker probes without a credential', async (t) => {
  const { upstream, resolver, pass } = await opened(t)
  pass(3000)
  resolver.tick()
  await until('it asked', () => upstream.requests.length === 1 && resolver.outcomes.length === 1)
  t.equal(resolver.state().circuitOpen, true, 'in vain')
  upstream.script = (socket) => socket.write(SILENCE)
  pass(3000)
  resolver.tick()
  await until('the breaker is closed', () => !resolver.state().circuitOpen)
  t.notMatch(JSON.stringify(upstream.requests), /authorization|cookie/i)
  const asked = upstream.requests.length
  pass(3000)
  resolver.tick()
  t.equal(upstream.requests.length, asked, 'and no more')
})

t.test('a resolver in use leaves the probe to a request', async (t) => {
  const { upstream, resolver, pass } = await opened(t)
  pass(PAUSE)
  await resolver.ask()
  const asked = upstream.requests.length
  pass(PAUSE)
  resolver.tick()
  t.equal(upstream.requests.length, asked)
  t.equal(resolver.state().inFlight, 0)
})
