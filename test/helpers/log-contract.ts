import type { Test } from 'tap'
import type { Clock } from '../../src/base/clock.ts'
import { createKeyer } from '../../src/base/core/cache-key.ts'
import { cookieNames, readCredentials } from '../../src/base/core/credentials.ts'
import type { Revocation, RevocationLog } from '../../src/base/revocation/types.ts'
import { about, credential, EVERYTHING, user } from './log-entry.ts'
import type { JumpingClock } from './stream-log.ts'

export interface LogSubject { readonly log: RevocationLog, readonly clock: Clock & Pick<JumpingClock, 'jump'> }

const ALICE = about('alice', 'token', 'session')
const BOB = about('bob', 'bobs token')

/** What every log keeps to. */
export function logContract (t: Test, open: (t: Test) => Promise<LogSubject>): void {
  const rows: ReadonlyArray<readonly [string, Revocation, boolean, boolean]> = [
    ['a user', user('alice'), true, false],
    ['a credential', credential('session'), true, false],
    ['another user', user('bob'), false, true],
    ['everything', EVERYTHING, true, true],
    ['nobody anyone knows', user('carol'), false, false]
  ]
  for (const [what, revocation, alice, bob] of rows) {
    t.test(`revoking ${what} voids what began before it, and nothing else or later`, async (t) => {
      const { log } = await open(t)
      const before = log.snapshot()
      t.same([log.isVoid(ALICE, before), log.isVoid(BOB, before)], [false, false])
      const revoking = log.revoke(revocation)
      t.same([log.isVoid(ALICE, before), log.isVoid(BOB, before)], [alice, bob], 'at once')
      t.equal(await revoking, 'logged')
      t.same([log.isVoid(ALICE, before), log.isVoid(BOB, before)], [alice, bob], 'and when it is in the log')
      const after = log.snapshot()
      t.same([log.isVoid(ALICE, after), log.isVoid(BOB, after)], [false, false], 'what begins later is not')
      t.equal(await log.revoke(revocation), 'logged')
      t.same([log.isVoid(ALICE, after), log.isVoid(BOB, after)], [alice, bob], 'until it is revoked again')
    })
  }

  t.test('a credential is revoked whatever else it was sent with', async (t) => {
    const { log } = await open(t)
    const keyer = createKeyer(Buffer.alloc(32), { endpoint: 'https://auth.example.com', cookiePrefix: '' })
    const digestsOf = (cookie: string) => {
      const reading = readCredentials(['Cookie', cookie], cookieNames(''))
      return reading.kind === 'credentials' ? keyer.digests(reading.credentials) : []
    }
    const stolen = { userId: 'alice', digests: digestsOf('session=the-id.secret; app_session=junk') }
    for (const cookie of [
      'session=the-id.secret', 'session=the-id.another', 'app_session=junk', 'app_session=the-id.x'
    ]) {
      for (const digest of digestsOf(cookie).slice(-1)) {
        const before = log.snapshot()
        t.equal(
          await log.revoke({ target: { kind: 'credential', digest }, origin: 'management', quietMs: 0 }), 'logged'
        )
        t.ok(log.isVoid(stolen, before), cookie)
      }
    }
    const before = log.snapshot()
    for (const digest of digestsOf('session=other-id.secret')) {
      await log.revoke({ target: { kind: 'credential', digest }, origin: 'management', quietMs: 0 })
    }
    t.notOk(log.isVoid(stolen, before), 'another session')
  })

  t.test('names the credentials that were revoked, at once and afterwards, and nobody else', async (t) => {
    const { log } = await open(t)
    t.notOk(log.names(ALICE))
    const revoking = log.revoke(credential('session'))
    t.ok(log.names(ALICE), 'at once')
    await revoking
    t.ok(log.names(ALICE), 'and when it is in the log')
    await log.revoke(user('bob'))
    await log.revoke(EVERYTHING)
    t.notOk(log.names(BOB), 'a user and everything are no credential')
  })

  t.test('many at once are all logged', async (t) => {
    const { log } = await open(t)
    const before = log.snapshot()
    const users = Array.from({ length: 100 }, (_, index) => `u${index}`)
    t.same(new Set(await Promise.all(users.map((name) => log.revoke(user(name))))), new Set(['logged']))
    t.ok(users.every((name) => log.isVoid(about(name), before)))
    t.notOk(log.isVoid(BOB, before))
  })

  t.test('quiet begins when it is taken, and is of what began within it', async (t) => {
    const { log, clock } = await open(t)
    await log.revoke(user('alice', 60_000))
    const within = log.snapshot().at
    t.same([log.isUncacheable(ALICE, within), log.isUncacheable(BOB, within)], [true, false])
    clock.jump(60_000)
    t.same([log.isUncacheable(ALICE, within), log.isUncacheable(ALICE, log.snapshot().at)], [true, false])
    await log.revoke(user('bob'))
    t.ok(log.isUncacheable(ALICE, within), 'whenever it ends')
    t.notOk(log.isUncacheable(BOB, log.snapshot().at), 'none was asked for')
  })

  t.test('a log that has just been opened is followed, and closes twice', async (t) => {
    const { log } = await open(t)
    t.ok(log.isFollowing())
    await log.close()
    await log.close()
  })
}
