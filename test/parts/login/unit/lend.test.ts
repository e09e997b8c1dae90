import t from 'tap'
import type { CredentialContext } from '../../../../src/base/authenticate/types.ts'
import type { CacheKeys } from '../../../../src/base/core/cache-key.ts'
import type { UserId } from '../../../../src/base/core/resolution.ts'
import { AuthgearGarbage } from '../../../../src/base/errors.ts'
import { ofToken, type OwnSessions } from '../../../../src/parts/login/sessions/sessions.ts'
import { createLend } from '../../../../src/parts/login/sessions/resolve.ts'
import { ownCredentials } from '../../../../src/parts/login/sessions/cookie.ts'
import type { SessionRecord } from '../../../../src/parts/login/sessions/record.ts'

const HOST = 'app.example.com'
const ALICE = 'alice' as UserId
const COOKIE = ownCredentials(HOST, 'v'.repeat(43))
const RECORD = { host: HOST, userId: 'alice', accessToken: 'the access token' } as unknown as SessionRecord

const subjectOf = (credentials: CredentialContext['credentials']) =>
  ({ credentials, cacheKeys: () => ({}) as CacheKeys, trace: () => ({}) }) as unknown as CredentialContext

const lendBy = (opened: Awaited<ReturnType<OwnSessions['open']>>) =>
  createLend({ open: async () => opened }, { sentDigests: () => ({ whole: [], all: [] }) })
const ofSession = (record: Partial<SessionRecord> = {}) => lendBy({ kind: 'session', record: { ...RECORD, ...record } })

t.test('a session lends its access token for its own user, at its own host', async (t) => {
  t.equal(await ofSession()(subjectOf(COOKIE), ALICE), 'the access token')
  t.equal(await ofSession({ userId: 'bob' })(subjectOf(COOKIE), ALICE), undefined, "another user's session")
  t.equal(await ofSession()(subjectOf(COOKIE), 'bob' as UserId), undefined, 'asked for another user')
  t.equal(await ofSession({ host: 'wiki.example.com' })(subjectOf(COOKIE), ALICE), undefined, 'of another host')
})

t.test('where there is no session nothing is lent', async (t) => {
  t.equal(await lendBy({ kind: 'none' })(subjectOf(COOKIE), ALICE), undefined)
  const error = new AuthgearGarbage('nobody can say')
  t.equal(await lendBy({ kind: 'unavailable', error })(subjectOf(COOKIE), ALICE), undefined)
})

t.test('a bearer token stands for itself', async (t) => {
  t.equal(await ofSession()(subjectOf(ofToken('a token')), ALICE), 'a token')
})
