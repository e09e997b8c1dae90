import t from 'tap'
import { startInProcess } from '../helpers/in-process.ts'
import { jwt } from '../helpers/jwt.ts'
import { ask, type HeaderLine } from '../helpers/request.ts'
import { demo } from '../helpers/simulator.ts'
import { reply, startUpstream } from '../helpers/upstream.ts'
import { advisory } from './helpers/advisory.ts'
import { identityOf } from './helpers/world.ts'

const ENDPOINT = 'https://auth.example.com'
const RESOURCE = 'https://orders.example.com'
const EXP = 9_999_999_999
const bearer = (token: string): HeaderLine => ['Authorization', `Bearer ${token}`]
const cookie = (text: string): HeaderLine => ['Cookie', text]

/**
 * A token for a resource, as an agent that a person let in there holds it; its claims are those of RFC 9068, section
 * 2.2.
 */
const claims = { iss: ENDPOINT, sub: demo.alice.id, client_id: 'agent', scope: 'read:orders', exp: EXP }
const forResource = jwt({ ...claims, aud: [RESOURCE] })

const FOREIGN: ReadonlyArray<readonly [what: string, token: string]> = [
  ['for one resource', forResource],
  ['whose audience is a text', jwt({ ...claims, aud: RESOURCE })],
  ['for two resources', jwt({ ...claims, aud: [RESOURCE, 'https://files.example.com'] })],
  ['whose audience only begins with the endpoint', jwt({ ...claims, aud: [`${ENDPOINT}.evil.example`] })],
  ['whose audience is the endpoint and a slash', jwt({ ...claims, aud: [`${ENDPOINT}/`] })],
  ['whose audience is the endpoint in upper case', jwt({ ...claims, aud: [ENDPOINT.toUpperCase()] })],
  ['whose audience is the endpoint over http', jwt({ ...claims, aud: ['http://auth.example.com'] })],
  ['whose audience hides in a list of lists', jwt({ ...claims, aud: [[ENDPOINT]] })],
  ['whose audience is an object', jwt({ ...claims, aud: { 0: ENDPOINT } })],
  ['without an audience', jwt(claims)],
  ['with an empty list of audiences', jwt({ ...claims, aud: [] })],
  ['without an end', jwt({ sub: demo.alice.id, aud: [RESOURCE] })],
  ['that has long expired', jwt({ ...claims, aud: [RESOURCE], exp: 1 })],
  ['of another type', jwt({ ...claims, aud: [RESOURCE] }, { alg: 'RS256', typ: 'JWT' })],
  ['of a type in upper case', jwt({ ...claims, aud: [RESOURCE] }, { alg: 'RS256', typ: 'AT+JWT' })],
  ['of another issuer', jwt({ ...claims, iss: 'https://elsewhere.example', aud: [RESOURCE] })],
  ['whose type has its prefix', jwt({ aud: [RESOURCE] }, { alg: 'RS256', typ: 'application/at+jwt' })],
  ['without a type', jwt({ ...claims, aud: [RESOURCE] }, { alg: 'RS256' })],
  ['whose header cannot be read', jwt({ ...claims, aud: [RESOURCE] }, 'no JSON')],
  [
    'padded',
    forResource.split('.')
      .map((part, index) => (index === 1 ? Buffer.from(part, 'base64url').toString('base64') : part))
      .join('.')
  ],
  ['without a signature', `${forResource.split('.').slice(0, 2).join('.')}.`]
]

/** Its last character has four bits that say nothing, as that of an RS256 signature has. */
const own = jwt({ ...claims, aud: [ENDPOINT] }).replace(/[^.]+$/, 'c2lnbg')
/** Authgear decodes these as it decodes the one that it wrote. */
const SPELLINGS: readonly string[] = [
  `${own}=`, `${own}==`, `${own.slice(0, -1)}h`, own.replace(/[^.]+$/, ' c2lnbg')
]

/** Authgear as one of its specifications has it: a resource's token is as good as a session there. */
async function startWorld (t: Parameters<typeof startUpstream>[0]) {
  const identity = [['X-Authgear-Session-Valid', 'true'], ['X-Authgear-User-Id', demo.alice.id]] as const
  let calls = 0
  const upstream = await startUpstream(t, (socket) => { calls++; socket.write(reply(200, [...identity])) })
  const resolverUrl = `http://127.0.0.1:${upstream.port}/resolve`
  const adapter = await startInProcess(t, {
    AUTHGEAR_ENDPOINT: ENDPOINT, AUTHGEAR_RESOLVER_URL: resolverUrl, IDENTIFY_LISTEN: '127.0.0.1:0'
  })
  const verify = async (headers: readonly HeaderLine[]) => await ask(adapter.port, { path: '/verify', headers })
  const identify = async (headers: readonly HeaderLine[]) =>
    await ask(adapter.identifyPort, { path: '/identify', headers })
  return { adapter, verify, identify, calls: () => calls }
}

advisory(t, 'Authgear, found here', 'a token for one resource opened every app', async (t) => {
  const { verify, identify, adapter, calls } = await startWorld(t)
  for (const [what, token] of FOREIGN) {
    const ways: ReadonlyArray<readonly [way: string, headers: readonly HeaderLine[]]> = [
      ['as bearer', [bearer(token)]],
      ['as app_access_token', [cookie(`app_access_token=${token}`)]],
      ['as bearer beside a session', [bearer(token), cookie(`session=${demo.alice.cookie}`)]],
      ['as app_access_token beside a bearer', [bearer(demo.alice.accessToken), cookie(`app_access_token=${token}`)]]
    ]
    for (const [way, headers] of ways) {
      const answer = await verify(headers)
      t.equal(answer.status, 401, `a token ${what}, ${way}`)
      t.equal(answer.headers['x-forward-auth-reason'], 'wrong_audience')
      t.match(answer.headers['www-authenticate'], /error="invalid_token"/)
      t.same(identityOf(answer), [])
      const shown = await identify(headers)
      t.equal(shown.headers['x-authgear-session-valid'], 'false', 'and /identify names nobody')
      t.equal(shown.headers['x-authgear-user-id'], '')
    }
  }
  t.equal(calls(), 0, 'Authgear is never asked')
  const counted =
    /forward_auth_requests_total\{endpoint="verify",status="401",reason="wrong_audience",source="none"\} (\d+)/
  t.equal(Number(counted.exec(await adapter.service.metrics.render())?.[1]), FOREIGN.length * 4, 'each is counted')
  t.ok(adapter.lines.every((line) => !JSON.stringify(line).includes(forResource)), 'no token is in a log line')
})

t.test('a token whose audience names the endpoint is for Authgear to judge', async (t) => {
  const { verify, calls } = await startWorld(t)
  const rows: ReadonlyArray<readonly [what: string, token: string]> = [
    ['alone', jwt({ ...claims, aud: [ENDPOINT] })],
    ['as a text', jwt({ ...claims, aud: ENDPOINT })],
    ['beside a resource', jwt({ ...claims, aud: [RESOURCE, ENDPOINT] })],
    ["an app's own, as Home Assistant makes them", jwt({ iss: 'a1b2c3', exp: EXP }, { alg: 'HS256', typ: 'JWT' })],
    ['of another issuer, for an audience of its own',
      jwt({ iss: 'https://kubernetes.example', aud: ['dashboard'] }, { alg: 'RS256' })],
    ['three parts that hold no claims', 'one.two.three'],
    ['an opaque token', demo.alice.accessToken]
  ]
  for (const [index, [what, token]] of rows.entries()) {
    t.equal((await verify([bearer(token)])).status, 200, what)
    t.equal(calls(), index + 1)
  }
})

t.test('one session token has one spelling, so that a purge that names it ends it', async (t) => {
  const { verify, identify, calls } = await startWorld(t)
  t.equal((await verify([bearer(own)])).status, 200)
  for (const token of SPELLINGS) {
    for (const headers of [
      [bearer(token)], [cookie(`app_access_token=${token}`)], [bearer(token), cookie(`session=${demo.alice.cookie}`)]
    ]) {
      t.match(await verify(headers), { status: 401, headers: { 'x-forward-auth-reason': 'malformed_credentials' } })
      t.match(await identify(headers), { headers: { 'x-authgear-session-valid': 'false' } })
    }
  }
  t.equal(calls(), 1, 'Authgear is asked about the one alone')
})

t.test('a cookie app_access_token that no token is spelt as hides no session beside it', async (t) => {
  const { verify, calls } = await startWorld(t)
  for (const [index, token] of SPELLINGS.entries()) {
    const answer = await verify([cookie(`app_access_token=${token}; session=${demo.alice.cookie}`)])
    t.match(answer, { status: 200, headers: { 'x-authgear-user-id': demo.alice.id } })
    t.equal(calls(), index + 1)
  }
})
