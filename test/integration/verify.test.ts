import t, { type Test } from 'tap'
import { checkInvariants } from '../helpers/invariants.ts'
import { demo, startSimulator, type RunningSimulator } from '../helpers/simulator.ts'
import { makeTls } from '../helpers/tls.ts'
import {
  startInProcessOver, WITH_GRPC, type Asked, type Protocol, type InProcessOver
} from '../helpers/in-process-over.ts'

const tls = makeTls(t)
const { alice, bob, dora } = demo
const bearer = (token: string): Asked => ({ headers: { authorization: `Bearer ${token}` } })
const cookie = (text: string): Asked => ({ headers: { cookie: text } })
const jwt = (exp: number, aud?: string): string =>
  [{ alg: 'RS256', typ: 'at+jwt' }, { sub: 'u', exp, aud }]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.') + '.c2ln'

type Control = (controls: RunningSimulator['controls']) => void

/** May depend on the project's origin. */
type Question = Asked | ((origin: string) => Asked)

/** `logged`: the true reason, where the outward one hides it. `timeoutMs`: AUTHGEAR_TIMEOUT, where it is to be met. */
type Outcome = Readonly<{ status: number, reason: string, logged?: string, timeoutMs?: number }>

/** `calls`: how often Authgear is asked. */
type Row = readonly [name: string, asked: Question, outcome: Outcome, calls: number]

const allowed: Outcome = { status: 200, reason: 'allowed' }
const refused = (reason: string): Outcome => ({ status: 401, reason })
const bad: Outcome = { status: 403, reason: 'forbidden', logged: 'bad_policy' }
const unavailable: Outcome = { status: 503, reason: 'authgear_unavailable' }
const misconfigured: Outcome = { ...unavailable, logged: 'authgear_misconfigured' }
const { accessToken } = alice
const both = (token: string, session: string): Asked =>
  ({ headers: { authorization: `Bearer ${token}`, cookie: `session=${session}` } })

/** Node's HTTP/2 client refuses to send them: test/fuzz/http2.test.ts does. */
const TWO_LINES = 'two Authorization lines'

const ROWS: readonly Row[] = [
  ['a bearer token', bearer(accessToken), allowed, 1],
  ['a session cookie', cookie(`a=b; session=${alice.cookie}; c=d`), allowed, 1],
  ['an app_session cookie', cookie(`app_session=${bob.appSession}`), allowed, 1],
  ['an app_access_token cookie', cookie(`app_access_token=${bob.accessToken}`), allowed, 1],
  ['no credential at all', {}, refused('no_credentials'), 0],
  ['the Basic scheme is the app’s own business', { headers: { authorization: 'Basic dXNlcjpwYXNz' } },
    refused('no_credentials'), 0],
  ['a bearer token over 16 KiB', bearer('x'.repeat(16 * 1024 + 1)), refused('malformed_credentials'), 0],
  ['a session cookie over 1 KiB', cookie(`session=${'x'.repeat(1025)}`), refused('malformed_credentials'), 0],
  // as recorded at a real Authgear (docs/inside/authgear.md, "Credentials"): what cannot be one falls through
  ['an app’s own cookie session of 1,100 bytes beside a token', both(accessToken, 'x'.repeat(1100)), allowed, 1],
  ['an app’s own cookie session of 4,090 bytes beside a token', both(accessToken, 'x'.repeat(4090)), allowed, 1],
  ['a bearer token of 17,000 bytes beside a session cookie', both('x'.repeat(17_000), alice.cookie), allowed, 1],
  [TWO_LINES, { headers: { authorization: [`Bearer ${accessToken}`, `Bearer ${bob.accessToken}`] } },
    refused('ambiguous_credentials'), 0],
  ['a comma in a bearer value', bearer(`${accessToken},Bearer ${bob.accessToken}`),
    refused('ambiguous_credentials'), 0],
  ['a JWT that expired over a minute ago', (origin) => bearer(jwt(Date.now() / 1000 - 61, origin)),
    refused('expired_credentials'), 0],
  ['a JWT that expired just now is Authgear’s to judge', (origin) => bearer(jwt(Date.now() / 1000 - 5, origin)),
    refused('invalid_session'), 2],
  ['a JWT for another audience', bearer(jwt(Date.now() / 1000 + 3600)), refused('wrong_audience'), 0],
  ['an unknown token', bearer('A'.repeat(32)), refused('invalid_session'), 2],
  ['an unknown session', cookie('session=x'), refused('invalid_session'), 1],
  ['a disabled user', cookie(`session=${dora.cookie}`), refused('invalid_session'), 1],
  ['a policy that cannot be understood', { path: '/verify?rolle=admin', ...bearer(accessToken) }, bad, 1],
  ['a stranger learns nothing of a bad policy', { path: '/verify?rolle=admin' }, refused('no_credentials'), 0]
]

/** What Authgear does to Alice's request, by her token unless it is asked by her cookie. */
const TROUBLES: ReadonlyArray<readonly [name: string, Control, Outcome, calls: number, asked?: Asked]> = [
  ['true without a user id', (controls) => controls.fail('no-user-id'), refused('invalid_session'), 1],
  ['no verdict on a cookie is asked once more', (controls) => controls.fail('silent'), refused('invalid_session'), 2,
    cookie(`session=${alice.cookie}`)],
  ['no verdict once, then one', (controls) => controls.fail('silent', 1), allowed, 2,
    cookie(`session=${alice.cookie}`)],
  ['no verdict on a token is asked once more', (controls) => controls.fail('silent'), refused('invalid_session'), 2],
  ['no verdict once on a token, then one', (controls) => controls.fail('silent', 1), allowed, 2],
  ['Authgear answers 500, twice', (controls) => controls.fail('error'), unavailable, 2],
  ['Authgear answers 500 once', (controls) => controls.fail('error', 1), allowed, 2],
  ['Authgear redirects', (controls) => controls.fail('redirect'), misconfigured, 1],
  ['Authgear does not know the project', (controls) => controls.fail('not-found'), misconfigured, 1],
  ['it is not the resolver', (controls) => controls.fail('method-not-allowed'), misconfigured, 1],
  ['Authgear answers garbage', (controls) => controls.fail('garbage-header'), unavailable, 1],
  ['it is not HTTP', (controls) => controls.fail('not-http'), unavailable, 1],
  ['headers over the limit', (controls) => controls.fail('huge-headers'), misconfigured, 1],
  ['a body over the limit', (controls) => controls.fail('endless-body'), { ...unavailable, timeoutMs: 5000 }, 1],
  ['the connection dies before the answer, twice', (controls) => controls.fail('reset'), unavailable, 2],
  ['Authgear is slow', (controls) => controls.fail('hang'), { ...unavailable, timeoutMs: 300 }, 1]
]

type World = Readonly<{ simulator: RunningSimulator, verifier: InProcessOver }>

/** Nothing is remembered, so that each row has its own calls. */
async function start (t: Test, protocol: Protocol, timeoutMs = 30_000): Promise<World> {
  const simulator = await startSimulator(t)
  const verifier = await startInProcessOver(t, protocol, tls, {
    AUTHGEAR_ENDPOINT: simulator.url, AUTHGEAR_TIMEOUT: `${timeoutMs}ms`, CACHE_TTL: '0', CACHE_NEGATIVE_TTL: '0'
  })
  return { simulator, verifier }
}

async function check (t: Test, { simulator, verifier }: World, asked: Asked, outcome: Outcome, calls: number) {
  const before = [simulator.counters.resolutions, verifier.lines.length] as const
  const { status, reason, logged } = outcome
  const answered = await verifier.ask(asked)
  t.match(answered, { status, headers: { 'x-forward-auth-reason': reason } })
  t.equal(simulator.counters.resolutions - before[0], calls, 'calls of Authgear')
  checkInvariants(t, answered, { realm: simulator.url })
  const own = verifier.lines.slice(before[1]).filter(({ requestId }) => requestId !== undefined)
  const level = status === 503 || logged === 'bad_policy' ? 'warn' : status === 200 ? 'debug' : 'info'
  t.match(own, [{ reason: logged ?? reason, status, level }])
  t.equal(own.length, 1, 'one line')
}

const pathsOf = (protocol: Protocol): readonly string[] =>
  ['/verify', ...protocol === 'gRPC' ? [] : ['/ext-authz/the/clients/own?role=%zz&x#y']]
/** Of the troubles, on both paths: the rest is the same code. */
const ON_BOTH = ['Authgear answers 500, twice', 'Authgear is slow']

for (const protocol of WITH_GRPC) {
  for (const path of pathsOf(protocol)) {
    t.test(`${path.split('/')[1]} over ${protocol}`, async (t) => {
      const world = await start(t, protocol)
      for (const [name, question, outcome, calls] of ROWS) {
        const asked = typeof question === 'function' ? question(world.simulator.url) : question
        if ((asked.path !== undefined && path !== '/verify') || (name === TWO_LINES && protocol === 'HTTP/2')) continue
        await t.test(name, async (t) => await check(t, world, { path, ...asked }, outcome, calls))
      }
    })
  }

  t.test(`what goes wrong with Authgear, over ${protocol}`, async (t) => {
    for (const [name, control, outcome, calls, asked = bearer(accessToken)] of TROUBLES) {
      for (const path of ON_BOTH.includes(name) ? pathsOf(protocol) : ['/verify']) {
        await t.test(`${name}, at ${path.split('/')[1]}`, async (t) => {
          const world = await start(t, protocol, outcome.timeoutMs)
          control(world.simulator.controls)
          await check(t, world, { path, ...asked }, outcome, calls)
        })
      }
    }
  })
}
