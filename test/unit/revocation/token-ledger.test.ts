import t from 'tap'
import type { EpochMs } from '../../../src/base/core/token-expiry.ts'
import type { UserId } from '../../../src/base/core/resolution.ts'
import { createEntryCodec, type EntryCodec } from '../../../src/base/revocation/codec.ts'
import { Ledger } from '../../../src/base/revocation/ledger.ts'
import { TokenLedger } from '../../../src/base/revocation/token-ledger.ts'
import type { Revocation, Target, TokenNames } from '../../../src/base/revocation/types.ts'
import { logEntry } from '../../helpers/log-entry.ts'
import { type ManualClock, manualClock } from '../../helpers/manual-clock.ts'

const MAX_AGE_MS = 3_600_000
const DEGRADED_MS = 30_000

/** A ledger that follows a log which began two hours ago. */
function start (maxNames = 100): Readonly<{ ledger: TokenLedger, clock: ManualClock }> {
  const clock = manualClock()
  const ledger = new TokenLedger({ clock, maxAgeMs: MAX_AGE_MS, degradedMs: DEGRADED_MS, maxNames })
  ledger.adopt()
  ledger.covers(clock.wall() - 2 * MAX_AGE_MS)
  ledger.linked(clock.wall())
  return { ledger, clock }
}

const machine = (clientId: string, issuedAt: number, id = 'id'): TokenNames =>
  ({ userId: undefined, clientId, id, issuedAt: issuedAt as EpochMs })
const person = (userId: string, issuedAt: number): TokenNames =>
  ({ userId: userId as UserId, clientId: 'agent', id: 'id', issuedAt: issuedAt as EpochMs })
const ending = (target: Target, ends: number | undefined): Revocation =>
  ({ target, origin: 'management', quietMs: 0, ends })

t.test('a revocation ends what was issued up to five seconds after it, of its name only', async (t) => {
  const { ledger, clock } = start()
  const at = clock.wall()
  ledger.apply('of', ending({ kind: 'client', clientId: 'a' }, at))
  t.equal(ledger.standingOf(machine('a', at - 1000), true), 'revoked')
  t.equal(ledger.standingOf(machine('a', at + 5000), true), 'revoked')
  t.equal(ledger.standingOf(machine('a', at + 5001), true), 'good')
  t.equal(ledger.standingOf(machine('b', at - 1000), true), 'good')
  t.equal(ledger.standingOf(person('a', at - 1000), true), 'good', 'a user of that name')
})

t.test('a token ends by its id whenever it was issued', async (t) => {
  const { ledger, clock } = start()
  ledger.apply('of', ending({ kind: 'token', id: 'x' }, clock.wall() - 1000))
  t.equal(ledger.standingOf(machine('a', clock.wall() + 60_000, 'x'), true), 'revoked')
})

t.test('a revocation without an end ends nothing', async (t) => {
  const { ledger, clock } = start()
  ledger.apply('of', ending({ kind: 'user', userId: 'u' }, undefined))
  ledger.take('of2', ending({ kind: 'everything' }, undefined))
  t.equal(ledger.standingOf(person('u', clock.wall() - 1000), true), 'good')
})

t.test('a revocation taken here applies at once, until it is read or given up', async (t) => {
  const { ledger, clock } = start()
  ledger.take('of', ending({ kind: 'user', userId: 'u' }, 0))
  t.equal(ledger.standingOf(person('u', clock.wall() - 1000), true), 'revoked')
  ledger.release('of')
  t.equal(ledger.standingOf(person('u', clock.wall() - 1000), true), 'good')
})

t.test('a name without room ends every token that was issued before it', async (t) => {
  const { ledger, clock } = start(3)
  const at = clock.wall() - 60_000
  for (let i = 0; i < 4; i++) ledger.apply(`of${i}`, ending({ kind: 'client', clientId: `c${i}` }, at + i))
  t.equal(ledger.standingOf(machine('other', at - 1), true), 'revoked')
  t.equal(ledger.standingOf(machine('other', at + 6000), true), 'good')
  t.equal(ledger.toRepublish().length, 3)
})

t.test('what is older than the log is unknown, and stays so through a new one', async (t) => {
  const { ledger, clock } = start()
  const old = clock.wall() - 1000
  ledger.adopt()
  ledger.covers(clock.wall() + 5000)
  t.equal(ledger.standingOf(machine('a', old), true), 'good', 'it missed nothing in between')
  clock.advance(60_000)
  ledger.adopt()
  ledger.covers(clock.wall())
  ledger.linked(clock.wall())
  t.equal(ledger.standingOf(machine('a', old), true), 'unknown', 'it missed a minute')
  t.equal(ledger.standingOf(machine('a', clock.wall()), true), 'good')
})

t.test('a replica that is cut off accepts older tokens for the degraded TTL only', async (t) => {
  const { ledger, clock } = start()
  const old = clock.wall() - 60_000
  const wait = (ms: number): void => {
    for (let passed = 0; passed < ms; passed += 500) {
      clock.advance(500)
      ledger.ran()
    }
  }
  wait(DEGRADED_MS)
  t.equal(ledger.standingOf(machine('a', old), false), 'good')
  wait(500)
  t.equal(ledger.standingOf(machine('a', old), false), 'unknown')
  t.equal(ledger.standingOf(machine('a', clock.wall() - 1000), false), 'good')
})

t.test('a process that stood still says so until it has read the log', async (t) => {
  const { ledger, clock } = start()
  clock.advance(10_000)
  t.equal(ledger.standingOf(machine('a', clock.wall()), false), 'unread', 'before its timer fires')
  ledger.ran()
  t.equal(ledger.standingOf(machine('a', clock.wall()), false), 'unread', 'and after')
  ledger.linked(clock.wall())
  t.equal(ledger.standingOf(machine('a', clock.wall()), true), 'good')
})

t.test('a token that is too old by Redis’ clock is unknown, whatever our own says', async (t) => {
  const { ledger, clock } = start()
  const issued = clock.wall()
  ledger.linked(clock.wall() + MAX_AGE_MS + 5001)
  t.equal(ledger.standingOf(machine('a', issued), true), 'unknown')
})

const [OWN, FOREIGN] = [createEntryCodec(Buffer.alloc(32, 1)), createEntryCodec(Buffer.alloc(32, 2))]

/** Entries of a log with their times, beside what they end. */
function startLog (maxRepublished = 1000) {
  const { ledger: tokens, clock } = start()
  const ledger = new Ledger({ clock, retentionMs: 10_000, tokens, maxRepublished })
  ledger.adopt('g1')
  let n = 0
  const read = (revocation: Revocation): void => ledger.apply(logEntry(++n, revocation, { id: `${clock.wall()}-${n}` }))
  /** FOREIGN: as one who does not know the secret may write it. */
  const readWritten = (codec: EntryCodec, revocation: Revocation): void => {
    const fields = codec.encode('g1', '', `of ${++n}`, revocation)
    ledger.apply(OWN.decode(`${clock.wall()}-${n}`, fields).entry)
  }
  return { tokens, ledger, clock, read, readWritten }
}

t.test('an entry with a far-off time unblocks no token and ends no later one', async (t) => {
  const { tokens, clock, read, readWritten } = startLog()
  const at = clock.wall()
  read(ending({ kind: 'client', clientId: 'revoked' }, 0))
  for (let i = 0; i < 10; i++) readWritten(FOREIGN, ending({ kind: 'client', clientId: `c${i}` }, 999_999_999_999_999))
  t.equal(tokens.standingOf(machine('revoked', at - 1000), true), 'revoked')
  t.equal(tokens.standingOf(machine('c0', at - 1000), true), 'good', 'nobody knows who wrote it')
  readWritten(OWN, ending({ kind: 'client', clientId: 'far' }, 999_999_999_999_999))
  t.equal(tokens.standingOf(machine('far', at - 1000), true), 'revoked')
  t.equal(tokens.standingOf(machine('far', at + 66_000), true), 'good')
})

t.test('more revocations than are carried over by name end no other token in a new log', async (t) => {
  const { tokens, ledger, clock, read } = startLog(2)
  for (let i = 0; i < 4; i++) read(ending({ kind: 'client', clientId: `c${i}` }, 0))
  ledger.adopt('g2')
  const carried = [...ledger.pendingRepublish.values()]
  t.equal(carried.filter(({ target }) => target.kind === 'client').length, 4, 'each by name')
  for (const revocation of carried) read(revocation)
  t.equal(tokens.standingOf(machine('c0', clock.wall() - 1000), true), 'revoked')
  t.equal(tokens.standingOf(machine('other', clock.wall() - 1000), true), 'good')
})

t.test('what a start cannot read makes older tokens unknown; later it says nothing', async (t) => {
  const clock = manualClock()
  const ledger = new TokenLedger({ clock, maxAgeMs: MAX_AGE_MS, degradedMs: DEGRADED_MS, maxNames: 100 })
  const at = clock.wall() - 60_000
  ledger.adopt()
  ledger.covers(clock.wall() - 2 * MAX_AGE_MS)
  ledger.missed(at)
  ledger.linked(clock.wall())
  t.equal(ledger.standingOf(machine('a', at + 5000), true), 'unknown')
  t.equal(ledger.standingOf(machine('a', at + 5001), true), 'good')
  ledger.missed(clock.wall())
  t.equal(ledger.standingOf(machine('a', at + 5001), true), 'good')
})

t.test('only an entry that ends the same name takes the place of what is taken here', async (t) => {
  const { ledger, clock } = start()
  const token = person('u', clock.wall() - 1000)
  ledger.take('of', ending({ kind: 'user', userId: 'u' }, 0))
  ledger.apply('of', ending({ kind: 'client', clientId: 'c' }, clock.wall()))
  ledger.apply('of', ending({ kind: 'user', userId: 'u' }, undefined))
  t.equal(ledger.standingOf(token, true), 'revoked')
  ledger.apply('of', ending({ kind: 'user', userId: 'u' }, clock.wall() - 60_000))
  t.equal(ledger.standingOf(token, true), 'good', 'it was written when the token was not issued yet')
})

t.test('an entry that ends nothing is no copy of one that does', async (t) => {
  const { ledger: tokens, clock } = start()
  const ledger = new Ledger({ clock, retentionMs: MAX_AGE_MS, tokens })
  const target = { kind: 'user', userId: 'u' } as const
  const read = (generation: string, ends: number | undefined): void =>
    ledger.apply(logEntry(clock.wall(), ending(target, ends), { of: 'of', generation }))
  ledger.adopt('one')
  read('one', 0)
  ledger.adopt('two')
  read('two', undefined)
  t.ok(ledger.pendingRepublish.has('of'))
  read('two', 0)
  t.notOk(ledger.pendingRepublish.has('of'))
})

t.test('a machine that slept by its wall clock knows nothing before its first poll', async (t) => {
  const { ledger, clock } = start()
  ledger.ran()
  clock.setWall(clock.wall() + 60_000)
  t.equal(ledger.standingOf(machine('a', clock.wall() - 90_000), false), 'unread')
  ledger.ran()
  t.equal(ledger.standingOf(machine('a', clock.wall() - 90_000), false), 'unread')
  ledger.linked(clock.wall())
  clock.setWall(clock.wall() + DEGRADED_MS)
  ledger.ran()
  ledger.linked(clock.wall() - DEGRADED_MS) // Redis' clock stood still as well
  t.equal(ledger.standingOf(machine('a', clock.wall() - 90_000), true), 'good')
})

t.test('a replica that is cut off counts by the clock that says more', async (t) => {
  const { ledger, clock } = start()
  for (let passed = 0; passed < DEGRADED_MS + 2000; passed += 2000) {
    clock.setWall(clock.wall() + 2000)
    ledger.ran()
  }
  t.not(ledger.standingOf(machine('a', clock.wall() - 90_000), false), 'good')
})

t.test('a Redis whose clock leaps ahead makes no revocation forgotten', async (t) => {
  const { ledger, clock } = start()
  const token = person('u', clock.wall() - 1000)
  ledger.apply('of', ending({ kind: 'user', userId: 'u' }, clock.wall()))
  clock.setWall(clock.wall() + 2 * MAX_AGE_MS)
  ledger.apply('of2', ending({ kind: 'client', clientId: 'c' }, clock.wall()))
  t.equal(ledger.standingOf(token, true), 'revoked', 'read, and not linked up yet')
  ledger.linked(clock.wall())
  ledger.apply('of3', ending({ kind: 'client', clientId: 'c' }, clock.wall()))
  ledger.linked(clock.wall() - 2 * MAX_AGE_MS)
  t.not(ledger.standingOf(token, true), 'good', 'nor one that goes back')
})
