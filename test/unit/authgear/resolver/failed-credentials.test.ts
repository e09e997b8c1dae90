import t from 'tap'
import type { CredentialDigest } from '../../../../src/core/cache-key.ts'
import { Overloaded } from '../../../../src/errors.ts'
import { createFailedCredentials, networkOf } from '../../../../src/authgear/resolver/failed-credentials.ts'
import type { ClientTrace } from '../../../../src/authgear/resolver/types.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { NO_TRACE } from '../../../helpers/resolver.ts'

const from = (address: string | undefined, isNamed = true): ClientTrace => ({ ...NO_TRACE, address, isNamed })
const MALLORY = from('203.0.113.7')
/** As the keyer's: 22 characters of base64url that look random. */
const digestOf = (name: string): readonly CredentialDigest[] => [Buffer.from(name.padEnd(16, '~').slice(-16)).toString('base64url') as CredentialDigest]

function opened (failuresPerMinute = 3, timeoutMs = 60_000) {
  const clock = manualClock()
  const failed = createFailedCredentials({ failuresPerMinute, maxWaiting: { client: 4, all: 6 }, timeoutMs, now: clock.monotonic })
  const refuse = (trace = MALLORY, count = failuresPerMinute, name = 'junk'): void => {
    for (let i = 0; i < count; i++) failed.judged(trace, digestOf(`${i}${name}`), 'invalid')
  }
  /** Two tasks that wait for their end: how many run at the same time. */
  const running = async (trace: ClientTrace, names: readonly string[] = ['one', 'two']): Promise<number> => {
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

t.test('after so many refused credentials in a minute a client takes its turns', async (t) => {
  const { refuse, running } = opened()
  refuse(MALLORY, 2)
  t.equal(await running(MALLORY), 2, 'not before')
  refuse(MALLORY, 3)
  t.equal(await running(MALLORY), 1)
  t.equal(await running(from('203.0.113.8')), 2, 'a neighbour is not touched')
})

t.test('one credential refused again and again is a page that polls, and counts once', async (t) => {
  const { failed, running } = opened()
  for (let i = 0; i < 100; i++) failed.judged(MALLORY, digestOf('the same'), 'invalid')
  t.equal(await running(MALLORY), 2)
})

t.test('the count ends after a minute', async (t) => {
  const { refuse, running, clock } = opened()
  refuse()
  clock.advance(59_999)
  t.equal(await running(MALLORY), 1)
  clock.advance(1)
  t.equal(await running(MALLORY), 2)
})

t.test('credentials that have been valid take no turn', async (t) => {
  const { failed, refuse, running } = opened()
  failed.judged(MALLORY, digestOf('member'), 'valid')
  refuse()
  t.equal(await running(MALLORY, ['junk', 'member']), 2)
  t.equal(await running(MALLORY, ['junk', 'another']), 1)
})

t.test('junk beside a valid credential has not been valid by itself', async (t) => {
  const { failed, refuse, running } = opened()
  failed.judged(MALLORY, [...digestOf('junk'), ...digestOf('member')], 'valid')
  refuse()
  t.equal(await running(MALLORY, ['junk', 'other']), 1)
})

t.test('only an address that a trusted proxy named is a client', async (t) => {
  for (const trace of [from('203.0.113.7', false), from(undefined), from('not an address')]) {
    const { refuse, running } = opened()
    refuse(trace, 10)
    t.equal(await running(trace), 2, JSON.stringify(trace.address))
  }
})

t.test('off, it counts nothing', async (t) => {
  const { refuse, running } = opened(0)
  refuse(MALLORY, 10)
  t.equal(await running(MALLORY), 2)
})

t.test('a client that waits too long, or in too great a number, is told to come back', async (t) => {
  const { failed, refuse } = opened(3, 1)
  refuse()
  let end = (): void => {}
  const first = failed.run(MALLORY, digestOf('first'), async () => await new Promise<void>((resolve) => { end = resolve }))
  const others = Array.from({ length: 6 }, (_, index) => failed.run(MALLORY, digestOf(`other ${index}`), async () => {}))
  const outcomes = await Promise.allSettled(others)
  t.ok(outcomes.every((outcome) => outcome.status === 'rejected' && outcome.reason instanceof Overloaded))
  end()
  await first
})

const networks = [
  ['203.0.113.7', '203.0.113.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:DB8:1:2::9', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['2001:db8:1:2::', '2001:db8:1:2::/64'],
  ['::ffff:203.0.113.7', '203.0.113.7']
] as const

t.test('an IPv6 client is its /64, a mapped IPv4 one its address', async (t) => {
  for (const [address, network] of networks) t.equal(networkOf(address), network, address)
  const { failed, running } = opened()
  for (let i = 0; i < 3; i++) failed.judged(from(`2001:db8:1:2::${i}`), digestOf(`${i}junk`), 'invalid')
  t.equal(await running(from('2001:db8:1:2:ffff::1')), 1)
})

t.test('of many clients the oldest are forgotten', async (t) => {
  const { refuse, running } = opened(1000)
  for (let client = 0; client < 21; client++) refuse(from(`10.1.0.${client}`))
  t.equal(await running(from('10.1.0.0')), 2)
  t.equal(await running(from('10.1.0.20')), 1)
})
