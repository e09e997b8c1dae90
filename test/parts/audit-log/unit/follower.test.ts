import t from 'tap'
import { AuditError, type AuditErrorKind } from '../../../../src/parts/audit-log/errors.ts'
import type { AuditEntry, Page } from '../../../../src/parts/audit-log/entry.ts'
import { createFollower, type Follower } from '../../../../src/parts/audit-log/follower.ts'
import type { Position } from '../../../../src/parts/audit-log/position.ts'
import type { Stored } from '../../../../src/parts/audit-log/store.ts'
import type { Window } from '../../../../src/parts/audit-log/window.ts'
import type { CredentialDigest } from '../../../../src/base/core/cache-key.ts'
import { nameOf, type RevokeOutcome } from '../../../../src/base/revocation/types.ts'
import { noting } from '../noting.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'

const OVERLAP = 10_000
const TTL = 30_000
const POLL = 2000
const KNOWN = [
  'USER_SIGNED_OUT', 'USER_AUTHENTICATED', 'USER_DISABLED', 'ADMIN_API_MUTATION_UPDATE_ROLE_EXECUTED', 'EMAIL_SENT',
  'USER_PROFILE_UPDATED', 'USER_TELEPORTED'
]

/**
 * Authgear, the store and the revocation log, for one follower or several that take each other's place; time stands
 * still.
 */
function createWorld () {
  const clock = manualClock()
  const log: AuditEntry[] = []
  const revoked: string[] = []
  /** Names whose resource tokens end. */
  const ended: string[] = []
  const world = {
    leaderTerm: 1 as number | undefined,
    failure: undefined as AuditErrorKind | undefined,
    outcome: 'logged' as RevokeOutcome,
    stored: undefined as (Stored & { at: number }) | undefined,
    claimedAt: -Infinity,
    /** Redis takes no write, or answers too late to know. */
    isRedisSlow: false,
    queries: 0,
    known: KNOWN,
    /** Seconds by which the process of Authgear that answers is ahead of the others. */
    ahead: 0,
    meanwhile: () => {}
  }
  const second = (): number => Math.floor(clock.wall() / 1000)

  async function page ({ from, to, types }: Window, first = 100): Promise<Page> {
    world.queries++
    if (world.failure !== undefined) throw new AuditError(world.failure)
    const found = log.filter(
      (one) => one.second >= (from ?? 0) && one.second < (to ?? Infinity) && types.includes(one.type)
    )
    world.meanwhile()
    return {
      entries: found.toSorted((a, b) => b.second - a.second).slice(0, first),
      total: found.length,
      now: second() + world.ahead
    }
  }

  const store = {
    load: async () =>
      world.stored === undefined
        ? undefined
        : { position: world.stored.position, ageMs: world.stored.ageMs + clock.monotonic() - world.stored.at },
    async save (position: Position, ageMs: number) {
      if (world.isRedisSlow) throw new AuditError('redis')
      if (world.leaderTerm === undefined) return false
      world.stored = { position, ageMs, at: clock.monotonic() }
      return true
    },
    async claimGap () {
      const isFree = clock.monotonic() - world.claimedAt >= 600_000
      if (isFree) world.claimedAt = clock.monotonic()
      return isFree
    }
  }

  function start () {
    const observer = noting()
    const follower = createFollower({
      client: {
        types: async () => {
          if (world.failure !== undefined) throw new AuditError(world.failure)
          return world.known
        },
        page
      },
      store,
      leaderTerm: () => world.leaderTerm,
      async revoke ({ target, quietMs, ends }) {
        revoked.push(`${nameOf(target)} ${quietMs}`)
        if (ends !== undefined) ended.push(nameOf(target))
        return world.outcome
      },
      clientDeleted: async () => true,
      sessionDigest: (id) => id as CredentialDigest,
      clock,
      observer,
      overlapMs: OVERLAP,
      lifetimeMs: TTL
    })
    return { ...observer, ...follower, poll: () => poll(follower) }
  }

  /** One poll, and the time until the next one. */
  async function poll (follower: Follower): Promise<string> {
    const outcome = await follower.poll().catch(async (error: unknown) => {
      if (error instanceof AuditError && error.kind === 'redis') follower.redisFailed()
      else await follower.troubled()
      return error instanceof AuditError ? error.kind : 'unforeseen'
    })
    clock.advance(POLL)
    await follower.flush()
    return outcome
  }

  let seq = 0
  const write = (type: string, payload: object, { number = ++seq, ago = 0 } = {}): void => {
    log.push({
      seq: number.toString(16).padStart(16, '0'), second: second() - ago, type, data: { payload, context: {} }
    })
  }
  const signOut = (user: string, some = {}): void =>
    write('USER_SIGNED_OUT', { user: { id: user }, sessions: [{ id: `session of ${user}` }] }, some)
  const taken = (): string[] => revoked.splice(0)
  return { ...world, world, clock, log, start, write, signOut, taken, ended, skip: () => { seq += 1 } }
}

const gapsOf = ({ notes }: { notes: readonly string[] }): readonly string[] =>
  notes.filter((note) => note.startsWith('gap'))

/** With a leader that has polled once. */
async function following () {
  const world = createWorld()
  const follower = world.start()
  await follower.poll()
  return { ...world, follower }
}

const out = (user: string): string[] => [`u:${user} 200`, `c:session of ${user} 200`]

t.test('a start reads nothing that is older than what anything remembered can be', async (t) => {
  const { signOut, start, taken, clock } = createWorld()
  signOut('long ago', { ago: 3600 })
  signOut('newest')
  clock.advance(60_000)
  const follower = start()
  t.equal(await follower.poll(), 'ok')
  t.same(taken(), out('newest'))
  t.same(follower.lags, [], 'how late it is says nothing')
  signOut('alice')
  await follower.poll()
  t.same(taken(), out('alice'))
  await follower.poll()
  t.same(taken(), [], 'once')
})

t.test('what the revocation log did not take yet is read again, also by a successor', async (t) => {
  const { world, signOut, start, taken, follower } = await following()
  world.outcome = 'pending'
  signOut('alice')
  t.equal(await follower.poll(), 'pending')
  t.same(taken(), out('alice'))
  t.equal(await follower.poll(), 'pending')
  t.same(taken(), out('alice'))
  world.outcome = 'logged'
  const successor = start()
  t.equal(await successor.poll(), 'ok')
  t.same(taken(), out('alice'))
  await successor.poll()
  t.same(taken(), [], 'and then no more')
})

t.test('an empty log is followed from its first entry on', async (t) => {
  const { signOut, start, taken } = createWorld()
  const follower = start()
  t.equal(await follower.poll(), 'ok')
  signOut('first')
  await follower.poll()
  t.same(taken(), out('first'))
  t.same(gapsOf(follower), [])
})

t.test('reads an entry once that becomes visible late, older and lower', async (t) => {
  const { signOut, start, taken, skip } = createWorld()
  signOut('before')
  const follower = start()
  await follower.poll()
  taken()
  skip()
  signOut('newer', { number: 3 })
  await follower.poll()
  t.same(taken(), out('newer'))
  await follower.poll()
  await follower.poll()
  signOut('late', { number: 2, ago: 7 })
  await follower.poll()
  t.same(taken(), out('late'))
  await follower.poll()
  t.same(taken(), [])
})

t.test('a sign-in revokes without quiet, unknown types count, a role is everything', async (t) => {
  const { write, taken, follower } = await following()
  write('USER_AUTHENTICATED', { user: { id: 'alice' }, session: { id: 'new' } })
  write('USER_TELEPORTED', { user: { id: 'bob' } })
  write('EMAIL_SENT', {})
  await follower.poll()
  t.same(taken(), ['u:alice 0', 'u:bob 200'])
  write('ADMIN_API_MUTATION_UPDATE_ROLE_EXECUTED', { original_role: {}, new_role: {} })
  write('USER_AUTHENTICATED', { user: { id: 'alice' } })
  await follower.poll()
  t.same(taken(), ['* 0'], 'which has alice in it')
  t.same(
    follower.notes.filter((note) => note.startsWith('read')),
    [
      'read user_authenticated 1', 'read unknown 1', 'read admin_api_mutation_update_role_executed 1',
      'read user_authenticated 1'
    ]
  )
})

t.test('many role changes are one everything at once and one after ten seconds', async (t) => {
  const { write, signOut, taken, follower } = await following()
  const all: string[][] = []
  for (let n = 0; n < 8; n++) {
    write('ADMIN_API_MUTATION_UPDATE_ROLE_EXECUTED', {})
    if (n === 3) signOut('alice')
    await follower.poll()
    all.push(taken())
  }
  t.same(all, [['* 0'], [], [], out('alice'), ['* 0'], [], [], []])
})

type Write = (world: ReturnType<typeof createWorld>) => void
const ENDING_ENTRIES: ReadonlyArray<readonly [beside: string, write: Write]> = [
  ['a change of the profile, after it', ({ write, signOut }) => {
    signOut('alice')
    write('USER_PROFILE_UPDATED', { user: { id: 'alice' } })
  }],
  ['a change of the profile, before it', ({ write, signOut }) => {
    write('USER_PROFILE_UPDATED', { user: { id: 'alice' } })
    signOut('alice')
  }],
  ['a sign-in', ({ write, signOut }) => {
    signOut('alice')
    write('USER_AUTHENTICATED', { user: { id: 'alice' } })
  }],
  ['what revokes everything', ({ write, signOut }) => {
    signOut('alice')
    write('ADMIN_API_MUTATION_UPDATE_ROLE_EXECUTED', {})
  }],
  ['more targets than five hundred', ({ write, signOut }) => {
    signOut('alice')
    write('USER_PROFILE_UPDATED', { user_ids: Array.from({ length: 501 }, (_, index) => `user ${index}`) })
  }]
]

t.test('a sign-out ends the user’s resource tokens, whatever is read with it', async (t) => {
  for (const [beside, write] of ENDING_ENTRIES) {
    const world = createWorld()
    const follower = world.start()
    await follower.poll()
    write(world)
    await follower.poll()
    t.strictSame(world.ended, ['u:alice'], beside)
  }
})

t.test('the next leader does everything that is still to come', async (t) => {
  const { world, write, start, taken } = createWorld()
  const first = start()
  await first.poll()
  for (let n = 0; n < 2; n++) {
    write('ADMIN_API_MUTATION_UPDATE_ROLE_EXECUTED', {})
    await first.poll()
  }
  t.same(taken(), ['* 0'])
  world.leaderTerm = 2
  await start().poll()
  t.same(taken(), ['* 0'])
})

t.test('a thousand sign-outs in a second are everything, and again only for more', async (t) => {
  const { world, signOut, taken, follower } = await following()
  const before = world.queries
  for (let n = 0; n < 1000; n++) signOut(`user ${n}`)
  await follower.poll()
  t.comment(`${world.queries - before} queries`)
  const [everything, ...users] = taken()
  t.same([everything, users.length], ['* 200', 100], 'and by name those that one answer holds, whose tokens end')
  for (let n = 0; n < 10; n++) await follower.poll()
  t.same(taken(), [], 'nothing is new')
  signOut('alice')
  await follower.poll()
  t.same(taken(), out('alice'))
})

t.test('reads ninety sign-outs one by one where the overlap exceeds one answer', async (t) => {
  const { world, signOut, taken, follower } = await following()
  for (let n = 0; n < 10; n++) {
    for (let user = 0; user < 90; user++) signOut(`user ${n} ${user}`)
    await follower.poll()
    t.equal(taken().length, 180, 'ninety users and their sessions')
  }
  t.comment(`90 entries every two seconds: ${world.queries / 10} queries a poll`)
})

const OUTAGES: ReadonlyArray<readonly [what: string, ms: number, kind: AuditErrorKind]> = [
  ['one failure', 0, 'unreachable'],
  ['the audit database away for 20 s', 18_000, 'log_unavailable'],
  ['away for longer than CACHE_TTL', 60_000, 'log_unavailable']
]

for (const [what, ms, kind] of OUTAGES) {
  t.test(`${what}: entries may be lost, and what is there is read`, async (t) => {
    const { world, clock, signOut, taken, follower } = await following()
    world.failure = kind
    t.equal(await follower.poll(), kind)
    clock.advance(ms)
    world.failure = undefined
    signOut('alice')
    t.equal(await follower.poll(), 'ok')
    t.same([taken(), gapsOf(follower)], [['* 200', 'u:alice 200'], ['gap everything']])
  })
}

t.test('a revocation log that takes nothing for a minute is no gap of Authgear', async (t) => {
  const { world, signOut, start, taken, follower } = await following()
  world.outcome = 'pending'
  signOut('alice')
  for (let polls = 0; polls < 30; polls++) t.equal(await follower.poll(), 'pending')
  world.outcome = 'logged'
  const successor = start()
  t.equal(await successor.poll(), 'ok')
  t.same(new Set(taken()), new Set(out('alice')), 'nobody else is revoked')
  t.same([gapsOf(follower), gapsOf(successor)], [[], []])
})

t.test('a position that Redis does not take for a minute is no gap', async (t) => {
  const { world, signOut, taken, follower } = await following()
  world.isRedisSlow = true
  for (let polls = 0; polls < 30; polls++) t.equal(await follower.poll(), 'redis')
  signOut('alice')
  world.isRedisSlow = false
  t.equal(await follower.poll(), 'ok')
  t.same([taken(), gapsOf(follower)], [out('alice'), []])
})

for (const ms of [20_000, 3_600_000]) {
  t.test(`Redis gives no lease for ${ms / 1000} s: the log is read from where it was`, async (t) => {
    const { world, clock, signOut, start, taken } = createWorld()
    const [leader, other] = [start(), start()]
    await leader.poll()
    world.leaderTerm = undefined
    signOut('alice')
    clock.advance(ms / 2)
    other.redisFailed()
    clock.advance(ms / 2)
    world.leaderTerm = 2
    t.equal(await other.poll(), 'ok')
    t.same([taken(), gapsOf(other)], [out('alice'), ['gap redis']])
    await other.poll()
    t.same(gapsOf(other), ['gap redis'], 'it is told once')
  })
}

type World = ReturnType<typeof createWorld>
const UNWATCHED: ReadonlyArray<readonly [why: string, begin: (world: World) => Promise<ReturnType<World['start']>>]> = [
  ['saw no failure of Redis', async ({ start, clock }) => {
    const [leader, other] = [start(), start()]
    await leader.poll()
    clock.advance(20_000)
    return other
  }],
  ['saw one before the gap', async ({ start, clock }) => {
    const [leader, other] = [start(), start()]
    other.redisFailed()
    clock.advance(POLL)
    await leader.poll()
    clock.advance(20_000)
    return other
  }],
  ['saw one, and started in the gap', async ({ start, clock }) => {
    await start().poll()
    clock.advance(20_000)
    const other = start()
    other.redisFailed()
    return other
  }]
]

for (const [why, begin] of UNWATCHED) {
  t.test(`nobody polled, and the next leader ${why}: entries may be lost`, async (t) => {
    const world = createWorld()
    const other = await begin(world)
    await other.poll()
    t.same([world.taken(), gapsOf(other)], [['* 0'], ['gap everything']])
  })
}

t.test('trouble that Redis did not take is written at the next failure', async (t) => {
  const { world, start, taken } = createWorld()
  const first = start()
  await first.poll()
  world.failure = 'server'
  world.isRedisSlow = true
  await t.rejects(first.troubled())
  world.isRedisSlow = false
  await first.poll()
  world.failure = undefined
  const successor = start()
  await successor.poll()
  t.same([taken(), gapsOf(successor)], [['* 0'], ['gap everything']])
})

t.test('again within ten minutes a gap voids nothing more; after them it does', async (t) => {
  const { world, clock, signOut, start, taken } = createWorld()
  const follower = start()
  const fail = async (): Promise<void> => {
    world.failure = 'server'
    await follower.poll()
    world.failure = undefined
    await follower.poll()
  }
  await follower.poll()
  await fail()
  signOut('alice')
  await fail()
  t.same(taken(), ['* 0', ...out('alice')])
  for (let waited = 0; waited < 600_000; waited += POLL) await follower.poll()
  clock.advance(0)
  await fail()
  t.same(taken(), ['* 0'])
  t.same(gapsOf(follower), ['gap everything', 'gap suppressed', 'gap everything'])
})

t.test('the next leader knows how far the log was read, how long ago, and of trouble', async (t) => {
  const { world, clock, signOut, start, taken } = createWorld()
  signOut('old')
  const first = start()
  await first.poll()
  signOut('alice')
  await first.poll()
  taken()
  world.leaderTerm = 2
  const second = start()
  signOut('bob')
  await second.poll()
  t.same([taken(), gapsOf(second)], [out('bob'), []], 'within the overlap nothing is lost')
  world.failure = 'log_unavailable'
  await second.poll()
  world.failure = undefined
  world.leaderTerm = 3
  const third = start()
  await third.poll()
  t.same([taken(), gapsOf(third)], [['* 0'], ['gap everything']])
  world.leaderTerm = 4
  clock.advance(OVERLAP)
  const fourth = start()
  await fourth.poll()
  t.same([taken(), gapsOf(fourth)], [[], ['gap suppressed']], 'nobody led for longer than the overlap')
})

t.test('an everything that is not logged yet stays due for the next leader', async (t) => {
  const { world, clock, start, taken } = createWorld()
  const first = start()
  await first.poll()
  world.failure = 'server'
  await first.poll()
  world.failure = undefined
  world.outcome = 'pending'
  t.equal(await first.poll(), 'pending')
  world.outcome = 'logged'
  t.equal(await first.poll(), 'ok')
  taken()
  world.leaderTerm = 2 // the first one died with what was pending
  clock.advance(10_000)
  const second = start()
  await second.poll()
  t.same(taken(), ['* 0'])
})

t.test('one that lost its lease during a query stops before it revokes or writes', async (t) => {
  const { world, signOut, taken, follower } = await following()
  signOut('alice')
  const before = world.stored
  for (const next of [undefined, 2]) {
    world.meanwhile = () => { world.leaderTerm = next; world.meanwhile = () => {} }
    t.equal(await follower.poll(), 'lost_lease')
    t.same(taken(), [])
    t.equal(world.stored, before)
    world.leaderTerm = 1
  }
  t.equal(await follower.poll(), 'ok')
  t.same(taken(), out('alice'), 'the next one does, or it when it leads again')
})

t.test('an Authgear process a minute ahead hides nothing of the others', async (t) => {
  const { world, signOut, taken, follower } = await following()
  world.ahead = 60
  signOut('written by the one ahead', { ago: -60 })
  await follower.poll()
  t.same(taken(), out('written by the one ahead'))
  world.ahead = 0
  for (const user of ['alice', 'bob', 'carol']) {
    for (let waited = 0; waited < TTL / 2; waited += POLL) await follower.poll()
    signOut(user)
    await follower.poll()
    t.same(taken(), out(user))
  }
})

t.test('a newest entry dated ahead at the start hides nothing that follows', async (t) => {
  const { world, signOut, start, taken } = createWorld()
  world.ahead = 60
  signOut('dated ahead', { ago: -60 })
  const follower = start()
  await follower.poll()
  taken()
  world.ahead = 0
  signOut('alice')
  await follower.poll()
  t.same(taken(), out('alice'))
  const successor = start()
  signOut('bob')
  await successor.poll()
  t.same(taken(), out('bob'))
})

t.test('reads an entry that becomes visible as late as anything is remembered', async (t) => {
  const { signOut, start, taken, clock } = createWorld()
  signOut('before')
  const follower = start()
  await follower.poll()
  for (let waited = 0; waited < TTL; waited += POLL) {
    signOut('newer')
    await follower.poll()
  }
  taken()
  signOut('late', { ago: TTL / 1000 - 2 })
  await follower.poll()
  t.same(taken(), out('late'))
  clock.advance(1000)
  await follower.poll()
  t.same(taken(), [])
})

for (const ahead of [0, 300]) {
  t.test(`a busy log is read by one answer a poll, Authgear's clock ${ahead} s ahead`, async (t) => {
    const { world, signOut, start, taken } = createWorld()
    world.ahead = ahead
    const follower = start()
    await follower.poll()
    for (let n = 0; n < 30; n++) {
      for (let user = 0; user < 12; user++) signOut(`user ${n} ${user}`, { ago: -ahead })
      const before = world.queries
      await follower.poll()
      if (n > 15) t.ok(world.queries - before <= 2, `${world.queries - before} queries`)
      t.equal(taken().length, 24)
    }
  })
}

t.test('a position that cannot be read is trouble', async (t) => {
  const { world, clock, start, taken } = createWorld()
  world.stored = { position: undefined, ageMs: 1000, at: clock.monotonic() }
  const follower = start()
  t.equal(await follower.poll(), 'ok')
  t.same([taken(), gapsOf(follower)], [['* 0'], ['gap everything']])
})

t.test('asks only for types that this Authgear knows, and again after a failure', async (t) => {
  const { world, write, start, taken } = createWorld()
  world.known = ['USER_SIGNED_OUT']
  const follower = start()
  await follower.poll()
  write('USER_DISABLED', { user: { id: 'alice' } })
  await follower.poll()
  t.same(taken(), [])
  world.known = KNOWN
  world.failure = 'query'
  await follower.poll()
  world.failure = undefined
  await follower.poll()
  t.same(follower.notes.filter((note) => note.startsWith('read')), ['read user_disabled 1'])
  world.known = ['EMAIL_SENT']
  await start().troubled()
  t.equal(await start().poll(), 'query', 'an Authgear that knows none of ours')
})

t.test('more targets than five hundred are everything', async (t) => {
  const { write, taken, follower } = await following()
  write('USER_PROFILE_UPDATED', { user_ids: Array.from({ length: 501 }, (_, index) => `user ${index}`) })
  await follower.poll()
  t.same(taken(), ['* 200'])
})

t.test('the lag is that of Authgear’s clock', async (t) => {
  const { signOut, follower } = await following()
  signOut('alice', { ago: 3 })
  await follower.poll()
  t.same(follower.lags, [3])
})

t.test('a start without a position reads what no replica read meanwhile', async (t) => {
  const world = createWorld()
  world.signOut('ann', { ago: 3600 })
  world.signOut('bob', { ago: 20 })
  for (let n = 0; n < 150; n++) world.signOut(`user ${n}`, { ago: n % 10 })
  const { poll, notes } = world.start()
  t.equal(await poll(), 'ok')
  const taken = world.taken()
  t.ok(taken.some((one) => one.includes('bob')), 'CACHE_TTL before the newest, however many there are')
  t.equal(taken.filter((one) => one.includes('user ')).length, 300)
  t.notOk(taken.some((one) => one.includes('ann')))
  t.strictSame(gapsOf({ notes }), [])
})

for (const many of [110, 1000, 100_000]) {
  t.test(`${many} entries of a type that nobody knows void nobody, and hide no sign-out`, async (t) => {
    const { follower, world, write, signOut, taken } = await following()
    const before = world.queries
    for (let n = 0; n < many; n++) {
      write('USER_TELEPORTED', {})
      if (n === many / 2) signOut('alice')
    }
    await follower.poll()
    t.strictSame(taken(), ['u:alice 200', 'c:session of alice 200'])
    t.ok(world.queries - before <= 3, `${world.queries - before} queries`)
    t.strictSame(follower.notes.filter((note) => /overflow|unread/.test(note)), [`unread ${many - 100}`])
    t.equal(follower.unread(), many - 100)
  })
}
