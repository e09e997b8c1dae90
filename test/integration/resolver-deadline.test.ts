import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { openResolver, REFUSED, SILENCE, VALID } from '../helpers/resolver.ts'
import { reply, startUpstream, type Script } from '../helpers/upstream.ts'

const TIMEOUT = 1500
/** How much later than its deadline an answer may come on a machine that is busy; two deadlines are more. */
const SLACK = 1400

/** Writes again and again, as fast as the other side reads, until it is gone. */
const endlessly = (head: string, more: string): Script => async socket => {
  socket.write(head)
  while (socket.writable) {
    if (!socket.write(more)) await new Promise(resolve => socket.once('drain', resolve).once('close', resolve))
    await turn()
  }
}

/** One byte every few milliseconds. */
const drip = (head: string): Script => socket => {
  socket.write(head)
  const timer = setInterval(() => socket.write('x'), 5)
  socket.once('close', () => clearInterval(timer))
}

const endless: readonly (readonly [what: string, script: Script, code: string])[] = [
  ['no answer at all', () => {}, 'AUTHGEAR_TIMEOUT'],
  ['half a status line', (socket) => socket.write('HTTP/1.'), 'AUTHGEAR_TIMEOUT'],
  ['headers that do not end',
    (socket) => socket.write('HTTP/1.1 200 OK\r\nx-authgear-session-valid: true\r\nx-authgear-user-id: eve\r\n'),
    'AUTHGEAR_TIMEOUT'],
  [
    'a body that does not come',
    (socket) =>
      socket.write(
        reply(200, [['x-authgear-session-valid', 'true'], ['x-authgear-user-id', 'eve'], ['content-length', '5']])
      ),
    'AUTHGEAR_TIMEOUT'
  ],
  ['a header that drips', drip('HTTP/1.1 200 OK\r\nx-slow: '), 'AUTHGEAR_TIMEOUT'],
  ['a body that drips', drip('HTTP/1.1 200 OK\r\nx-authgear-session-valid: false\r\n\r\n'), 'AUTHGEAR_TIMEOUT'],
  ['hints without end', endlessly('', 'HTTP/1.1 103 Early Hints\r\n\r\n'), 'AUTHGEAR_TIMEOUT']
]

const oversized: readonly (readonly [what: string, script: Script, code: string])[] = [
  ['an endless body', endlessly('HTTP/1.1 200 OK\r\nx-authgear-session-valid: false\r\n\r\n', 'x'.repeat(16_384)),
    'AUTHGEAR_GARBAGE'],
  ['an endless chunked body',
    endlessly('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', `4000\r\n${'x'.repeat(0x4000)}\r\n`),
    'AUTHGEAR_GARBAGE'],
  ['a body that is declared longer than any number',
    endlessly('HTTP/1.1 200 OK\r\ncontent-length: 9007199254740994\r\n\r\n', 'x'.repeat(16_384)), 'AUTHGEAR_GARBAGE'],
  ['endless headers', endlessly('HTTP/1.1 200 OK\r\n', `x-a: ${'x'.repeat(1000)}\r\n`), 'AUTHGEAR_MISCONFIGURED'],
  ['one endless header', endlessly('HTTP/1.1 200 OK\r\nx-a: ', 'x'.repeat(16_384)), 'AUTHGEAR_MISCONFIGURED']
]

t.test('the deadline ends whatever does not end', async t => {
  for (const [what, script, code] of endless) {
    await t.test(what, async t => {
      const upstream = await startUpstream(t, script)
      const resolver = openResolver(t, upstream.port, { timeoutMs: TIMEOUT })
      const started = performance.now()
      t.equal(await resolver.ask(), code)
      const took = performance.now() - started
      t.ok(took > TIMEOUT - 20 && took < TIMEOUT + SLACK, `${Math.round(took)} ms`)
      upstream.script = socket => socket.write(VALID)
      t.match(await resolver.ask(), { resolution: { kind: 'valid' } }, 'and the next one is answered')
    })
  }
})

t.test('what is too large ends long before the deadline', async t => {
  for (const [what, script, code] of oversized) {
    await t.test(what, async t => {
      const upstream = await startUpstream(t, script)
      const resolver = openResolver(t, upstream.port, { timeoutMs: 30_000 })
      const before = process.memoryUsage().rss
      t.equal(await resolver.ask(), code)
      t.equal(upstream.requests.length, 1, 'and is not asked for again')
      t.ok(process.memoryUsage().rss - before < 64 * 1024 * 1024, 'memory stays flat')
    })
  }
})

t.test('a retry and a second question share the one deadline', async t => {
  for (const [what, first] of [['500', reply(500)], ['silence', SILENCE]] as const) {
    const upstream = await startUpstream(t, (socket, _request, index) => { if (index === 0) socket.write(first) })
    const started = performance.now()
    t.equal(
      await openResolver(t, upstream.port, { timeoutMs: TIMEOUT }).ask({ session: 's' }), 'AUTHGEAR_TIMEOUT', what
    )
    t.ok(performance.now() - started < TIMEOUT + SLACK)
    t.equal(upstream.requests.length, 2)
  }
})

t.test('an answer that comes after the deadline is not used for anybody', async t => {
  const late: (() => void)[] = []
  const upstream = await startUpstream(t, socket => { late.push(() => socket.write(VALID)) })
  const resolver = openResolver(t, upstream.port, { timeoutMs: TIMEOUT, maxConcurrency: 1 })
  t.equal(await resolver.ask({ bearer: 'alice' }), 'AUTHGEAR_TIMEOUT')
  upstream.script = socket => socket.write(REFUSED)
  late.forEach(answer => answer())
  t.match(await resolver.ask({ bearer: 'bob' }), { resolution: { kind: 'invalid' } })
})

t.test('a request whose time ends in the queue is no outage of Authgear', async t => {
  let answer = (): void => {}
  const upstream = await startUpstream(t, socket => { answer = () => socket.write(REFUSED) })
  const resolver = openResolver(t, upstream.port, { timeoutMs: TIMEOUT, maxConcurrency: 1 })
  const others = [resolver.ask({ bearer: 'other' })]
  await upstream.arrived(1)
  const starved = resolver.ask({ bearer: 'starved' })
  for (let outcome: unknown; outcome === undefined;) {
    others.push(resolver.ask({ bearer: `other ${others.length}` })) // the newest goes first
    answer()
    outcome = await Promise.race([upstream.arrived(others.length), starved])
  }
  t.equal(await starved, 'OVERLOADED')
  answer()
  await Promise.all(others)
})

t.test('nor is one that the queue left less than half of its time', async t => {
  let answer = (): void => {}
  const upstream = await startUpstream(t, socket => { answer = () => socket.write(REFUSED) })
  const resolver = openResolver(t, upstream.port, { timeoutMs: TIMEOUT, maxConcurrency: 1 })
  const first = resolver.ask({ bearer: 'first' })
  await upstream.arrived(1)
  const starved = resolver.ask({ bearer: 'starved' })
  await sleep(TIMEOUT * 0.6)
  answer()
  t.equal(await starved, 'OVERLOADED')
  await first
})

t.test('closing ends what is under way', async t => {
  const upstream = await startUpstream(t, () => {})
  const resolver = openResolver(t, upstream.port, { timeoutMs: 30_000 })
  const asked = resolver.ask()
  await upstream.arrived(1)
  await resolver.close()
  t.equal(await asked, 'AUTHGEAR_UNREACHABLE')
})
