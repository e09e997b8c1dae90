import type { CredentialContext } from '../../src/base/authenticate/types.ts'
import { createKeyer } from '../../src/base/core/cache-key.ts'
import type { Credentials } from '../../src/base/core/credentials.ts'
import { EVERYTHING, namesOf, type Target } from '../../src/base/revocation/types.ts'
import { credentials } from '../helpers/credentials.ts'

export const keyer = createKeyer(Buffer.alloc(32, 1), { endpoint: 'https://model.example', cookiePrefix: '' })

/** Somebody's way to be known: a key of the cache, and every name under which it may be revoked. */
export type Person = CredentialContext
  & Readonly<{ user: string, names: readonly string[], withoutUser: readonly string[] }>

function person (user: string, some: Partial<Credentials>): Person {
  const sent = credentials(some)
  const digests = keyer.digests(sent)
  const cacheKey = keyer.cacheKey(sent)
  return Object.freeze({
    user,
    names: [EVERYTHING, ...namesOf(user, digests)],
    withoutUser: [EVERYTHING, ...namesOf(undefined, digests)],
    key: keyer.memoryKey(sent),
    cacheKey: () => cacheKey,
    cacheKeys: () => ({ current: cacheKey, previous: undefined }),
    credentials: sent,
    headBytes: () => 0,
    trace: () => ({ address: undefined, userAgent: undefined, traceparent: undefined, tracestate: undefined })
  })
}

/** The second is a copy of the first one's cookie beside a junk one: another key, the same credential. */
export const PEOPLE: readonly Person[] = [
  person('ann', { session: 'one.secret' }),
  person('ann', { session: 'one.secret', appSession: 'junk' }),
  person('ann', { bearer: 'token-of-ann' }),
  person('bob', { session: 'two.secret' })
]

const targets = new Map<string, Target>([['*', { kind: 'everything' }]])
for (const { user, credentials: sent } of PEOPLE) {
  for (const digest of keyer.digests(sent)) targets.set(`c:${digest}`, { kind: 'credential', digest })
  targets.set(`u:${user}`, { kind: 'user', userId: user })
}

/** Users come twice, as in life; only resource tokens have a client. */
export const TARGETS: readonly Target[] = [
  { kind: 'client', clientId: 'client' },
  ...targets.values(),
  ...[...targets.values()].filter(({ kind }) => kind === 'user')
]
