import t, { type Test } from 'tap'
import type { Entry } from '../../../src/base/core/entry.ts'
import { NO_LOG } from '../../helpers/no-log.ts'
import { Ledger, type LedgerOptions } from '../../../src/base/revocation/ledger.ts'
import type { Revocation } from '../../../src/base/revocation/types.ts'
import { about, credential, digest, EVERYTHING, logEntry, targetsOf, user } from '../../helpers/log-entry.ts'
import { entryOf } from '../../helpers/entry.ts'
import { validResolution } from '../../helpers/identity.ts'
import { manualClock } from '../../helpers/manual-clock.ts'

const RETENTION = 10_000
const ALICE = about('alice', 'token', 'session', 'session id')
const BOB = about('bob', 'bobs token')

function open (some: Partial<LedgerOptions> = {}) {
  const clock = manualClock()
  const ledger = new Ledger({ clock, retentionMs: RETENTION, ...some })
  ledger.adopt('g1')
  ledger.apply(logEntry(1, undefined))
  let n = 1
  return {
    clock,
    ledger,
    read: (revocation: Revocation, of?: string) => {
      n++
      ledger.apply(logEntry(n, revocation, of === undefined ? {} : { of }))
    }
  }
}

/** As another replica sealed it, of alice. */
const shared = (ledger: Ledger, some: Partial<Entry> = {}): Entry =>
  entryOf({
    resolution: validResolution({ 'user-id': 'alice' }), digests: ALICE.digests, stamp: ledger.stamp(), ...some
  })

t.test('a revocation voids only what began before it', async (t) => {
  const rows: ReadonlyArray<readonly [string, Revocation, boolean, boolean]> = [
    ['a user', user('alice'), true, false],
    ['another user', user('bob'), false, true],
    ['a credential', credential('token'), true, false],
    ['a session id', credential('session id'), true, false],
    ['a credential nobody sent', credential('other'), false, false],
    ['a user called as a credential is', user('token'), false, false],
    ['a credential called as a user is', credential('alice'), false, false],
    ['a user called *', user('*'), false, false],
    ['everything', EVERYTHING, true, true]
  ]
  for (const [what, revocation, alice, bob] of rows) {
    for (const way of ['read', 'taken'] as const) {
      const { ledger, read } = open()
      const before = ledger.snapshot()
      if (way === 'read') read(revocation)
      else ledger.take(revocation, 'mine')
      t.same([ledger.isVoid(ALICE, before), ledger.isVoid(BOB, before)], [alice, bob], `${what}, ${way}: before`)
      t.same([ledger.isVoid(ALICE, ledger.snapshot()), ledger.isVoid(BOB, ledger.snapshot())], [false, false],
        `${what}, ${way}: after`)
    }
  }
})

t.test('a refusal has no user, and is void by its credentials', async (t) => {
  const { ledger, read } = open()
  const before = ledger.snapshot()
  read(user('alice'))
  t.notOk(ledger.isVoid(about(undefined, 'token'), before))
  read(credential('token'))
  t.ok(ledger.isVoid(about(undefined, 'token'), before))
})

t.test('of several revocations the newest counts', async (t) => {
  const { ledger, read } = open()
  read(user('alice'))
  const between = ledger.snapshot()
  read(user('alice'))
  t.ok(ledger.isVoid(ALICE, between))
})

t.test('when the map is full its oldest go, and all that is older than they were is void', async (t) => {
  const { ledger, read } = open({ maxRevocations: 2 })
  const marks = [ledger.snapshot()]
  for (const name of ['u1', 'u2', 'u3']) { read(user(name)); marks.push(ledger.snapshot()) }
  t.same(marks.map((mark) => ledger.isVoid(BOB, mark)), [true, false, false, false], 'the floor is the dropped one')
  t.same(marks.map((mark) => ledger.isVoid(about('u1'), mark)), [true, false, false, false])
  t.same(marks.map((mark) => ledger.isVoid(about('u3'), mark)), [true, true, true, false], 'what is left is exact')
})

t.test('a name that comes again is the newest, and not the one that goes', async (t) => {
  const { ledger, read } = open({ maxRevocations: 2 })
  for (const name of ['u1', 'u2', 'u1']) read(user(name))
  const before = ledger.snapshot()
  read(user('u3'))
  t.notOk(ledger.isVoid(BOB, before), 'u2 went, whose position is before')
  t.notOk(ledger.isVoid(about('u1'), before))
})

t.test('a revocation taken here', async (t) => {
  t.test('holds at once, and until its entry is read no entry of Redis about it is trusted', async (t) => {
    const { ledger, read } = open()
    const before = ledger.snapshot()
    const entry = shared(ledger)
    ledger.take(user('alice'), 'mine')
    const after = ledger.snapshot()
    t.same([ledger.isVoid(ALICE, before), ledger.isVoid(ALICE, after), ledger.trusts(entry)], [true, false, false])
    read(user('bob'))
    t.notOk(ledger.trusts(shared(ledger)), 'also one of a later position: whoever made it may not have read ours')
    read(user('alice'), 'mine')
    t.same([ledger.trusts(entry), ledger.trusts(shared(ledger))], [false, true])
    t.ok(ledger.isVoid(ALICE, after), 'its place in the log is what counts from here on')
  })

  t.test('another replica\'s entry about the same user is not its reading back', async (t) => {
    const { ledger, read } = open()
    ledger.take(user('alice'), 'mine')
    read(user('alice'), 'another’s')
    t.notOk(ledger.trusts(shared(ledger)))
    read(user('alice'), 'mine')
    t.ok(ledger.trusts(shared(ledger)))
  })

  t.test('twice: the second has to be read as well', async (t) => {
    const { ledger, read } = open()
    ledger.take(user('alice'), 'first')
    ledger.take(user('alice'), 'second')
    read(user('alice'), 'first')
    t.notOk(ledger.trusts(shared(ledger)))
    read(user('alice'), 'second')
    t.ok(ledger.trusts(shared(ledger)))
  })

  t.test('survives a change of generation', async (t) => {
    const { ledger } = open()
    const { local } = ledger.snapshot()
    ledger.take(user('alice'), 'mine')
    ledger.adopt('g2')
    ledger.apply(logEntry(1, undefined, { generation: 'g2' }))
    t.ok(ledger.isVoid(ALICE, { stamp: ledger.stamp(), local }))
    t.notOk(ledger.trusts(shared(ledger)))
  })

  t.test('everything takes the place of those before it, of which none may ever be read', async (t) => {
    const { ledger, read } = open()
    const before = ledger.snapshot()
    ledger.take(user('alice'), 'given up')
    ledger.take(EVERYTHING, 'all')
    t.same(
      [ledger.isVoid(ALICE, before), ledger.isVoid(BOB, before), ledger.trusts(shared(ledger))], [true, true, false]
    )
    read(EVERYTHING, 'all')
    t.ok(ledger.trusts(shared(ledger)))
  })
})

t.test('an entry of Redis is trusted', async (t) => {
  t.test('at a position that this replica read, in its generation, and at no other', async (t) => {
    const { ledger, read } = open()
    const first = ledger.stamp()
    read(user('bob'))
    const { generation, position } = ledger.stamp()
    const rows: ReadonlyArray<readonly [string, Entry['stamp'], boolean]> = [
      ['the newest', { generation, position }, true],
      ['an older one', first, true],
      ['another generation', { generation: 'g2', position }, false],
      ['a nonce it never read', { generation, position: { ...position, nonce: 'other' } }, false],
      ['the id of another nonce', { generation, position: { ...position, id: first.position.id } }, false],
      ['ahead of it', { generation, position: { id: '3-0', nonce: 'nonce 3' } }, false],
      ['a service without a log', NO_LOG, false]
    ]
    for (const [what, stamp, trusted] of rows) t.equal(ledger.trusts(shared(ledger, { stamp })), trusted, what)
  })

  t.test('not before the log is read', async (t) => {
    const ledger = new Ledger({ clock: manualClock(), retentionMs: RETENTION })
    t.notOk(ledger.trusts(shared(ledger)))
    t.notOk(ledger.trusts(shared(ledger, { stamp: NO_LOG })))
    t.notOk(ledger.isVoid(ALICE, ledger.snapshot()), 'its own resolutions are used meanwhile')
  })

  t.test('not where the user or any credential was revoked since', async (t) => {
    for (const revocation of [user('alice'), credential('session'), credential('session id'), EVERYTHING]) {
      const { ledger, read } = open()
      const entry = shared(ledger)
      read(user('bob'))
      t.ok(ledger.trusts(entry))
      read(revocation)
      t.notOk(ledger.trusts(entry), revocation.target.kind)
    }
  })

  t.test('not when its position is too old to be remembered', async (t) => {
    const { ledger, read } = open({ maxPositions: 2 })
    const entry = shared(ledger)
    read(user('u1'))
    t.ok(ledger.trusts(entry))
    read(user('u2'))
    t.notOk(ledger.trusts(entry))
  })
})

t.test('a new generation', async (t) => {
  t.test('voids all that was made in another, and the old one is remembered as left', async (t) => {
    const { ledger } = open()
    const before = ledger.snapshot()
    t.notOk(ledger.hasLeft('g1'))
    ledger.adopt('g2')
    t.same([ledger.isVoid(BOB, before), ledger.hasLeft('g1'), ledger.hasLeft('g2'), ledger.hasLeft('')],
      [true, true, false, false])
    t.same([ledger.id, ledger.nonce, ledger.generation], ['0-0', '', 'g2'], 'its stream is read from the beginning')
    ledger.adopt('g3')
    t.same([ledger.hasLeft('g1'), ledger.hasLeft('g2')], [true, true])
  })

  t.test('a generation is forgotten after ten thousand later ones', async (t) => {
    const ledger = new Ledger({ clock: manualClock(), retentionMs: 1000 })
    for (let n = 0; n <= 10_002; n++) ledger.adopt(`g${n}`)
    t.notOk(ledger.hasLeft('g0'))
    t.ok(ledger.hasLeft('g10001'))
  })

  t.test('an id smaller than the old generation’s is taken as it is', async (t) => {
    const { ledger, read } = open()
    for (let n = 0; n < 5; n++) read(user('alice'))
    ledger.adopt('g2')
    ledger.apply(logEntry(1, undefined, { generation: 'g2' }))
    const before = ledger.snapshot()
    t.notOk(ledger.isVoid(ALICE, before))
    ledger.apply(logEntry(2, user('alice'), { generation: 'g2' }))
    t.ok(ledger.isVoid(ALICE, before))
  })

  t.test('trusts no entry of Redis until all that it lacks is read back', async (t) => {
    const { ledger, read } = open()
    read(user('u1'), 'one')
    read(credential('c1'), 'two')
    ledger.adopt('g2')
    ledger.apply(logEntry(1, undefined, { generation: 'g2' }))
    t.strictSame([...ledger.pendingRepublish], [['one', user('u1')], ['two', credential('c1')]])
    t.notOk(ledger.trusts(shared(ledger)))
    ledger.apply(logEntry(2, user('u1'), { generation: 'g2', of: 'one' }))
    t.notOk(ledger.trusts(shared(ledger)))
    ledger.apply(logEntry(3, credential('c1'), { generation: 'g2', of: 'two' }))
    t.ok(ledger.trusts(shared(ledger)))
  })

  t.test('reads a name back only for the same target', async (t) => {
    const { ledger, read } = open()
    read(user('u1'), 'one')
    ledger.adopt('g2')
    ledger.apply(logEntry(1, undefined, { generation: 'g2', of: 'one' }))
    ledger.apply(logEntry(2, user('u2'), { generation: 'g2', of: 'one' }))
    t.strictSame([...ledger.pendingRepublish.keys()], ['one'])
  })

  t.test('a second change before all is read back loses none of them', async (t) => {
    const { ledger, read, clock } = open()
    read(user('u1'), 'one')
    ledger.adopt('g2')
    clock.advance(RETENTION + 1)
    ledger.adopt('g3')
    t.strictSame([...ledger.pendingRepublish.keys()], ['one'])
  })

  t.test('of all that revoke everything the newest is carried over', async (t) => {
    const { ledger, read } = open()
    read(EVERYTHING, 'first')
    read(user('u1'), 'one')
    read({ ...EVERYTHING, quietMs: 2000 }, 'second')
    read(EVERYTHING, 'third')
    ledger.adopt('g2')
    const quiet = ['second', { ...EVERYTHING, quietMs: 2000 }]
    t.strictSame([...ledger.pendingRepublish], [['one', user('u1')], quiet, ['third', EVERYTHING]], 'and the quietest')
    ledger.adopt('g3')
    t.strictSame([...ledger.pendingRepublish.keys()], ['one', 'second', 'third'], 'a second change adds none')
    ledger.apply(logEntry(1, undefined, { generation: 'g3' }))
    ledger.apply(logEntry(2, EVERYTHING, { generation: 'g3', of: 'fourth' }))
    ledger.adopt('g4')
    t.strictSame([...ledger.pendingRepublish.keys()], ['one', 'second', 'fourth'], 'a newer one takes its place')
  })

  t.test('and the one that ends the most tokens', async (t) => {
    const { ledger, read } = open()
    for (const [of, ends] of [['a', 5000], ['b', 9000], ['c', 7000], ['d', undefined]] as const) {
      read({ ...EVERYTHING, ends }, of)
    }
    ledger.adopt('g2')
    t.strictSame([...ledger.pendingRepublish.keys()], ['b', 'd'])
  })

  t.test('what was read longer ago than the retention is not carried over', async (t) => {
    const { ledger, read, clock } = open()
    read(user('u1'), 'one')
    clock.advance(1)
    read(user('u2'), 'two')
    clock.advance(RETENTION)
    ledger.adopt('g2')
    t.strictSame([...ledger.pendingRepublish.keys()], ['two'])
  })

  const fill = (t: Test, count: number) => {
    const opened = open({ maxRepublished: 3 })
    for (let n = 0; n < count; n++) opened.read(user(`u${n}`))
    opened.ledger.adopt('g2')
    t.comment(`${count} of at most 3`)
    return { ...opened, targets: targetsOf(opened.ledger.pendingRepublish.values()) }
  }

  t.test('more than it may carry becomes one “everything” within the retention', async (t) => {
    t.equal(fill(t, 3).targets.length, 3)
    t.strictSame(fill(t, 4).targets, [{ kind: 'everything' }])
    const { ledger, read, clock } = open({ maxRepublished: 3 })
    for (let n = 0; n < 3; n++) read(user(`u${n}`))
    clock.advance(RETENTION + 1)
    read(user('u3'))
    ledger.adopt('g2')
    const targets = targetsOf(ledger.pendingRepublish.values())
    t.strictSame(targets, [{ kind: 'user', userId: 'u3' }], 'those that went were too old to matter')
  })

  /** Reads at one moment what was written at these seconds, as a replica that starts does; three fit. */
  const started = (entries: ReadonlyArray<readonly [second: number, revocation: Revocation]>) => {
    const opened = open({ maxRepublished: 3 })
    for (const [at, [second, revocation]] of entries.entries()) {
      opened.ledger.apply(logEntry(at + 2, revocation, { id: `${second * 1000}-1` }))
    }
    return opened
  }
  /** A new log, in which all that it lacks was read back. @returns how long each was quiet */
  const carryOver = (ledger: Ledger, generation = 'g2'): readonly number[] => {
    ledger.adopt(generation)
    ledger.apply(logEntry(1, undefined, { generation, id: '200000-0' }))
    const lacking = [...ledger.pendingRepublish]
    for (const [at, [of, revocation]] of lacking.entries()) {
      ledger.apply(logEntry(at + 2, revocation, { generation, of, id: `200000-${at + 1}` }))
    }
    return lacking.map(([, { quietMs }]) => quietMs)
  }
  const FOUR = ['u1', 'u2', 'u3'].map((name) => [140, user(name)] as const)

  t.test('more than it may carry keeps nobody uncached who was not', async (t) => {
    const { ledger, clock } = started([[10, user('u0', 120_000)], ...FOUR, [141, user('alice', 120_000)]])
    carryOver(ledger)
    const now = clock.monotonic()
    t.same([ledger.isUncacheable(ALICE, now), ledger.isUncacheable(BOB, now)], [true, false])
  })

  t.test('a recently revoked user stays revoked by id, and others are dropped first', async (t) => {
    const { ledger, clock } = started([[100, user('alice', 120_000)], ...FOUR, [141, user('u4')]])
    carryOver(ledger)
    const now = clock.monotonic()
    t.same([ledger.isUncacheable(ALICE, now), ledger.isUncacheable(BOB, now)], [true, false])
  })

  /** More of them are quiet than fit. */
  const QUIET = ['u1', 'u2', 'u3'].map((name) => [140, user(name, 80_000)] as const)

  t.test('but for those whose own quiet time was forgotten', async (t) => {
    const { ledger, clock } = started([[100, user('u0', 120_000)], ...QUIET])
    ledger.adopt('g2') // and again before anything is read
    carryOver(ledger, 'g3')
    const began = clock.monotonic()
    t.same([began + 79_999, began + 80_000].map((at) => ledger.isUncacheable(BOB, at)), [true, false])
  })

  t.test('a copy is quiet for what is left, however many generations follow one another', async (t) => {
    for (const [revocation, ...left] of [
      [{ ...EVERYTHING, quietMs: 80_000 }, 50_000, 20_000, 1],
      [user('u1', 80_000), 50_000, 20_000, 1],
      [user('u1'), 0, 0, 0]
    ] as const) {
      const { ledger, clock, read } = open({ retentionMs: 1_000_000 })
      read(revocation)
      t.strictSame(['g2', 'g3', 'g4'].flatMap((generation) => {
        clock.advance(30_000)
        return carryOver(ledger, generation)
      }), left, revocation.target.kind)
    }
  })

  t.test('by no clock for longer than the quietest asked', async (t) => {
    const { ledger, clock } = started(['u0', 'u1', 'u2', 'u3'].map((name) => [100, user(name, 120_000)]))
    ledger.adopt('g2')
    ledger.apply(logEntry(1, undefined, { generation: 'g2', id: '5-0' }))
    carryOver(ledger, 'g3')
    const began = clock.monotonic()
    t.same([began + 119_999, began + 120_000].map((at) => ledger.isUncacheable(BOB, at)), [true, false])
  })
})

t.test('quiet', async (t) => {
  t.test('a resolution that began within it is not remembered, whenever it ends', async (t) => {
    for (const way of ['read', 'taken'] as const) {
      const { ledger, read, clock } = open()
      if (way === 'read') read(user('alice', 2000))
      else ledger.take(user('alice', 2000), 'mine')
      const began = clock.monotonic() + 1999
      clock.advance(2000)
      const late = clock.monotonic()
      t.same([ledger.isUncacheable(ALICE, began), ledger.isUncacheable(ALICE, late), ledger.isUncacheable(BOB, began)],
        [true, false, false], way)
      clock.advance(1000)
      read(user('bob', 2000))
      t.ok(ledger.isUncacheable(ALICE, began), `${way}: also when another revocation was read before it ended`)
    }
  })

  t.test('of a credential and of everything', async (t) => {
    const { ledger, read, clock } = open()
    read(credential('session', 200))
    const isUncacheable = (some: typeof ALICE) => ledger.isUncacheable(some, clock.monotonic())
    t.same([ALICE, BOB].map(isUncacheable), [true, false])
    read({ ...EVERYTHING, quietMs: 200 })
    t.ok(ledger.isUncacheable(BOB, clock.monotonic()))
  })

  t.test('a quiet time of 0 is none, and shortens no other', async (t) => {
    const { ledger, read, clock } = open()
    read(user('alice'))
    t.notOk(ledger.isUncacheable(ALICE, clock.monotonic()))
    read(user('alice', 2000))
    read(user('alice', 200))
    read(user('alice'))
    t.ok(ledger.isUncacheable(ALICE, clock.monotonic() + 1999), 'the longest counts')
  })

  t.test('one’s own begins when it is taken, not again when it is read back', async (t) => {
    const { ledger, read, clock } = open()
    ledger.take(user('alice', 2000), 'mine')
    clock.advance(1500)
    read(user('alice', 2000), 'mine')
    t.notOk(ledger.isUncacheable(ALICE, clock.monotonic() + 500))
  })

  t.test('of more than there is room for holds for everyone', async (t) => {
    const { ledger, read, clock } = open({ maxRevocations: 2 })
    for (const name of ['u1', 'u2']) read(user(name, 2000))
    t.notOk(ledger.isUncacheable(BOB, clock.monotonic()))
    read(user('u3', 2000))
    for (const name of ['u1', 'u2', 'u3', 'bob']) t.ok(ledger.isUncacheable(about(name), clock.monotonic()), name)
  })
})

t.test('what is older than the retention', async (t) => {
  t.test('is dropped when entries are added: names, positions and quiet times', async (t) => {
    const { ledger, read, clock } = open()
    for (let n = 0; n < 3000; n++) read(user(`old ${n}`, 10))
    t.strictSame(ledger.sizes, { revoked: 3000, positions: 3001, noStore: 3000 })
    clock.advance(1)
    read(user('new', 10))
    clock.advance(2 * RETENTION)
    const worst = Array.from({ length: 1200 }, (_, n) => {
      const before = ledger.sizes.revoked
      read(user(`new ${n}`, 10))
      return before - ledger.sizes.revoked
    })
    t.ok(Math.max(...worst) <= 4, 'a few at each entry')
    t.strictSame(ledger.sizes, { revoked: 1200, positions: 1201, noStore: 1200 }, 'with the newest position of then')
  })

  t.test('is void for each resolution that began before it, and for no other', async (t) => {
    const { ledger, read, clock } = open()
    const before = ledger.snapshot()
    read(user('alice'))
    const [since, sealed] = [ledger.snapshot(), shared(ledger)]
    for (let n = 0; n < 3; n++) {
      clock.advance(RETENTION)
      t.notOk(ledger.isVoid(ALICE, ledger.snapshot()), 'a resolution of now')
      t.ok(ledger.trusts(shared(ledger)), 'and an entry of now, at the newest position, however old that is')
      read(user('bob'))
    }
    t.same([ledger.isVoid(ALICE, before), ledger.isVoid(about('carol'), before)], [true, true])
    t.same([ledger.isVoid(about('carol'), since), ledger.trusts(sealed)], [true, false], 'older than the retention')
  })

  t.test('leaves a position trusted for a retention after the next one was read', async (t) => {
    const { ledger, read, clock } = open()
    read(user('bob'))
    clock.advance(5 * RETENTION)
    const sealed = shared(ledger)
    read(user('carol'))
    clock.advance(RETENTION)
    read(user('dave'))
    t.ok(ledger.trusts(sealed))
    clock.advance(RETENTION)
    read(user('erin'))
    t.notOk(ledger.trusts(sealed))
  })

  t.test('is what the monotonic clock says: a wall clock set forward voids nothing', async (t) => {
    const { ledger, read, clock } = open()
    const before = ledger.snapshot()
    read(user('alice'))
    clock.setWall(clock.wall() + 100 * RETENTION)
    read(user('carol'))
    t.notOk(ledger.isVoid(BOB, before))
  })
})

t.test('everything takes the place of all names before it', async (t) => {
  const { ledger, read } = open()
  for (let n = 0; n < 100; n++) read(user(`u${n}`))
  read(EVERYTHING)
  for (let n = 0; n < 40; n++) read(user(`later ${n}`))
  t.same([ledger.sizes.revoked, ledger.sizes.positions], [40, 41])
})

t.test('a long log is read in a time that grows with its length, not with its square', async (t) => {
  const { ledger } = open()
  const began = performance.now()
  for (let n = 2; n < 100_000; n++) ledger.apply(logEntry(n, user(`u${n}`, 2000)))
  t.comment(`100,000 entries with quiet times: ${Math.round(performance.now() - began)} ms`)
  t.ok(performance.now() - began < 20_000, 'the square takes minutes')
})

t.test('an entry’s digests are those of all that was sent', async (t) => {
  const { ledger, read } = open()
  const stolen = shared(ledger, { digests: ['app_session junk', 'session'].map(digest) })
  read(credential('session'))
  t.notOk(ledger.trusts(stolen), 'a copied session cookie beside a junk app_session')
})
