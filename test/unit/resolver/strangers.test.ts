import t from 'tap'
import { createStrangers, networkOf } from '../../../src/resolver/strangers.ts'
import { NO_TRACE } from '../../helpers/resolver.ts'
import { manualClock } from '../../helpers/manual-clock.ts'

const from = (address: string | undefined, isNamed = true) => ({ ...NO_TRACE, address, isNamed })
const MALLORY = from('203.0.113.7')

function opened (limit = 3) {
  const clock = manualClock()
  const strangers = createStrangers(limit, 256, clock.monotonic)
  return { clock, strangers, refuse: (trace = MALLORY, count = limit, name = 'junk') => { for (let i = 0; i < count; i++) strangers.refused(trace, [`${name}${i}`]) } }
}

t.test('so many different refused credentials in a minute, and the rest of that client has one slot', async (t) => {
  const { strangers, refuse } = opened()
  refuse(MALLORY, 2)
  t.strictSame(strangers.lanesOf(MALLORY), [], 'not before')
  refuse(MALLORY, 3)
  t.strictSame(strangers.lanesOf(MALLORY), [{ name: 'client 203.0.113.7', maxRunning: 1, maxWaiting: 256 }])
  t.strictSame(strangers.lanesOf(from('203.0.113.8')), [], 'a neighbour is not touched')
})

t.test('one credential refused again and again is a page that polls, and counts once', async (t) => {
  const { strangers } = opened()
  for (let i = 0; i < 100; i++) strangers.refused(MALLORY, ['the same'])
  t.strictSame(strangers.lanesOf(MALLORY), [])
})

t.test('after a minute it begins anew', async (t) => {
  const { strangers, refuse, clock } = opened()
  refuse()
  clock.advance(59_999)
  t.equal(strangers.lanesOf(MALLORY).length, 1)
  clock.advance(1)
  t.strictSame(strangers.lanesOf(MALLORY), [])
})

t.test('only an address that a trusted proxy named is a client', async (t) => {
  for (const trace of [from('203.0.113.7', false), from(undefined), from('not an address')]) {
    const { strangers, refuse } = opened()
    refuse(trace, 10)
    t.strictSame(strangers.lanesOf(trace), [], JSON.stringify(trace.address))
  }
})

t.test('off, it counts nothing', async (t) => {
  const { strangers, refuse } = opened(0)
  refuse(MALLORY, 10)
  t.strictSame(strangers.lanesOf(MALLORY), [])
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
  const { strangers } = opened()
  for (let i = 0; i < 3; i++) strangers.refused(from(`2001:db8:1:2::${i}`), [`junk${i}`])
  t.equal(strangers.lanesOf(from('2001:db8:1:2:ffff::1')).length, 1)
})

t.test('memory is bounded however many clients there are: the oldest are forgotten', async (t) => {
  const { strangers } = opened(1000)
  for (let client = 0; client < 201; client++) {
    for (let i = 0; i < 1000; i++) strangers.refused(from(`10.1.${client >> 8}.${client & 255}`), [`j${i}`])
  }
  t.strictSame(strangers.lanesOf(from('10.1.0.0')), [])
  t.equal(strangers.lanesOf(from('10.1.0.200')).length, 1)
})
