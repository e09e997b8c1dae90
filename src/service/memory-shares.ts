import { RECORD_SHARE } from './access-record.ts'
import { PROFILE_SHARE } from './profiles.ts'
import { TOKEN_SHARE } from './resources.ts'
import type { ServiceSettings } from './settings.ts'

/** Of CACHE_MAX_MEMORY: for what goes out beside Authgear's headers. */
const PRESENTED_SHARE = 0.1
/** Of what the others leave: a record of our own takes some 2 KiB, and what is resolved of it a third of that. */
const OWN_SESSION_SHARE = 0.6

/** A route may name a set that no setting does: a tenth is little, and without it there is room for few. */
export function presentedShareOf (
  { identity, assertion, hasEvents }: Pick<ServiceSettings, 'identity' | 'assertion' | 'hasEvents'>
): number {
  const isUsual = identity.headers.all.length > 0 || assertion !== undefined || hasEvents
  return isUsual ? PRESENTED_SHARE : PRESENTED_SHARE / 10
}

/**
 * Bytes of sessions: what tokens, profiles, the access record and prepared answers leave of CACHE_MAX_MEMORY, where
 * they are in use.
 * `own`: of the records of LOGIN_SESSION=own; `resolved`: of what Authgear said.
 */
export function sessionBytes (settings: ServiceSettings): Readonly<{ own: number, resolved: number }> {
  const { cache, resources, profile, login, accessRecord } = settings
  const ofTokens = resources.length === 0 ? 0 : TOKEN_SHARE
  const ofProfiles = profile === undefined ? 0 : PROFILE_SHARE
  const ofRecord = accessRecord === undefined ? 0 : RECORD_SHARE
  const left = cache.maxBytes * (1 - ofTokens - ofProfiles - ofRecord - presentedShareOf(settings))
  const own = login?.own === undefined ? 0 : left * OWN_SESSION_SHARE
  return { own: Math.floor(own), resolved: Math.floor(left - own) }
}
