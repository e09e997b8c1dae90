import t from 'tap'
import { createFeed, type Feed, isSignIn, readPlace, writePlace } from '../../../../src/parts/events/feed.ts'
import { credential, disabled, EVERYTHING, user } from '../../../helpers/log-entry.ts'

const ROOM = 5
const SECRET = '0123456789abcdef'

/** Told `count` users, of which the entry with number n was appended at second n + 1. */
function startFeed (count: number): Feed {
  const feed = createFeed(ROOM)
  feed.begins('a1', 500)
  for (let n = 0; n < count; n++) feed.read({ id: idOf(n), revocation: disabled(`u${n}`) }, (n + 1) * 1000)
  return feed
}
const idOf = (n: number): string => `${(n + 1) * 1000}-0`

t.test('a reader that has an event continues with the next', async (t) => {
  const feed = startFeed(4)
  for (let n = 0; n < 4; n++) t.equal(feed.after({ log: 'a1', id: idOf(n) }), n + 1)
  t.equal(feed.after({ log: 'a1', id: '1500-0' }), 1, 'between two')
  t.equal(feed.after(feed.place()), 4, 'the newest: nothing is missing')
})

t.test('an event that is no longer kept is no place to continue from', async (t) => {
  const feed = startFeed(8)
  t.equal(feed.start(), 3)
  t.equal(feed.after({ log: 'a1', id: idOf(2) }), 3, 'the last that was dropped')
  t.equal(feed.after({ log: 'a1', id: idOf(1) }), undefined, 'before it')
  t.equal(feed.after({ log: 'a1', id: idOf(8) }), undefined, 'from the future')
  t.equal(feed.after({ log: 'b2', id: idOf(4) }), undefined, 'of another log')
  t.equal(startFeed(1).after({ log: 'a1', id: '499-0' }), undefined, 'before all that the log has')
})

t.test('an entry that nobody can believe is passed, and what it may have said is lost', async (t) => {
  const feed = startFeed(3)
  let resets = 0
  feed.listen({ told () {}, reset () { resets++ } })
  feed.passed('3500-0')
  t.equal(feed.after({ log: 'a1', id: idOf(2) }), 3, 'until it is known')
  feed.lost(4000)
  t.equal(resets, 1)
  t.equal(feed.after({ log: 'a1', id: idOf(2) }), undefined)
  t.equal(feed.after(feed.place()), 3, 'who was told that')
  t.equal(feed.coversSince(), 4000)
})

t.test('another log is another order', async (t) => {
  const feed = startFeed(3)
  const before = feed.place()
  let resets = 0
  feed.listen({ told () {}, reset () { resets++ } })
  feed.begins('b2', 9000)
  t.equal(resets, 1)
  t.equal(feed.after(before), undefined)
  feed.read({ id: '9001-0', revocation: disabled('later') }, 9001)
  t.match(feed.at(3), { target: { userId: 'later' } })
  t.equal(feed.after({ log: 'b2', id: '9000-0' }), 3)
})

t.test('a revocation that a new log has again keeps its time', async (t) => {
  const feed = createFeed(ROOM)
  feed.begins('a1', 500)
  feed.read({ id: idOf(1), of: 'one', revocation: disabled('alice') }, 2000)
  feed.begins('b2', 9000)
  feed.read({ id: '9001-0', of: 'one', revocation: disabled('alice') }, 9001)
  feed.read({ id: '9002-0', of: 'all one', revocation: disabled('all') }, 9002)
  feed.read({ id: '9003-0', of: 'two', revocation: disabled('bob') }, 9003)
  t.strictSame([1, 2, 3].map((number) => feed.at(number)?.at), [2000, 2000, 9003])
  for (let n = 0; n < 2 * ROOM; n++) feed.read({ id: `${9100 + n}-0`, of: `n${n}`, revocation: disabled('n') }, 9100 + n)
  feed.read({ id: '9999-0', of: 'one', revocation: disabled('alice') }, 9999)
  t.equal(feed.at(feed.end() - 1)?.at, 9999, 'as many are known as can be told')
})

t.test('a sign-in ends nothing that is open, whoever tells of it; all else does', async (t) => {
  const signIn = user('alice')
  for (const origin of ['webhook', 'audit'] as const) t.ok(isSignIn({ ...signIn, origin }), origin)
  const others = [
    { ...signIn, origin: 'management' }, { ...signIn, quietMs: 200 }, { ...signIn, ends: 0 },
    { ...credential('a'), origin: 'audit' }, { ...EVERYTHING, origin: 'audit' }
  ] as const
  for (const one of others) t.notOk(isSignIn(one), JSON.stringify(one))
  const feed = startFeed(1)
  feed.read({ id: '2000-0', revocation: { ...signIn, origin: 'audit' } }, 2000)
  t.strictSame([feed.end(), feed.place().id], [1, '2000-0'], 'it is passed')
})

t.test('a place is text, and no other text is one', async (t) => {
  const place = { log: 'a1', id: '1795645996000-3' }
  t.strictSame(readPlace(SECRET, writePlace(SECRET, place)), place)
  t.strictSame(readPlace(SECRET, `${SECRET}.a1.0009-00`), { log: 'a1', id: '9-0' }, 'as Redis writes it')
  for (const text of [
    '', 'x', '0-0', `${SECRET}.a1`, `${SECRET}.a1.1`, `${SECRET}.a1.-1-0`, `${SECRET}.A1.1-0`, `${SECRET}..1-0`,
    'fedcba9876543210.a1.1-0', `${SECRET}.a1.1-0\n`, `${SECRET}.a1.${'9'.repeat(21)}-0`, `${SECRET}.a1.1-0.1`,
    `${SECRET}.${'a'.repeat(65)}.1-0`
  ]) t.equal(readPlace(SECRET, text), undefined, JSON.stringify(text))
})
