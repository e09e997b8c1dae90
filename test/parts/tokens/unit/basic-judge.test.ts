import t from 'tap'
import { createKeyer, type MemoryKey } from '../../../../src/base/core/cache-key.ts'
import type { RefusalReason } from '../../../../src/base/core/reason.ts'
import { AuthgearStatus, type ResolverError } from '../../../../src/base/errors.ts'
import type { HandlerResult, VerifyRequest } from '../../../../src/base/http/types.ts'
import { TooManyExchanges } from '../../../../src/parts/tokens/basic/errors.ts'
import { createJudgeBasic } from '../../../../src/parts/tokens/basic/judge.ts'
import type { Answer, Asked, Good } from '../../../../src/parts/tokens/basic/types.ts'
import type { RoutePolicy } from '../../../../src/parts/tokens/route-policy.ts'
import type { Verification } from '../../../../src/parts/tokens/verifier.ts'
import { RESOURCE } from '../../../helpers/token-issuer.ts'

const ROUTE: RoutePolicy = { policy: { kind: 'bad', why: '' }, needs: { resources: [RESOURCE], scopes: ['read'] } }
const PAIR = Buffer.from('one:secret').toString('base64')

const goodOf = (bearer: string): Good => ({
  kind: 'good',
  credentials: { bearer, appSession: undefined, appAccessToken: undefined, session: undefined },
  key: bearer as MemoryKey,
  issuedAt: 0,
  endsAt: 0,
  endsMonotonic: 0,
  renewAt: 0
})

type Said = Partial<HandlerResult> & Readonly<{ status: number }>
/** What is found for the pair, at first and again, and what becomes of its token. */
type Given = Readonly<{
  found?: Answer
  again?: Answer
  verified?: (bearer: string) => Verification | 'passes'
  concluded?: (bearer: string) => Said
  isLater?: boolean
  named?: readonly string[]
  blocked?: string
  headers?: readonly string[]
}>

/** @returns the answer, what it waited for, and who was asked */
async function judge (given: Given = {}) {
  const { found = goodOf('old'), again = goodOf('new'), isLater = false, named, blocked, headers } = given
  const { verified = () => 'passes', concluded = () => ({ status: 200, reason: 'allowed' }) } = given
  let [asked, replaced]: [Asked | undefined, number] = [undefined, 0]
  const judgeBasic = createJudgeBasic({
    pairs: {
      find (asks, headBytes, refuse) {
        asked = asks
        const answer = refuse('one') ?? (headBytes() === 100 ? found : undefined)
        if (answer === undefined) throw new Error('the bytes of a request that waits are counted')
        return isLater ? Promise.resolve(answer) : answer
      },
      async replace (asks, headBytes, old) {
        replaced++
        if (asks !== asked || headBytes() !== 100 || old !== found) throw new Error('another pair')
        return again
      }
    },
    verifier: {
      verify (bearer) {
        const verification = verified(bearer)
        const known = verification === 'passes' ? { kind: 'token' } as Verification : verification
        return isLater ? Promise.resolve(known) : known
      }
    },
    keyer: createKeyer(Buffer.alloc(32, 2), { endpoint: 'https://auth.example.com', cookiePrefix: '' }),
    clients: blocked === undefined ? undefined : { standingOf: (id) => id === blocked ? 'blocked' : 'free' },
    conclude (_route, { key, credentials }, verification) {
      const { bearer = '' } = credentials
      if (key !== bearer) throw new Error('it has the key of another token')
      const { status, ...said } = verification.kind === 'unavailable'
        ? { status: 503, reason: verification.error.reason, error: verification.error }
        : concluded(bearer)
      return { response: { status }, ...said } as unknown as HandlerResult
    }
  })
  const rawHeaders = headers ?? ['Authorization', `Basic ${PAIR}`]
  const trace = () => ({ address: '198.51.100.1', isNamed: true })
  const request = { rawHeaders, headBytes: () => 100, trace } as unknown as VerifyRequest
  const basic = { resource: RESOURCE, origin: RESOURCE, clients: named }
  const { response, ...rest } = await judgeBasic(request, ROUTE, basic)
  const lines = Object.fromEntries(Array.from({ length: (response.headers ?? []).length / 2 }, (_, i) =>
    [response.headers[2 * i] ?? '', response.headers[2 * i + 1]]))
  return { status: response.status, ...rest, lines, body: response.body, replaced, asked: asked as Asked | undefined }
}

t.test('a pair is asked about for its route’s resource, from its client’s network', async (t) => {
  const { asked, status } = await judge()
  t.equal(status, 200)
  t.match(asked, { token: PAIR, resource: RESOURCE })
  t.equal(asked?.from(), '198.51.100.1')
})

t.test('who sends no pair, or sends it from a page, is told how to get in', async (t) => {
  for (const headers of [
    [], ['Authorization', 'Digest x'], ['Authorization', `Basic ${PAIR}`, 'Sec-Fetch-Mode', 'navigate'],
    ['Authorization', `Basic ${PAIR}`, 'Origin', 'https://other.example.com']
  ]) {
    const { status, reason, asked, lines, body } = await judge({ headers })
    t.strictSame([status, reason, asked], [401, 'no_credentials', undefined], headers.join())
    t.equal(lines['www-authenticate'],
      `Bearer resource_metadata="${RESOURCE}/.well-known/oauth-protected-resource", scope="read"`)
    t.match(JSON.parse(body), { error: 'no_credentials' })
  }
  const own = ['Authorization', `Basic ${PAIR}`, 'Origin', RESOURCE]
  t.equal((await judge({ headers: own })).status, 200, 'a script of the resource itself')
})

t.test('a client that the route does not name, or that is blocked, asks nobody', async (t) => {
  t.match(await judge({ named: ['two', 'three'] }), {
    status: 401, reason: 'invalid_session', tokenError: 'client= does not name it'
  })
  t.match(await judge({ named: ['two', 'one'] }), { status: 200 })
  t.match(await judge({ named: [] }), { status: 401 })
  t.match(await judge({ blocked: 'one' }), {
    status: 401, reason: 'client_blocked', tokenError: 'its client is blocked'
  })
  t.match(await judge({ blocked: 'two' }), { status: 200 })
})

t.test('a wrong pair is refused in words that say nothing of it', async (t) => {
  const found = { kind: 'refused', why: 'invalid_client' } as const
  const { status, reason, body, tokenError, replaced } = await judge({ found })
  t.strictSame([status, reason, tokenError, replaced], [401, 'invalid_session', 'invalid_client', 0])
  t.equal(JSON.parse(body).message, 'The client id and secret sent are not accepted here.')
})

t.test('what says nothing of the pair is a 503, whose wait is longer at Authgear’s limit', async (t) => {
  const rows: ReadonlyArray<readonly [error: ResolverError, reason: RefusalReason, wait: string]> = [
    [new AuthgearStatus(500), 'authgear_unavailable', '2'],
    [new TooManyExchanges('429'), 'exchange_limited', '12']
  ]
  for (const [error, reason, wait] of rows) {
    const { lines, ...said } = await judge({ found: { kind: 'unavailable', error } })
    t.match(said, { status: 503, reason, error, source: 'authgear', replaced: 0 })
    t.equal(lines['retry-after'], wait, reason)
  }
})

const refused: Verification = { kind: 'refused', reason: 'invalid_session', why: 'its key is gone' }
const away: Verification = { kind: 'unavailable', error: new AuthgearStatus(500) }
const revoked: Said = { status: 401, reason: 'invalid_session', tokenError: 'revoked' }
const only = <T, U>(bearer: string, one: T, other: U) => (asked: string): T | U => asked === bearer ? one : other
const allowed: Said = { status: 200, reason: 'allowed' }

/** What became of a token that was good at Authgear, the answer, and how often it is replaced. */
const TOKENS: ReadonlyArray<readonly [what: string, given: Given, status: number, reason: string, replaced: number]> = [
  ['good', {}, 200, 'allowed', 0],
  ['its key is gone', { verified: only('old', refused, 'passes') }, 200, 'allowed', 1],
  ['the keys of both are gone', { verified: () => refused }, 503, 'authgear_misconfigured', 1],
  ['nobody knows the keys', { verified: () => away }, 503, 'authgear_unavailable', 0],
  ['revoked', { concluded: only('old', revoked, allowed) }, 200, 'allowed', 1],
  ['nobody knows whether it is revoked', { concluded: only('old', { ...revoked, tokenError: 'unknown' }, allowed) },
    200, 'allowed', 1],
  ['both are revoked', { concluded: () => revoked }, 503, 'exchange_limited', 1],
  ['refused for another reason', { concluded: () => ({ ...revoked, tokenError: 'other' }) }, 401, 'invalid_session', 0],
  ['its scope does not do', { concluded: () => ({ status: 403, reason: 'insufficient_scope', tokenError: 'revoked' }) },
    403, 'insufficient_scope', 0],
  ['revoked, and its pair is now wrong',
    { concluded: () => revoked, again: { kind: 'refused', why: 'invalid_client' } }, 401, 'invalid_session', 1],
  ['revoked, and Authgear is away',
    { concluded: () => revoked, again: { kind: 'unavailable', error: new AuthgearStatus(500) } },
    503, 'authgear_unavailable', 1]
]

t.test('a token that ends before its time is replaced, once', async (t) => {
  for (const [what, given, ...expected] of TOKENS) {
    for (const isLater of [false, true]) {
      const { status, reason, replaced } = await judge({ ...given, isLater })
      t.strictSame([status, reason, replaced], expected, `${what}${isLater ? ', later' : ''}`)
    }
  }
})

t.test('of two tokens that are revoked the second says when to come again', async (t) => {
  t.equal((await judge({ concluded: () => revoked })).lines['retry-after'], '12')
})
