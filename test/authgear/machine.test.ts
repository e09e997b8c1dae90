import t from 'tap'
import { readResourceToken } from '../../src/parts/tokens/read-token.ts'
import { claimsOf, type EpochMs } from '../../src/base/core/token-expiry.ts'
import { parseObject } from '../../src/base/core/json.ts'
import type { Answer } from '../helpers/request.ts'
import { until } from '../helpers/until.ts'
import { bearer, resolved, tokenCall, tokensIn, type Overrides } from './sign-ins.ts'
import { openSuite } from './suite.ts'

const suite = await openSuite('machine')
const { server } = suite
const resource = await server.openResource(['read', 'write'], ['read'])
const asking = (more: Overrides = {}): Overrides => ({
  grant_type: 'client_credentials', client_id: 'machine', client_secret: server.clientSecret, resource, ...more
})

/** Five calls a minute: one that comes too soon after another run waits for its turn. */
async function machineCall (more: Overrides = {}): Promise<Answer> {
  let answer = await tokenCall(server, asking(more))
  await until('a machine\'s turn', async () => {
    if (answer.status !== 429) return true
    answer = await tokenCall(server, asking(more))
    return false
  })
  return answer
}

t.test('a machine gets a token for a resource', async (t) => {
  const answer = await machineCall()
  suite.answers(t, 'all that it may', answer, '200 access_token,expires_in,scope,token_type')
  suite.says(t, 'its scope', String(parseObject(answer.body)?.['scope']), 'read')
  const { access } = tokensIn(answer)
  const claims = claimsOf(access) ?? {}
  suite.says(t, 'its claims', Object.keys(claims).toSorted().join(','), 'aud,client_id,exp,iat,iss,jti,scope,sub')
  const head = parseObject(Buffer.from(access.split('.')[0] ?? '', 'base64url').toString()) ?? {}
  suite.says(t, 'its header', `${Object.keys(head).toSorted().join(',')} ${String(head['typ'])}`, 'alg,kid,typ at+jwt')
  const rules = { issuer: server.origin, maxAgeMs: 3_600_000 }
  const reading = readResourceToken(claims, rules, Date.now() as EpochMs)
  t.match(reading, {
    kind: 'token', token: { userId: undefined, clientId: 'machine', audience: [resource], scopes: ['read'] }
  })
  suite.says(t, 'it is no session', await resolved(server, bearer(access)), '200 nothing')
})

t.test('what a machine is refused, and how often it may ask', async (t) => {
  for (const [name, more, expected] of [
    ['a scope that it may not', { scope: 'write' }, '400 invalid_scope: specified scope is not allowed: write'],
    ['openid', { scope: 'openid' }, '400 invalid_scope: specified scope is not allowed: openid'],
    ['a wrong secret', { client_secret: 'wrong' }, '400 invalid_request: invalid client secret'],
    ['an unknown resource', { resource: 'https://unknown.example' }, '400 invalid_target: resource not found']
  ] as const) suite.answers(t, name, await machineCall(more), expected)
  const sixth = '429 x_rate_limited: rate limit exceeded, please try again later.'
  suite.answers(t, 'the sixth call within a minute', await tokenCall(server, asking()), sixth)
})

suite.end()
