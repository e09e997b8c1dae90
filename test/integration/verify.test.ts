import t, { type Test } from 'tap'
import { checkInvariants } from '../helpers/invariants.ts'
import { demo, startSimulator, type RunningSimulator } from '../helpers/simulator.ts'
import { makeTls } from '../helpers/tls.ts'
import {
  PROTOCOLS, startInProcessOver, WITH_GRPC, type Asked, type Protocol, type InProcessOver
} from '../helpers/in-process-over.ts'

const tls = makeTls(t)
const { alice, bob, dora } = demo
const bearer = (token: string): Asked => ({ headers: { authorization: `Bearer ${token}` } })
const cookie = (text: string): Asked => ({ headers: { cookie: text } })
const jwt = (exp: number, aud?: string): string =>
  [
    { alg: 'RS256', typ: 'at+jwt' },
    { sub: 'u', exp, aud }
  ]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.') + '.c2ln'

interface Row {
  readonly name: string
  /** May depend on the project's origin. */
  readonly asked: Asked | ((origin: string) => Asked)
  /** Node's HTTP/2 client refuses to send it: test/fuzz/http2.test.ts does. */
  readonly protocols?: readonly Protocol[]
  readonly before?: (simulator: RunningSimulator) => void
  readonly status: number
  /** The outward reason. */
  readonly reason: string
  /** The true one, in the log, where the outward one hides it. */
  readonly logged?: string
  /** AUTHGEAR_TIMEOUT, where it is to be met. */
  readonly timeoutMs?: number
  /** How often Authgear is asked. */
  readonly calls: number
}

const ROWS: readonly Row[] = [
  { name: 'a bearer token', asked: bearer(alice.accessToken), status: 200, reason: 'allowed', calls: 1 },
  {
    name: 'a session cookie',
    asked: cookie(`a=b; session=${alice.cookie}; c=d`),
    status: 200,
    reason: 'allowed',
    calls: 1
  },
  {
    name: 'an app_session cookie',
    asked: cookie(`app_session=${bob.appSession}`),
    status: 200,
    reason: 'allowed',
    calls: 1
  },
  {
    name: 'an app_access_token cookie',
    asked: cookie(`app_access_token=${bob.accessToken}`),
    status: 200,
    reason: 'allowed',
    calls: 1
  },
  { name: 'no credential at all', asked: {}, status: 401, reason: 'no_credentials', calls: 0 },
  {
    name: 'the Basic scheme is the app’s own business',
    asked: { headers: { authorization: 'Basic dXNlcjpwYXNz' } },
    status: 401,
    reason: 'no_credentials',
    calls: 0
  },
  {
    name: 'a bearer token over 16 KiB',
    asked: bearer('x'.repeat(16 * 1024 + 1)),
    status: 401,
    reason: 'malformed_credentials',
    calls: 0
  },
  {
    name: 'a session cookie over 1 KiB',
    asked: cookie(`session=${'x'.repeat(1025)}`),
    status: 401,
    reason: 'malformed_credentials',
    calls: 0
  },
  // as recorded at a real Authgear (docs/authgear.md, "Credentials"): what cannot be one falls through
  ...[1100, 4090].map((length): Row => ({
    name: `an app's own cookie session of ${length} bytes beside a bearer token`,
    asked: { headers: { authorization: `Bearer ${alice.accessToken}`, cookie: `session=${'x'.repeat(length)}` } },
    status: 200,
    reason: 'allowed',
    calls: 1
  })),
  {
    name: 'a bearer token of 17,000 bytes beside a session cookie',
    asked: { headers: { authorization: `Bearer ${'x'.repeat(17_000)}`, cookie: `session=${alice.cookie}` } },
    status: 200,
    reason: 'allowed',
    calls: 1
  },
  {
    name: 'two Authorization lines',
    protocols: ['HTTP/1.1', 'gRPC'],
    asked: { headers: { authorization: [`Bearer ${alice.accessToken}`, `Bearer ${bob.accessToken}`] } },
    status: 401,
    reason: 'ambiguous_credentials',
    calls: 0
  },
  {
    name: 'a comma in a bearer value',
    asked: bearer(`${alice.accessToken},Bearer ${bob.accessToken}`),
    status: 401,
    reason: 'ambiguous_credentials',
    calls: 0
  },
  {
    name: 'a JWT that expired over a minute ago',
    asked: (origin) => bearer(jwt(Date.now() / 1000 - 61, origin)),
    status: 401,
    reason: 'expired_credentials',
    calls: 0
  },
  {
    name: 'a JWT that expired just now is Authgear’s to judge',
    asked: (origin) => bearer(jwt(Date.now() / 1000 - 5, origin)),
    status: 401,
    reason: 'invalid_session',
    calls: 2
  },
  {
    name: 'a JWT for another audience',
    asked: bearer(jwt(Date.now() / 1000 + 3600)),
    status: 401,
    reason: 'wrong_audience',
    calls: 0
  },
  { name: 'an unknown token', asked: bearer('A'.repeat(32)), status: 401, reason: 'invalid_session', calls: 2 },
  { name: 'an unknown session', asked: cookie('session=x'), status: 401, reason: 'invalid_session', calls: 1 },
  {
    name: 'a disabled user',
    asked: cookie(`session=${dora.cookie}`),
    status: 401,
    reason: 'invalid_session',
    calls: 1
  },
  {
    name: 'true without a user id',
    asked: bearer(alice.accessToken),
    before: ({ controls }) => controls.fail('no-user-id'),
    status: 401,
    reason: 'invalid_session',
    calls: 1
  },
  {
    name: 'no verdict at all on a session cookie is asked once more',
    asked: cookie(`session=${alice.cookie}`),
    before: ({ controls }) => controls.fail('silent'),
    status: 401,
    reason: 'invalid_session',
    calls: 2
  },
  {
    name: 'no verdict once, then a verdict',
    asked: cookie(`session=${alice.cookie}`),
    before: ({ controls }) => controls.fail('silent', 1),
    status: 200,
    reason: 'allowed',
    calls: 2
  },
  {
    name: 'no verdict at all on a token is asked once more',
    asked: bearer(alice.accessToken),
    before: ({ controls }) => controls.fail('silent'),
    status: 401,
    reason: 'invalid_session',
    calls: 2
  },
  {
    name: 'no verdict once on a token, then a verdict',
    asked: bearer(alice.accessToken),
    before: ({ controls }) => controls.fail('silent', 1),
    status: 200,
    reason: 'allowed',
    calls: 2
  },
  {
    name: 'a policy that cannot be understood',
    asked: { path: '/verify?rolle=admin', ...bearer(alice.accessToken) },
    status: 403,
    reason: 'forbidden',
    logged: 'bad_policy',
    calls: 1
  },
  {
    name: 'a policy header that cannot be understood',
    protocols: PROTOCOLS,
    asked: { headers: { authorization: `Bearer ${alice.accessToken}`, 'x-forward-auth-policy': 'rolle=admin' } },
    status: 403,
    reason: 'forbidden',
    logged: 'bad_policy',
    calls: 1
  },
  {
    name: 'a stranger learns nothing of a bad policy',
    asked: { path: '/verify?rolle=admin' },
    status: 401,
    reason: 'no_credentials',
    calls: 0
  },
  {
    name: 'Authgear answers 500, twice',
    asked: bearer(alice.accessToken),
    before: ({ controls }) => controls.fail('error'),
    status: 503,
    reason: 'authgear_unavailable',
    calls: 2
  },
  {
    name: 'Authgear answers 500 once',
    asked: bearer(alice.accessToken),
    before: ({ controls }) => controls.fail('error', 1),
    status: 200,
    reason: 'allowed',
    calls: 2
  },
  {
    name: 'Authgear redirects',
    asked: bearer(alice.accessToken),
    before: ({ controls }) => controls.fail('redirect'),
    status: 503,
    reason: 'authgear_unavailable',
    logged: 'authgear_misconfigured',
    calls: 1
  },
  {
    name: 'Authgear does not know the project',
    asked: bearer(alice.accessToken),
    before: ({ controls }) => controls.fail('not-found'),
    status: 503,
    reason: 'authgear_unavailable',
    logged: 'authgear_misconfigured',
    calls: 1
  },
  {
    name: 'it is not the resolver',
    asked: bearer(alice.accessToken),
    before: ({ controls }) => controls.fail('method-not-allowed'),
    status: 503,
    reason: 'authgear_unavailable',
    logged: 'authgear_misconfigured',
    calls: 1
  },
  {
    name: 'Authgear answers garbage',
    asked: bearer(alice.accessToken),
    before: ({ controls }) => controls.fail('garbage-header'),
    status: 503,
    reason: 'authgear_unavailable',
    calls: 1
  },
  {
    name: 'it is not HTTP',
    asked: bearer(alice.accessToken),
    before: ({ controls }) => controls.fail('not-http'),
    status: 503,
    reason: 'authgear_unavailable',
    calls: 1
  },
  {
    name: 'headers over the limit',
    asked: bearer(alice.accessToken),
    before: ({ controls }) => controls.fail('huge-headers'),
    status: 503,
    reason: 'authgear_unavailable',
    logged: 'authgear_misconfigured',
    calls: 1
  },
  {
    name: 'a body over the limit',
    asked: bearer(alice.accessToken),
    before: ({ controls }) => controls.fail('endless-body'),
    timeoutMs: 5000,
    status: 503,
    reason: 'authgear_unavailable',
    calls: 1
  },
  {
    name: 'the connection dies before the answer, twice',
    asked: bearer(alice.accessToken),
    before: ({ controls }) => controls.fail('reset'),
    status: 503,
    reason: 'authgear_unavailable',
    calls: 2
  },
  {
    name: 'Authgear is slow',
    asked: bearer(alice.accessToken),
    before: ({ controls }) => controls.fail('hang'),
    timeoutMs: 300,
    status: 503,
    reason: 'authgear_unavailable',
    calls: 1
  }
]

for (const protocol of WITH_GRPC) {
  for (const path of ['/verify', '/ext-authz/the/clients/own?role=%zz&x#y']) {
    if (protocol === 'gRPC' && path !== '/verify') continue
    t.test(`${path.split('/')[1]} over ${protocol}`, async (t) => {
      for (const row of ROWS) {
        if (
          (typeof row.asked !== 'function' && row.asked.path !== undefined && path !== '/verify') ||
          row.protocols?.includes(protocol) === false
        ) {
          continue
        }
        await t.test(row.name, async (t) => {
          const simulator = await startSimulator(t)
          const verifier = await startInProcessOver(t, protocol, tls, {
            AUTHGEAR_ENDPOINT: simulator.url,
            AUTHGEAR_TIMEOUT: `${row.timeoutMs ?? 30_000}ms`
          })
          row.before?.(simulator)
          const asked = typeof row.asked === 'function' ? row.asked(simulator.url) : row.asked
          const answered = await verifier.ask({ ...asked, path: asked.path ?? path })
          t.match(answered, { status: row.status, headers: { 'x-forward-auth-reason': row.reason } })
          t.equal(simulator.counters.resolutions, row.calls, 'calls of Authgear')
          checkInvariants(t, answered, { realm: simulator.url })
          checkLog(t, verifier, row)
        })
      }
    })
  }
}

function checkLog (t: Test, { lines }: InProcessOver, row: Row): void {
  const [line, ...more] = lines.filter(({ requestId }) => requestId !== undefined)
  t.match(line, {
    reason: row.logged ?? row.reason,
    status: row.status,
    level: row.status === 503 || row.logged === 'bad_policy' ? 'warn' : row.status === 200 ? 'debug' : 'info'
  })
  t.same(more, [], 'one line')
}
