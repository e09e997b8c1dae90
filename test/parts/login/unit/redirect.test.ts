import t from 'tap'
import { joinPolicies, parsePolicy } from '../../../../src/base/core/policy.ts'
import { type RefusalReason, REFUSALS } from '../../../../src/base/core/reason.ts'
import { createReturnUrls } from '../../../../src/parts/login/flow/return-url.ts'
import { createLoginRedirect, type Lost } from '../../../../src/parts/login/flow/redirect.ts'
import type { Refused } from '../../../../src/base/verify/refuse.ts'

const settings = {
  publicUrl: 'https://app.example.com', path: '/_auth', allowedHosts: ['app.example.com', 'b.example.com']
}
const told: Lost[] = []
const place = { origin: settings.publicUrl, returnUrls: createReturnUrls(settings) }
const findLoginRedirect = createLoginRedirect(place, settings.path, (lost) => { told.push(lost) })

const HERE = ['X-Forwarded-Host', 'b.example.com', 'X-Forwarded-Uri', '/deep?a=1&b=2']
type Case = Partial<Omit<Refused, 'policy' | 'isTrusted'>> &
  Readonly<{ policy?: string, isTrusted?: boolean, here?: readonly string[] }>

const find = ({ policy = '', isTrusted = true, here = HERE, rawHeaders = [], ...rest }: Case = {}) =>
  findLoginRedirect({
    reason: 'no_credentials',
    bearer: false,
    method: 'GET',
    rawHeaders: [...here, ...rawHeaders],
    peer: '10.0.0.9',
    isTrusted: () => isTrusted,
    policy: () => joinPolicies([parsePolicy(policy)]),
    ...rest
  })

const LOGIN = 'https://app.example.com/_auth/login'
const BACK = 'rd=https://b.example.com/deep?a=1&b=2'

const SENT: ReadonlyArray<readonly [title: string, asked: Case, location: string]> = [
  ['who is not signed in', {}, `${LOGIN}?${BACK}`],
  ['whose session ended', { reason: 'invalid_session' }, `${LOGIN}?${BACK}`],
  ['whose token expired', { reason: 'expired_credentials', bearer: true }, `${LOGIN}?${BACK}`],
  ['whose cookie cannot be one', { reason: 'malformed_credentials' }, `${LOGIN}?${BACK}`],
  ['who asks by HEAD', { method: 'HEAD' }, `${LOGIN}?${BACK}`],
  ['on a route that asks for a role', { policy: 'role=admin' }, `${LOGIN}?${BACK}`],
  ['who signed in too long ago',
    { reason: 'step_up_required', challenge: { maxAge: 300, amr: [] }, policy: 'max_age=300' },
    `${LOGIN}?max_age=300&${BACK}`],
  ['through a proxy that nobody vouches for: to the default page', { isTrusted: false }, LOGIN],
  ['… a step-up too',
    { isTrusted: false, reason: 'step_up_required', challenge: { maxAge: 5, amr: [] }, policy: 'max_age=5' },
    `${LOGIN}?max_age=5`],
  ['with a second host line: to the default page', { rawHeaders: ['x-forwarded-host', 'app.example.com'] }, LOGIN],
  ['with a second address line', { rawHeaders: ['x-forwarded-uri', '/x'] }, LOGIN],
  ['by a proxy that names the method', { rawHeaders: ['X-Forwarded-Method', 'GET'] }, `${LOGIN}?${BACK}`],
  ['by a service worker that passes a navigation on',
    { rawHeaders: ['Sec-Fetch-Dest', 'empty', 'Sec-Fetch-Mode', 'navigate'] }, `${LOGIN}?${BACK}`]
]

for (const [title, asked, location] of SENT) {
  t.test(`sent to log in: ${title}`, async (t) => { t.strictSame(find(asked), { kind: 'redirect', location }) })
}

t.test('logs a return to the default page, with the host to configure', async (t) => {
  const lostBy = (asked: Case, host?: string): readonly Lost[] => {
    told.length = 0
    find(host === undefined ? asked : { here: ['X-Forwarded-Host', host, 'X-Forwarded-Uri', '/x'] })
    return [...told]
  }
  t.strictSame(lostBy({ isTrusted: false }), [{ why: 'proxy', address: '10.0.0.9' }])
  t.strictSame(lostBy({}, 'c.example.com'), [{ why: 'host', host: 'c.example.com' }])
  t.strictSame(lostBy({}, `${'x'.repeat(5000)}.com`), [{ why: 'host', host: 'x'.repeat(100) }])
  t.strictSame(lostBy({}), [], 'who comes back')
  t.strictSame(lostBy({}, 'b.example.com'), [])
})

const dest = (name: string): Case => ({ rawHeaders: ['Sec-Fetch-Dest', name] })
const KEPT: ReadonlyArray<readonly [title: string, asked: Case]> = [
  ...(['iframe', 'frame', 'embed', 'object', 'fencedframe', 'image'] as const).map(
    (name) => [`a frame (${name})`, dest(name)] as const
  ),
  ...(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PROPFIND', 'get', ''] as const).map(
    (method) => [`another method: ${method}`, { method }] as const
  ),
  ...(['POST', 'get', 'GET, POST', ''] as const).map(
    (method) =>
      [`the client's method is ${method}, says the proxy`, { rawHeaders: ['X-Forwarded-Method', method] }] as const
  ),
  ['two methods', { rawHeaders: ['X-Forwarded-Method', 'GET', 'X-Forwarded-Method', 'POST'] }],
  ['another method, though nobody vouches for who says so',
    { isTrusted: false, rawHeaders: ['X-Forwarded-Method', 'POST'] }],
  ['fetched ahead', { rawHeaders: ['Sec-Purpose', 'prefetch'] }],
  ['rendered ahead', { rawHeaders: ['Sec-Purpose', 'prefetch;prerender'] }],
  ['fetched ahead, as it was said before', { rawHeaders: ['Purpose', 'prefetch'] }],
  ['… by Safari', { rawHeaders: ['X-Purpose', 'preview'] }],
  ['… by Firefox', { rawHeaders: ['X-Moz', 'prefetch'] }],
  ['a script', { rawHeaders: ['Sec-Fetch-Mode', 'cors'] }],
  ['a policy of amr, for somebody signed in',
    { reason: 'step_up_required', challenge: { maxAge: undefined, amr: ['mfa'] }, policy: 'amr=mfa' }],
  ['a policy of amr and max_age',
    { reason: 'step_up_required', challenge: { maxAge: 5, amr: ['mfa'] }, policy: 'amr=mfa&max_age=5' }],
  ['a policy of amr, for nobody', { policy: 'amr=mfa' }],
  ['a policy that cannot be understood', { policy: 'rolle=admin' }],
  ['an Authorization line that cannot be one, which no login replaces',
    { reason: 'malformed_credentials', bearer: true }],
  ...(Object.keys(REFUSALS) as RefusalReason[])
    .filter((reason) => REFUSALS[reason].status === 503 || reason === 'ambiguous_credentials')
    .map((reason) => [`refused for ${reason}`, { reason }] as const)
]

for (const [title, asked] of KEPT) {
  t.test(`not sent to log in: ${title}`, async (t) => { t.equal(find(asked), undefined) })
}

t.test('a 403 has a link to switch accounts and return', async (t) => {
  const change = (rd: string) => ({ kind: 'change', location: `https://app.example.com/_auth/logout?rd=${rd}` })
  t.strictSame(find({ reason: 'forbidden', policy: 'amr=mfa' }), change('https://b.example.com/deep?a=1&b=2'))
  t.strictSame(find({ reason: 'bad_policy', policy: 'rolle=admin' }), change('https://b.example.com/deep?a=1&b=2'))
  t.strictSame(find({ reason: 'forbidden', isTrusted: false }), change('https://app.example.com/'), 'the default page')
  t.equal(find({ reason: 'forbidden', method: 'POST' }), undefined, 'a form is not sent again')
})

t.test('login=off: an offer, for proxies that make a redirect of it themselves', async (t) => {
  t.strictSame(find({ policy: 'role=admin&login=off' }), { kind: 'offer', location: `${LOGIN}?${BACK}` })
  t.equal(find({ policy: 'login=off', rawHeaders: ['Sec-Fetch-Dest', 'iframe'] }), undefined,
    'where there would be a redirect')
})

t.test("makes no circle behind a proxy that asks about the login's own paths", async (t) => {
  const asked = (host: string, uri: string) =>
    find({ isTrusted: false, here: ['X-Forwarded-Host', host, 'X-Forwarded-Uri', uri] })
  for (const host of ['app.example.com', 'app.example.com:443']) {
    for (const uri of ['/_auth/login?rd=https://b.example.com/', '/_auth/callback?state=x']) {
      t.equal(asked(host, uri), undefined, host + uri)
    }
  }
  for (const [host, uri] of [
    ['b.example.com', '/_auth/login'],
    ['app.example.com', '/_authx'],
    ['app.example.com', '/x?/_auth/login']
  ] as const) {
    t.ok(asked(host, uri), `${host}${uri} is an app's own`)
  }
})

t.test('back only to where people may go', async (t) => {
  for (const [host, uri] of [
    ['evil.example.net', '/'],
    ['b.example.com@evil.example.net', '/'],
    ['b.example.com:8443', '/'],
    ['B.example.com', '/'],
    ['b.example.com', '@evil.example.net/'],
    ['b.example.com', '.evil.example.net/'],
    ['b.example.com', ''],
    ['b.example.com', '/#x'],
    ['b.example.com, evil.example.net', '/'],
    ['', '/b.example.com/'],
    ['b.example.com', '/\\x'],
    ['app.example.com', '/%5fauth/logout']
  ] as const) {
    const here = ['X-Forwarded-Host', host, 'X-Forwarded-Uri', uri]
    t.strictSame(find({ here }), { kind: 'redirect', location: LOGIN }, `${host} ${uri}`)
  }
})
