import t from 'tap'
import { readAnswer } from '../../src/parts/tokens/basic/exchange.ts'
import { readResourceToken } from '../../src/parts/tokens/read-token.ts'
import { claimsOf, type EpochMs } from '../../src/base/core/token-expiry.ts'
import { parseObject } from '../../src/base/core/json.ts'
import { ServiceError } from '../../src/base/errors.ts'
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

/** What `basic=on` makes of the answer to a client id and secret. */
function exchanged ({ status, body }: Answer): string {
  try {
    const read = readAnswer({ status, text: body })
    return read.kind === 'token' ? read.kind : `refused, ${read.of}`
  } catch (error) {
    return error instanceof ServiceError ? error.code : String(error)
  }
}

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
  t.equal(exchanged(answer), 'token')
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

/** What is refused, as Authgear says it, and what it says of the client id and secret. */
const REFUSED = [
  ['a scope that it may not', { scope: 'write' },
    '400 invalid_scope: specified scope is not allowed: write', 'AUTHGEAR_MISCONFIGURED'],
  ['openid', { scope: 'openid' },
    '400 invalid_scope: specified scope is not allowed: openid', 'AUTHGEAR_MISCONFIGURED'],
  ['a wrong secret', { client_secret: 'wrong' },
    '400 invalid_request: invalid client secret', 'refused, pair'],
  ['an unknown resource', { resource: 'https://unknown.example' },
    '400 invalid_target: resource not found', 'refused, resource']
] as const

t.test('what a machine is refused, and how often it may ask', async (t) => {
  for (const [name, more, expected, read] of REFUSED) {
    const answer = await machineCall(more)
    suite.answers(t, name, answer, expected)
    t.equal(exchanged(answer), read, `${name}: for basic=on`)
  }
  const sixth = await tokenCall(server, asking())
  suite.answers(t, 'the sixth call within a minute, with the right secret', sixth,
    '429 x_rate_limited: rate limit exceeded, please try again later.')
  t.equal(exchanged(sixth), 'TOO_MANY_EXCHANGES')
})

t.test('a client that is no machine is refused whatever the limit of others', async (t) => {
  const [unknown, own] = [await machineCall({ client_id: 'nobody' }), await machineCall({ client_id: 'own' })]
  suite.answers(t, 'an unknown client', unknown, '400 invalid_client: invalid client ID')
  suite.answers(t, 'a client of people', own,
    '400 unauthorized_client: grant type is not allowed for this client')
  t.strictSame([unknown, own].map(exchanged), ['refused, pair', 'refused, pair'])
})

suite.end()
