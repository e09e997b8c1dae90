import t from 'tap'
import { IDENTITY_HEADERS } from '../../../src/core/resolution.ts'
import type { Answer } from '../../helpers/request.ts'
import { violationsOf, type Question } from '../../processes/oracle.ts'
import type { Person } from '../../processes/people.ts'

const BOUNDS = { ttlMs: 20_000, staleMs: 2000, unknownMs: 6500 }
const ANN: Person = { id: 'ann', name: 'ann', isAdmin: true, token: 't', cookie: 'c' }
const BOB: Person = { ...ANN, id: 'bob', isAdmin: false }
const as = (id: string, roles: string, more: Record<string, string> = {}): Answer => ({
  status: 200,
  headers: {
    ...Object.fromEntries(IDENTITY_HEADERS.map((name) => [name, ''])),
    'x-authgear-user-id': id,
    'x-authgear-user-roles': roles,
    ...more
  },
  body: ''
})
const refused = (status: number, headers: Answer['headers'] = {}): Answer => ({ status, headers, body: '{}' })
const { 'x-authgear-session-amr': _, ...seven } = as('ann', 'admin,staff').headers

const rows: ReadonlyArray<
  readonly [what: string, question: Partial<Question>, answer: Answer, violation: RegExp | undefined]
> = [
  ['her own identity', {}, as('ann', 'admin,staff'), undefined],
  ['somebody else’s', {}, as('bob', 'admin,staff'), /another user/],
  ['roles that are not hers', {}, as('ann', 'staff'), /other roles/],
  ['seven headers', {}, { ...as('ann', 'admin,staff'), headers: seven }, /missing/],
  ['a cookie', {},
    { ...as('ann', 'admin,staff'), headers: { ...as('ann', 'admin,staff').headers, 'set-cookie': ['a=b'] } }, /cookie/],
  ['nobody let in', { person: undefined }, as('ann', 'admin,staff'), /without a session/],
  ['nobody refused', { person: undefined }, refused(401), undefined],
  ['a policy met', { policy: 'admin' }, as('ann', 'admin,staff'), undefined],
  ['a policy skipped', { policy: 'admin', person: BOB }, as('bob', 'staff'), /policy was skipped/],
  ['a policy refused', { policy: 'admin', person: BOB }, refused(403), undefined],
  ['forbidden where nothing was asked', { person: BOB }, refused(403), /without a reason/],
  ['forbidden though she may', { policy: 'admin' }, refused(403), /without a reason/],
  ['a log-out that is none', {}, refused(401), /log-out/],
  ['an outage', {}, refused(503), undefined],
  ['an error page', {}, refused(500), /status 500/],
  ['a refusal that says who it is', {}, refused(503, { 'x-authgear-user-id': 'ann' }), /identity headers/],
  ['ended while it was asked', { person: { ...ANN, endedAt: 1005 } }, refused(401), undefined],
  ['ended long ago', { person: { ...ANN, endedAt: 1000 - 22_250 } }, as('ann', 'admin,staff'), /after its end/],
  ['ended a moment ago', { person: { ...ANN, endedAt: 1000 - 22_249 } }, as('ann', 'admin,staff'), undefined],
  ['revoked long ago', { person: { ...ANN, endedAt: 0, revokedAt: 1000 - 6750 } }, as('ann', 'admin,staff'),
    /after it was revoked/],
  ['revoked a moment ago', { person: { ...ANN, endedAt: 0, revokedAt: 1000 - 6749 } }, as('ann', 'admin,staff'),
    undefined]
]

t.test('what must never happen is seen, and nothing else', async (t) => {
  for (const [what, question, answer, violation] of rows) {
    const found = violationsOf(
      { person: ANN, policy: 'none', sentAt: 1000, endedAt: 1010, ...question }, answer, BOUNDS
    )
    t.match(found, violation === undefined ? [] : [violation], what)
    t.equal(found.length, violation === undefined ? 0 : 1, what)
  }
})
