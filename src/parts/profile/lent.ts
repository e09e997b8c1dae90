import { LRUCache } from 'lru-cache'
import type { Clock, Moment } from '../../base/clock.ts'
import type { Asker, Loans } from '../../base/identity/profile.ts'
import type { Changes } from './changes.ts'
import type { Reading, Source } from './source.ts'
import type { Userinfo } from './userinfo.ts'

export type LentSourceDeps = Readonly<{
  userinfo: Pick<Userinfo, 'read'>
  loans: Loans
  changes: Pick<Changes, 'lifeOf'>
  clock: Clock
}>

/** How long credentials that opened no profile are not tried again. */
const REST_MS = 5000
/** The same if the call failed: it says nothing about the credentials. */
const REST_FAILED_MS = 1000
const MAX_RESTING = 10_000
const REFUSED: Reading = Object.freeze({ kind: 'refused' })

/** Reads a user from userinfo with the asker's own token. */
export function createLentSource ({ userinfo, loans, changes, clock }: LentSourceDeps): Source {
  const resting = new LRUCache<string, true>({
    max: MAX_RESTING, ttl: REST_MS, ttlResolution: 0, perf: { now: clock.monotonic }
  })

  async function read ({ userId, subject }: Asker): Promise<Reading> {
    if (subject === undefined) return REFUSED
    const askedAt = clock.monotonic()
    const token = await loans.lend(subject, userId)
    const reading = token === undefined ? REFUSED : await userinfo.read(token, userId, subject.trace())
    if (reading.kind === 'failed' && 'isAsked' in reading) return reading // who waited in vain may wait again
    const ttl = reading.kind === 'failed' ? REST_FAILED_MS : REST_MS
    if (reading.kind !== 'user') resting.set(subject.key, true, { ttl })
    // the session may have ended: waiting requests are judged by an answer of the resolver's from after this one
    if (reading.kind === 'refused' && token !== undefined) await loans.doubt(subject, clock.monotonic() - askedAt)
    return reading
  }

  return Object.freeze({
    isLent: true,
    mayAsk: ({ subject }: Asker) => subject !== undefined && !resting.has(subject.key),
    nameOf: ({ subject }: Asker) => subject?.key ?? '',
    read,
    lifeOf: ({ userId }: Asker, since: Moment, lifeMs: number) => changes.lifeOf(userId, since, lifeMs)
  })
}
