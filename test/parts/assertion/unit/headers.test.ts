import t from 'tap'
import type { MemoryKey } from '../../../../src/base/core/cache-key.ts'
import { parsePolicy, SESSION_ONLY } from '../../../../src/base/core/policy.ts'
import { presentationOf } from '../../../../src/base/core/presentation.ts'
import type { EpochMs } from '../../../../src/base/core/token-expiry.ts'
import { createHeaders } from '../../../../src/parts/assertion/headers.ts'
import { ASSERTION_HEADER, type Assertion, type AssertionSubject } from '../../../../src/parts/assertion/types.ts'
import type { Known } from '../../../../src/base/identity/presenter.ts'
import { validResolution } from '../../../helpers/identity.ts'

const CREDENTIALS = { bearer: undefined, appSession: undefined, appAccessToken: undefined, session: undefined }
const ASSERTION: Assertion = { token: 'ey', issuedAt: 1000 as EpochMs, renewAt: 31_000 as EpochMs }

function known (roles: string, more: Partial<Known> = {}): Known {
  const { userId, identity } = validResolution({ 'user-id': 'alice', 'user-roles': roles })
  const admitted = {
    key: 'k' as MemoryKey, credentials: CREDENTIALS, userId, identity, digests: [], grant: undefined
  }
  return { admitted, profile: {}, session: undefined, now: 1500 as EpochMs, ...more }
}

/** What it signs, and what goes out. */
function start (result: Assertion | undefined = ASSERTION) {
  const signed: Array<readonly [AssertionSubject, string | undefined]> = []
  const headers = createHeaders({ sign (...args) { signed.push(args); return result } })
  return { headers, signed, giveOf: (query: string) => headers.route(presentationOf(parsePolicy(query))) }
}

t.test('it goes out for as long as it lasts', async (t) => {
  const { headers, giveOf } = start()
  t.strictSame(headers.names, [ASSERTION_HEADER])
  t.strictSame(giveOf('audience=wiki')?.(known('')), { values: ['ey'], lasts: { from: 1000, until: 31_000 } })
})

t.test('its audience is the route\'s, and a route that names two gets none', async (t) => {
  const { headers, signed, giveOf } = start()
  headers.route(presentationOf(SESSION_ONLY))?.(known(''))
  giveOf('audience=wiki')?.(known(''))
  t.strictSame(signed.map(([, audience]) => audience), [undefined, 'wiki'])
  t.equal(giveOf('audience=wiki&audience=grafana'), undefined)
})

t.test('it speaks of who is let in, and of the session as others name it', async (t) => {
  const { signed, giveOf } = start()
  giveOf('')?.(known('admin,editor'))
  giveOf('')?.(known('', { profile: { email: 'a@example.com', name: 'A', username: 'a' }, session: 'its name' }))
  const alice = { userId: 'alice', grant: undefined, credentials: CREDENTIALS }
  t.strictSame(signed.map(([subject]) => subject), [
    { ...alice, roles: ['admin', 'editor'], email: undefined, name: undefined },
    { ...alice, roles: [], email: 'a@example.com', name: 'A', session: 'its name' }
  ])
})

t.test('without a key there is none yet', async (t) => {
  const headers = createHeaders({ sign: () => undefined })
  t.equal(headers.route(presentationOf(SESSION_ONLY))?.(known('')), undefined)
})
