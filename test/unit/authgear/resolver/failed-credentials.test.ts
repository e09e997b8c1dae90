import t from 'tap'
import type { CredentialDigest } from '../../../../src/base/core/cache-key.ts'
import { Overloaded } from '../../../../src/base/errors.ts'
import { createFailedCredentials } from '../../../../src/base/authgear/resolver/failed-credentials.ts'
import { networkOf } from '../../../../src/base/core/network.ts'
import type { ClientTrace } from '../../../../src/base/authgear/resolver/types.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { NO_TRACE } from '../../../helpers/resolver.ts'

const from = (address: string | undefined, isNamed = true): ClientTrace => ({ ...NO_TRACE, address, isNamed })
const MALLORY = from('203.0.113.7')
/** Of one client at a time, and what `running` asks for at once. */
const [SLOTS, ALL] = [4, 6]
/** As the keyer's: 22 characters of base64url that look random. */
const digestOf = (name: string): readonly CredentialDigest[] => [
  Buffer.from(name.padEnd(16, '~').slice(-16)).toString('base64url') as CredentialDigest
]

const JUNK = ['one', 'two', 'three', 'four'] as const

function opened (failuresPerMinute = 3, timeoutMs = 60_000) {
  const clock = manualClock()
  const failed = createFailedCredentials({
    failuresPerMinute, maxWaiting: { client: 4, all: 6 }, timeoutMs, now: clock.monotonic
  })
  const refuse = (trace = MALLORY, count = failuresPerMinute, name = 'junk'): void => {
    for (let i = 0; i < count; i++) failed.judged(trace, digestOf(`${i}${name}`), 'invalid')
  }
  /** Tasks that wait for their end: how many run at the same time. */
  const running = async (
    trace: ClientTrace,
    names: readonly string[] = ['1', '2', '3', '4', '5', '6']
  ): Promise<number> => {
    let count = 0
    const ends: Array<() => void> = []
    const tasks = names.map((name) => failed.run(trace, digestOf(name), async () => {
      count++
      await new Promise<void>((resolve) => { ends.push(resolve) })
    }))
    await new Promise(setImmediate)
    const atOnce = count
    for (let ended = 0; ended < names.length; ended++) {
      ends.shift()?.()
      await new Promise(setImmediate)
    }
    await Promise.all(tasks)
    return atOnce
  }
  return { clock, failed, refuse, running }
}

t.test('throttles a client after many refused credentials in a minute', async (t) => {
  const { refuse, running } = opened()
  refuse(MALLORY, 2)
  t.equal(await running(MALLORY), ALL, 'not before')
  refuse(MALLORY, 3)
  t.equal(await running(MALLORY), SLOTS)
  t.equal(await running(from('203.0.113.8')), ALL, 'a neighbour is not touched')
})

t.test('one credential refused again and again is a page that polls, and counts once', async (t) => {
  const { failed, running } = opened()
  for (let i = 0; i < 100; i++) failed.judged(MALLORY, digestOf('the same'), 'invalid')
  t.equal(await running(MALLORY), ALL)
})

t.test('the count ends after a minute', async (t) => {
  const { refuse, running, clock } = opened()
  refuse()
  clock.advance(59_999)
  t.equal(await running(MALLORY), SLOTS)
  clock.advance(1)
  t.equal(await running(MALLORY), ALL)
})

t.test('credentials that have been valid take no turn', async (t) => {
  const { failed, refuse, running } = opened()
  failed.judged(MALLORY, digestOf('member'), 'valid')
  refuse()
  t.equal(await running(MALLORY, [...JUNK, 'member']), SLOTS + 1)
  t.equal(await running(MALLORY, [...JUNK, 'another']), SLOTS)
})

t.test('junk beside a valid credential has not been valid by itself', async (t) => {
  const { failed, refuse, running } = opened()
  failed.judged(MALLORY, [...digestOf('junk'), ...digestOf('member')], 'valid')
  refuse()
  t.equal(await running(MALLORY, ['junk', ...JUNK]), SLOTS)
})

t.test('only an address that a trusted proxy named is a client', async (t) => {
  for (const trace of [from('203.0.113.7', false), from(undefined), from('not an address')]) {
    const { refuse, running } = opened()
    refuse(trace, 10)
    t.equal(await running(trace), ALL, JSON.stringify(trace.address))
  }
})

t.test('off, it counts nothing', async (t) => {
  const { refuse, running } = opened(0)
  refuse(MALLORY, 10)
  t.equal(await running(MALLORY), ALL)
})

t.test('answers 503 to a client that waits too long or in too great a number', async (t) => {
  const { failed, refuse } = opened(3, 1)
  refuse()
  const ends: Array<() => void> = []
  const first = JUNK.map((name) =>
    failed.run(
      MALLORY,
      digestOf(name),
      async () =>
        await new Promise<void>((resolve) => {
          ends.push(resolve)
        })
    )
  )
  const others = Array.from({ length: 6 }, (_, index) =>
    failed.run(MALLORY, digestOf(`other ${index}`), async () => {})
  )
  const outcomes = await Promise.allSettled(others)
  t.ok(outcomes.every((outcome) => outcome.status === 'rejected' && outcome.reason instanceof Overloaded))
  for (const end of ends) end()
  await Promise.all(first)
})

const networks = [
  ['203.0.113.7', '203.0.113.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:0::/56'],
  ['2001:DB8:1:ff::9', '2001:db8:1:0::/56'],
  ['2001:db8:1:1fe::9', '2001:db8:1:100::/56'],
  ['2001:db8::1', '2001:db8:0:0::/56'],
  ['::1', '0:0:0:0::/56'],
  ['fe80::1%eth0', 'fe80:0:0:0::/56'],
  ['2001:db8:1:a2::', '2001:db8:1:0::/56'],
  ['::ffff:203.0.113.7', '203.0.113.7']
] as const

t.test('an IPv6 client is its /56, a mapped IPv4 one its address', async (t) => {
  for (const [address, network] of networks) t.equal(networkOf(address), network, address)
  const { failed, running } = opened()
  for (let i = 0; i < 3; i++) failed.judged(from(`2001:db8:1:${i}::1`), digestOf(`${i}junk`), 'invalid')
  t.equal(await running(from('2001:db8:1:ff:ffff::1')), SLOTS)
})

t.test('of more than 10,000 clients the one that failed least recently is forgotten', async (t) => {
  const { refuse, running } = opened()
  const client = (index: number): ClientTrace => from(`10.1.${index >> 8}.${index & 255}`)
  refuse(client(0))
  refuse(client(1))
  for (let index = 2; index < 10_001; index++) {
    refuse(client(index), 1)
    if (index === 5000) refuse(client(0), 1)
  }
  t.equal(await running(client(0)), SLOTS, 'it failed later than the other')
  t.equal(await running(client(1)), ALL)
  t.equal(await running(client(10_000)), ALL, 'who takes its place begins with nothing')
})

t.test('the newest and the oldest of a client enter by turns', async (t) => {
  const { failed, refuse } = opened()
  refuse()
  const entered: string[] = []
  const ends: Array<() => void> = []
  const tasks = ['a', 'b', 'c', 'd', '1', '2', '3', '4'].map((name) => failed.run(MALLORY, digestOf(name), async () => {
    entered.push(name)
    await new Promise<void>((resolve) => { ends.push(resolve) })
  }))
  for (let ended = 0; ended < 8; ended++) {
    await new Promise(setImmediate)
    ends.shift()?.()
  }
  await Promise.all(tasks)
  t.equal(entered.join(''), 'abcd4132')
})
