import t from 'tap'
import type { UserReading } from '../../../../src/parts/profile/users.ts'
import { AdminApiError } from '../../../../src/base/authgear/admin-api/errors.ts'
import type { UserId } from '../../../../src/base/core/resolution.ts'
import { MAX_STALE_LIVES } from '../../../../src/parts/profile/known-users.ts'
import { MAX_READS } from '../../../../src/parts/profile/reads.ts'
import { NO_PROFILE } from '../../../../src/base/identity/profile.ts'
import { atOnce, named, settled, startProfiles, TIMEOUT_MS, TTL_MS, userOf } from '../start-profiles.ts'

const ALICE = userOf(1)
const users = (count: number, from = 0): readonly UserId[] => Array.from({ length: count }, (_, n) => userOf(from + n))

t.test('the first sight of a user waits, and nobody after it', async (t) => {
  const { profiles, api, counts } = startProfiles()
  const first = profiles.of(ALICE)
  t.type(first, Promise)
  t.strictSame({ ...await first }, { name: 'Alice' })
  t.equal(atOnce(profiles.of(ALICE)), await first, 'the same object')
  t.strictSame(api.queries, [[ALICE]])
  t.match(counts, { waited: 1, known: 1, 'query ok': 1, 'read user': 1 })
})

t.test('all who ask about one user at a time are one read', async (t) => {
  const { profiles, api, counts } = startProfiles()
  const all = await Promise.all(Array.from({ length: 1000 }, () => profiles.of(ALICE)))
  t.equal(new Set(all).size, 1)
  t.equal(api.queries.length, 1)
  t.equal(counts['waited'], 1000)
})

t.test('users of one turn share a query, and two queries run at a time', async (t) => {
  const { profiles, api } = startProfiles()
  await Promise.all(users(950).map((id) => profiles.of(id)))
  t.equal(api.queries.length, 10)
  t.ok(api.queries.every((ids) => ids.length <= 100))
  t.equal(api.state.maxRunning, 2)
})

t.test('nobody waits beyond PROFILE_TIMEOUT; the answer is kept for later', async (t) => {
  const { profiles, api, advance, counts, timers } = startProfiles()
  api.state.isHeld = true
  const waiting = [profiles.of(ALICE), profiles.of(ALICE)]
  advance(TIMEOUT_MS - 1)
  t.equal(timers.size, 1, 'still within it')
  advance(1)
  t.strictSame(await Promise.all(waiting), [NO_PROFILE, NO_PROFILE])
  t.equal(atOnce(profiles.of(ALICE)), NO_PROFILE, 'who comes later does not wait at all')
  t.match(counts, { late: 2, unknown: 1 })
  api.release()
  await settled()
  t.strictSame({ ...atOnce(profiles.of(ALICE)) }, { name: 'Alice' })
  t.equal(api.queries.length, 1)
})

t.test('a profile in use is renewed ahead of its end, in the background', async (t) => {
  const { profiles, api, advance } = startProfiles()
  const first = await profiles.of(ALICE)
  advance(TTL_MS * 0.8 - 1)
  atOnce(profiles.of(ALICE))
  t.equal(api.queries.length, 1)
  advance(1)
  t.equal(atOnce(profiles.of(ALICE)), first)
  await settled()
  t.equal(api.queries.length, 2)
  t.equal(atOnce(profiles.of(ALICE)), first, 'unchanged: the same object')
  api.state.answer = named(() => 'Alice B.')
  advance(TTL_MS * 0.9)
  atOnce(profiles.of(ALICE))
  await settled()
  t.strictSame({ ...atOnce(profiles.of(ALICE)) }, { name: 'Alice B.' })
  advance(TTL_MS * 1.5)
  api.state.answer = named(() => 'Alice C.')
  t.strictSame({ ...await profiles.of(ALICE) }, { name: 'Alice C.' }, 'past PROFILE_TTL a user is new')
})

t.test('while the Admin API fails, the last known profile is given, and nobody waits', async (t) => {
  const { profiles, api, advance, counts } = startProfiles()
  const first = await profiles.of(ALICE)
  api.fails('unreachable')
  advance(TTL_MS)
  t.equal(await profiles.of(ALICE), first, 'the one who waits gets it too')
  for (let at = TTL_MS; at < TTL_MS * MAX_STALE_LIVES - 60_000; at += 60_000) {
    advance(60_000)
    t.equal(atOnce(profiles.of(ALICE)), first)
    await settled()
  }
  t.ok((counts['query unreachable'] ?? 0) > 20, 'it is asked again all the time')
  advance(60_000)
  t.equal(atOnce(profiles.of(ALICE)), NO_PROFILE, 'after twelve lives it is too old')
  await settled()
  api.state.answer = named(() => 'Alice')
  advance(60_000)
  atOnce(profiles.of(ALICE))
  await settled()
  t.strictSame({ ...atOnce(profiles.of(ALICE)) }, { name: 'Alice' })
})

t.test('a stale profile is given only while changes would be heard of', async (t) => {
  const { profiles, api, advance, following } = startProfiles()
  await profiles.of(ALICE)
  api.fails('unreachable')
  following.is = false
  advance(TTL_MS - 1)
  t.not(atOnce(profiles.of(ALICE)), NO_PROFILE)
  await settled()
  advance(1)
  t.equal(atOnce(profiles.of(ALICE)), NO_PROFILE)
  following.is = true
  t.not(atOnce(profiles.of(ALICE)), NO_PROFILE)
})

t.test('a change drops the profile, and the old one is never given again', async (t) => {
  const { profiles, api, advance, drop } = startProfiles()
  const old = await profiles.of(ALICE)
  await profiles.of(userOf(2))
  await drop(ALICE)
  api.fails('unreachable')
  t.equal(await profiles.of(ALICE), NO_PROFILE, 'not even while the Admin API fails')
  for (let n = 0; n < 20; n++) {
    advance(7000)
    t.equal(atOnce(profiles.of(ALICE)), NO_PROFILE)
    await settled()
  }
  t.not(atOnce(profiles.of(userOf(2))), NO_PROFILE, 'another user’s is')
  api.state.answer = named(() => 'Alice B.')
  advance(60_000)
  profiles.of(ALICE)
  await settled()
  t.not(atOnce(profiles.of(ALICE)), old)
  t.strictSame({ ...atOnce(profiles.of(ALICE)) }, { name: 'Alice B.' })
})

t.test('a change of everybody drops all profiles', async (t) => {
  const { profiles, api, drop } = startProfiles()
  await Promise.all(users(10).map((id) => profiles.of(id)))
  await drop(userOf(0))
  t.equal(users(10).filter((id) => profiles.of(id) instanceof Promise).length, 1)
  t.equal(api.queries.length, 1)
})

t.test('a read that began before a change is not kept', async (t) => {
  const { profiles, api, drop, counts } = startProfiles()
  api.state.isHeld = true
  const waiting = profiles.of(ALICE)
  await settled()
  await drop(ALICE)
  api.state.answer = (ids) => named(() => api.queries.length === 1 ? 'Alice' : 'Alice B.')(ids)
  api.release()
  t.strictSame({ ...await waiting }, { name: 'Alice B.' }, 'it is read again')
  t.equal(api.queries.length, 2)
  t.equal(counts['read dropped'], undefined)
})

t.test('a user who changes at each read is not kept', async (t) => {
  const { profiles, api, drop, counts } = startProfiles()
  api.state.answer = (ids) => { drop(ALICE).catch(t.fail); return named(() => 'Alice')(ids) }
  t.equal(await profiles.of(ALICE), NO_PROFILE)
  t.equal(api.queries.length, 4)
  t.equal(counts['read dropped'], 1)
})

t.test('a user who changed at each attempt is read again at the next request', async (t) => {
  const { profiles, api, drop } = startProfiles()
  api.state.answer = (ids) => { drop(ALICE).catch(t.fail); return named(() => 'Alice')(ids) }
  await profiles.facts(ALICE, false)
  t.equal(profiles.facts(ALICE, true), 'unknown', 'the request that waited')
  api.state.answer = named(() => 'Alice')
  await profiles.facts(ALICE, false)
  t.strictSame(profiles.facts(ALICE, true), { address: undefined, groups: [] }, 'the next one')
  t.equal(api.queries.length, 5)
})

t.test('a failure is remembered for seconds, then tried without a wait', async (t) => {
  const { profiles, api, advance } = startProfiles()
  api.state.answer = (ids) => new Map(ids.map((id) => [id, { kind: 'unreadable' }]))
  t.equal(await profiles.of(ALICE), NO_PROFILE)
  advance(4999)
  t.equal(atOnce(profiles.of(ALICE)), NO_PROFILE)
  await settled()
  t.equal(api.queries.length, 1)
  api.state.answer = named(() => 'Alice')
  advance(1)
  t.equal(atOnce(profiles.of(ALICE)), NO_PROFILE)
  await settled()
  t.strictSame({ ...atOnce(profiles.of(ALICE)) }, { name: 'Alice' })
})

t.test('a refusal is confirmed at once, then more and more rarely', async (t) => {
  const { profiles, api, advance } = startProfiles()
  await profiles.facts(ALICE, false)
  for (let renewals = 0; renewals < 8; renewals++) {
    advance(TTL_MS * 0.85)
    profiles.facts(ALICE, false)
    await settled()
  }
  t.equal(api.queries.length, 9)
  const times: number[] = []
  for (let seconds = 1; seconds <= 60; seconds++) {
    advance(1000)
    await profiles.confirm(ALICE, 1000)
    if (api.queries.length > 9 + times.length) times.push(seconds)
  }
  t.strictSame(times, [2, 5, 10, 19, 36], 'renewals in the background are no refusals')
})

t.test('after a failure the Admin API rests for a second, then one small query decides', async (t) => {
  const { profiles, api, advance, counts } = startProfiles()
  api.fails('server')
  await profiles.of(ALICE)
  t.equal(atOnce(profiles.of(userOf(2))), NO_PROFILE)
  t.equal(counts['rejected'], 1)
  t.equal(api.queries.length, 1)
  advance(1000)
  api.state.isHeld = true
  for (const id of users(500, 10)) profiles.of(id)
  await settled()
  t.strictSame(api.queries.slice(1), [[userOf(10)]], 'one query about one user')
  api.release()
  await settled()
  t.equal(api.queries.length, 2, 'the others are not asked about: it failed again')
  advance(999)
  t.equal(atOnce(profiles.of(userOf(600))), NO_PROFILE)
  advance(1)
  api.state.answer = named(() => 'Alice')
  t.ok((await Promise.all(users(500, 600).map((id) => profiles.of(id)))).every(({ name }) => name === 'Alice'))
  t.equal(api.queries.length, 8, 'the probe, then all the others in hundreds')
})

for (const kind of ['server', 'refused', 'timeout', 'unreachable'] as const) {
  t.test(`rules decide again a second after the Admin API recovers: ${kind}`, async (t) => {
    const { profiles, api, advance } = startProfiles()
    api.fails(kind)
    for (let ms = 0; ms < 32_000; ms += 500) {
      await Promise.all(users(10).map((id) => profiles.facts(id, false)))
      advance(500)
    }
    t.ok(api.queries.length <= 32, `${api.queries.length} queries`)
    t.ok(api.queries.slice(1).every((ids) => ids.length === 1), 'each asks about one user')
    api.state.answer = named(() => 'Alice')
    advance(1000)
    await Promise.all(users(10).map((id) => profiles.facts(id, false)))
    for (const id of users(10)) t.not(profiles.facts(id, true), 'unknown', id)
  })
}

t.test('a user about whom a probe fails does not keep the others from being read', async (t) => {
  const { profiles, api, advance } = startProfiles()
  api.fails('server')
  await profiles.of(ALICE)
  const bad = userOf(10)
  api.state.answer = (ids) => ids.includes(bad) ? new AdminApiError('partial') : named(() => 'Alice')(ids)
  for (let seconds = 0; seconds < 2; seconds++) {
    advance(1000)
    await Promise.all(users(20, 10).map((id) => profiles.facts(id, false)))
  }
  const unread = users(20, 10).filter((id) => profiles.now(id) === NO_PROFILE)
  t.strictSame(unread, [bad])
})

t.test('the halves of a query are not asked about while the Admin API rests', async (t) => {
  const { profiles, api, advance } = startProfiles()
  api.state.answer = (ids) => new AdminApiError(ids.length === 100 ? 'partial' : 'timeout')
  await Promise.all(users(100).map((id) => profiles.of(id)))
  t.strictSame(api.queries.map((ids) => ids.length), [100, 50])
  api.state.answer = named(() => 'Alice')
  advance(1000)
  await profiles.facts(userOf(99), false)
  t.strictSame({ ...profiles.now(userOf(99)) }, { name: 'Alice' }, 'a second later')
})

const NOBODY: ReadonlyArray<readonly [what: string, reading: UserReading]> = [
  ['Authgear does not know', { kind: 'none' }],
  ['is disabled', {
    kind: 'user', record: { isDisabled: true, attributes: { name: 'Alice' }, formattedName: 'Alice', groups: [] }
  }]
]

for (const [what, reading] of NOBODY) {
  t.test(`a user who ${what} has no profile, and is looked at again`, async (t) => {
    const { profiles, api, advance } = startProfiles()
    api.state.answer = (ids) => new Map(ids.map((id) => [id, reading]))
    t.equal(await profiles.of(ALICE), NO_PROFILE)
    t.equal(atOnce(profiles.of(ALICE)), NO_PROFILE)
    await settled()
    t.equal(api.queries.length, 1)
    api.state.answer = named(() => 'Alice')
    advance(5000)
    t.equal(atOnce(profiles.of(ALICE)), NO_PROFILE, 'without a wait')
    await settled()
    t.strictSame({ ...atOnce(profiles.of(ALICE)) }, { name: 'Alice' })
    api.state.answer = (ids) => new Map(ids.map((id) => [id, reading]))
    advance(TTL_MS)
    t.equal(await profiles.of(ALICE), NO_PROFILE, 'and is known no more')
  })
}

t.test('another user’s data is refused', async (t) => {
  const { profiles, api, counts } = startProfiles()
  api.state.answer = (ids) => new Map(ids.map((id) => [id, { kind: 'foreign' }]))
  t.equal(await profiles.of(ALICE), NO_PROFILE)
  t.equal(counts['read foreign'], 1)
})

t.test('an id that is no UUID of Authgear’s is never asked about', async (t) => {
  const { profiles, api } = startProfiles()
  for (const id of ['', 'bob', `${ALICE}\0`, ALICE.replace(/0$/, 'A')]) {
    t.equal(atOnce(profiles.of(id as UserId)), NO_PROFILE)
  }
  await settled()
  t.equal(api.queries.length, 0)
})

t.test('a user whom the Admin API cannot tell about costs the others nothing', async (t) => {
  const { profiles, api, pause } = startProfiles()
  const bad = userOf(57)
  api.state.answer = (ids) => ids.includes(bad) ? new AdminApiError('partial') : named(() => 'Alice')(ids)
  const all = await Promise.all(users(100).map(async (id) => [id, await profiles.of(id)] as const))
  t.strictSame(all.filter(([, profile]) => profile === NO_PROFILE).map(([id]) => id), [bad])
  t.ok(api.queries.length <= 16, `${api.queries.length} queries`)
  t.ok(pause.isOver())
})

t.test('two users whose answers are too large keep nobody else out', async (t) => {
  const { profiles, api, pause } = startProfiles()
  const bad = [userOf(1), userOf(2)]
  api.state.answer = (ids) => ids.some((id) => bad.includes(id as UserId))
    ? new AdminApiError('too_large')
    : named(() => 'Alice')(ids)
  t.strictSame(await Promise.all(bad.map((id) => profiles.of(id))), [NO_PROFILE, NO_PROFILE])
  t.ok(pause.isOver())
  t.strictSame({ ...await profiles.of(userOf(3)) }, { name: 'Alice' })
})

t.test('nine users about whom it fails keep no answer from the others of their query', async (t) => {
  const { profiles, api, pause } = startProfiles()
  const bad = new Set<string>(users(9))
  api.state.answer = (ids) =>
    ids.some((id) => bad.has(id)) ? new AdminApiError('too_large') : named(() => 'Alice')(ids)
  const all = await Promise.all(users(100).map((id) => profiles.of(id)))
  const unread = all.filter((profile) => profile === NO_PROFILE).length
  t.ok(unread <= 13, `${unread} were not read`)
  t.ok(api.queries.length <= 16, `${api.queries.length} queries`)
  t.ok(pause.isOver(), 'and nobody waits for a pause')
})

t.test('where it can tell about nobody, it is not asked by halves without end', async (t) => {
  const { profiles, api, pause } = startProfiles()
  api.fails('too_large')
  await Promise.all(users(500).map((id) => profiles.of(id)))
  t.ok(api.queries.length <= 32, `${api.queries.length} queries`)
  t.notOk(pause.isOver())
})

t.test('ten thousand users at once: a bounded queue, and the rest is empty at once', async (t) => {
  const { profiles, api, counts, timers, advance } = startProfiles()
  api.state.isHeld = true
  const answers = users(10_000).map((id) => profiles.of(id))
  t.equal(answers.filter((answer) => answer instanceof Promise).length, MAX_READS)
  t.equal(counts['rejected'], 10_000 - MAX_READS)
  t.equal(timers.size, MAX_READS)
  await settled()
  t.equal(api.queries.length, 2, 'two queries, of a hundred')
  advance(TIMEOUT_MS)
  t.ok((await Promise.all(answers)).every((profile) => profile === NO_PROFILE))
  api.release()
  await settled(500)
  t.equal(api.queries.flat().length, MAX_READS, 'those that were taken are read for later')
  t.equal(api.state.maxRunning, 2)
  t.not(atOnce(profiles.of(userOf(0))), NO_PROFILE)
})

t.test('memory has a bound in bytes: the least recently seen is read again', async (t) => {
  const { profiles, api } = startProfiles({ maxBytes: 64 * 1024 })
  api.state.answer = named(() => 'N'.repeat(256))
  for (let n = 0; n < 200; n++) await profiles.of(userOf(n))
  const kept = users(200).filter((id) => !(profiles.of(id) instanceof Promise)).length
  t.ok(kept > 20 && kept < 64, `${kept} of 200`)
})
