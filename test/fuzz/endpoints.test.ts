import fc from 'fast-check'
import t from 'tap'
import { startInProcess } from '../helpers/in-process.ts'
import { manualClock } from '../helpers/manual-clock.ts'
import { holds } from '../helpers/property.ts'
import { machineClaims, RESOURCE, signed, startIssuer } from '../helpers/token-issuer.ts'
import { parseAnswers, sendAll } from './helpers/answers.ts'
import { ends, nothingUnforeseen } from './helpers/endings.ts'
import { fieldText, joined, mostly } from './helpers/hostile.ts'
import type { Line } from './helpers/oracle.ts'

const NEEDS = `resource=${RESOURCE}`

/** What the proxy's configuration says; below the prefix only its policy header may choose. */
const ROUTES = [
  { path: '/verify', policy: undefined, takes: 'session' },
  { path: `/resource?${NEEDS}`, policy: undefined, takes: 'token' },
  { path: '/resource', policy: NEEDS, takes: 'token' },
  { path: '/ext-authz/', policy: undefined, takes: 'session' },
  { path: '/ext-authz/', policy: 'login=off', takes: 'session' },
  { path: '/ext-authz/', policy: NEEDS, takes: 'token' }
] as const
type Route = typeof ROUTES[number]

const visible = fieldText.map((text) => text.replaceAll(/[^!-~]/g, ''))
const query = fc.array(
  mostly([NEEDS, `resource=${encodeURIComponent(RESOURCE)}`, 'login=off', 'scope=read:orders', 'client=machine'],
    joined(fc.constantFrom('resource', 'Resource', 'endpoint', ''), fc.constantFrom('=', '%3D', ''), visible)),
  { maxLength: 3 }
).map((parameters) => parameters.join('&'))
/** Behind the path; behind an exact one anything but a query makes another path, which is 404. */
const appended = joined(
  mostly(['', '', '', ''], fc.oneof(
    fc.constantFrom('/', '/../verify', '/../resource', '%2f..%2fresource', '-or-session', '#', ';', '//resource'),
    visible
  )),
  fc.oneof(fc.constant(''), query.map((text) => `?${text}`), query.map((text) => `&${text}`))
)
const spoof: fc.Arbitrary<Line> = fc.tuple(
  fc.constantFrom(
    'X-Forwarded-Uri', 'X-Original-URL', 'X-Rewrite-URL', 'X-Forwarded-Path', 'X-Envoy-Original-Path', 'X-Resource',
    'X-HTTP-Method-Override', 'X-Authgear-Client-Id', 'X-Forward-Auth-Endpoint', 'X_Forward_Auth_Policy'
  ),
  mostly(['/resource', `/resource?${NEEDS}`, '/verify', NEEDS], fieldText)
)
/** The proxy takes a client's away on the prefix (docs/interface.md); elsewhere it may only refuse more. */
const policyLine: fc.Arbitrary<Line> = mostly([NEEDS, 'login=off', 'scope=read:orders'], fieldText)
  .map((value) => ['X-Forward-Auth-Policy', value])

t.test('no query, path or header of a client takes a credential to another endpoint', async (t) => {
  const issuer = await startIssuer(t)
  // it vouches for every credential: that no resource token is a session is this service's to say
  issuer.resolve({ 'x-authgear-session-valid': 'true', 'x-authgear-user-id': 'a11ce000' })
  const clock = manualClock()
  const { port, lines: log } = await startInProcess(t, { AUTHGEAR_ENDPOINT: issuer.url, RESOURCES: RESOURCE, clock })
  clock.advance(60_000)
  const bearer = (token: string): Line => ['Authorization', `Bearer ${token}`]
  const resourceToken = bearer(signed(machineClaims(issuer.url, clock.wall())))
  const cookie: Line = ['Cookie', 'session=a11ce000.secret']
  const credentials: ReadonlyArray<Readonly<{ is: 'session' | 'token', lines: readonly Line[] }>> = [
    { is: 'session', lines: [bearer('opaque')] },
    { is: 'session', lines: [bearer(signed(machineClaims(issuer.url, clock.wall(), { aud: [issuer.url] })))] },
    { is: 'session', lines: [cookie] },
    { is: 'token', lines: [resourceToken] },
    { is: 'token', lines: [resourceToken, cookie] }
  ]
  const unforeseen = nothingUnforeseen(log)
  const seen = new Map<Route, number>()
  const send = async (method: string, route: Route, tail: string, lines: readonly Line[]) => {
    const own: readonly Line[] = route.policy === undefined ? [] : [['X-Forward-Auth-Policy', route.policy]]
    const head = [...lines, ...own].map((line) => `${line.join(': ')}\r\n`).join('')
    const text = `${method} ${route.path}${tail} HTTP/1.1\r\nHost: x\r\n${head}Connection: close\r\n\r\n`
    const [answer, ...more] = parseAnswers(await ends('a request', sendAll(port, text)), () => false)
    if (answer === undefined || more.length > 0) throw new Error('not one answer')
    return answer
  }
  await holds(t, fc.asyncProperty(
    fc.constantFrom('GET', 'POST', 'OPTIONS'), fc.constantFrom(...ROUTES), appended,
    fc.array(spoof, { maxLength: 3 }), fc.array(policyLine, { maxLength: 1 }), fc.constantFrom(...credentials),
    async (method, route, tail, spoofs, policies, { is, lines }) => {
      const ofClient = route.path === '/ext-authz/' ? spoofs : [...spoofs, ...policies]
      const { status, headers } = await send(method, route, tail, [...ofClient, ...lines])
      unforeseen()
      if (status !== 200) return
      // the client's path made it another route: `/resource-or-session` takes both
      if (`${route.path}${tail}`.startsWith('/resource-or-session')) return
      if (is !== route.takes) throw new Error(`200 for a ${is} where a ${route.takes} is asked for`)
      const isToken = headers.get('x-authgear-client-id') === 'machine'
      if (isToken !== (is === 'token')) throw new Error(`a ${is} was judged as the other`)
      seen.set(route, (seen.get(route) ?? 0) + 1)
    }
  ), 1500)
  for (const route of ROUTES) {
    const times = seen.get(route) ?? 0
    t.ok(times > 2, `a 200 of ${route.path} with ${route.policy} for a ${route.takes} is not rare: ${times}`)
  }
})
