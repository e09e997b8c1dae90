import t from 'tap'
import { createSlotTarget, readRedirection } from '../../../src/base/redis/slot-connector.ts'
import { describeServers } from '../../../src/base/redis/options.ts'

const messages: ReadonlyArray<readonly [message: string, expected: unknown]> = [
  ['MOVED 3999 127.0.0.1:6381', { kind: 'moved', host: '127.0.0.1', port: 6381 }],
  ['ASK 3999 10.0.0.1:6381', { kind: 'ask', host: '10.0.0.1', port: 6381 }],
  ['MOVED 1 r-0.redis.svc:6379', { kind: 'moved', host: 'r-0.redis.svc', port: 6379 }],
  ['MOVED 1 ::1:6379', { kind: 'moved', host: '::1', port: 6379 }],
  ['MOVED 1 :6379', { kind: 'moved', host: undefined, port: 6379 }],
  ['MOVED 1 ?:6379', { kind: 'moved', host: undefined, port: 6379 }],
  ['MOVED', undefined],
  ['MOVED 1 host', undefined],
  ['MOVED x host:1', undefined],
  ['TRYAGAIN Multiple keys request during rehashing of slot', undefined],
  ['ERR MOVED 1 host:1', undefined]
]

for (const [message, expected] of messages) {
  t.test(`redirection: ${message}`, async t => { t.strictSame(readRedirection(message), expected) })
}

t.test('each node is tried in turn, and where one points is tried first, once', async t => {
  const target = createSlotTarget([{ host: 'a', port: 1 }, { host: 'b', port: 2 }])
  t.equal(target.current(), undefined)
  t.strictSame(target.next(), { host: 'a', port: 1, isAsking: false })
  t.notOk(target.follow('ERR something else'))
  t.ok(target.follow('MOVED 1 c:3'))
  t.strictSame(target.next(), { host: 'c', port: 3, isAsking: false })
  t.strictSame(target.next(), { host: 'b', port: 2, isAsking: false }, 'it could not be reached')
  t.strictSame(target.next(), { host: 'c', port: 3, isAsking: false }, 'it is known from now on')
  t.ok(target.follow('ASK 1 :4'))
  t.strictSame(target.next(), { host: 'c', port: 4, isAsking: true }, 'on the same host')
  t.strictSame(target.current(), { host: 'c', port: 4, isAsking: true })
  t.strictSame(target.next(), { host: 'c', port: 4, isAsking: false }, 'ASKING is for that once')
})

t.test('however many nodes were heard of, those of the configuration stay', async t => {
  const target = createSlotTarget([{ host: 'a', port: 1 }])
  for (let n = 0; n < 1000; n++) {
    target.next()
    target.follow(`MOVED 1 h${n}:1`)
  }
  target.next()
  const seen = new Set(Array.from({ length: 100 }, () => target.next().host))
  t.equal(seen.size, 33)
  t.ok(seen.has('a') && seen.has('h999'))
})

t.test('servers are named without their passwords', async t => {
  t.equal(describeServers({ kind: 'one', host: '::1', port: 1, db: 0 }), '[::1]:1')
  t.equal(
    describeServers({
      kind: 'sentinel', sentinels: [{ host: 'a', port: 1 }, { host: 'b', port: 2 }], name: 'm', password: 'hunter2'
    }),
    'm of the Sentinels a:1, b:2'
  )
  t.equal(describeServers({ kind: 'cluster', nodes: [{ host: 'a', port: 1 }] }), 'the Cluster a:1')
})
