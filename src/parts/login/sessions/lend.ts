import type { Keyer } from '../../../base/core/cache-key.ts'
import type { Loans } from '../../../base/identity/profile.ts'
import type { OwnSessions } from './sessions.ts'

/** Lends the access token of that user's session, or the bearer token that came with the request. */
export function createLend (own: Pick<OwnSessions, 'open'>, keyer: Pick<Keyer, 'sentDigests'>): Loans['lend'] {
  return async (subject, userId) => {
    const { credentials } = subject
    const { own: cookie, bearer } = credentials
    if (cookie === undefined) return bearer
    const digests = keyer.sentDigests(credentials)
    const opened = await own.open({ own: cookie, keys: subject.cacheKeys(), digests, trace: subject.trace() })
    if (opened.kind !== 'session' || !cookie.startsWith(`${opened.record.host} `)) return undefined
    return opened.record.userId === userId ? opened.record.accessToken : undefined
  }
}
