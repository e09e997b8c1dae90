import t, { type Test } from 'tap'
import { ask, type Answer, type HeaderLine } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { demo } from '../helpers/simulator.ts'
import { ALICE, BOB } from './people.ts'
import type { Proxy } from './proxy.ts'
import { caddy, nginx, traefik } from './proxies.ts'
import { startSmallStack, type SmallStack } from './small-stack.ts'
import { readSnippet, replaceRoutes, swap } from './snippets.ts'

/** Each on the shipped configuration with the routes of docs/policies.md. */
const PROXIES: readonly Proxy[] = [
  { ...traefik, edits: { 'dynamic.yml': () => readSnippet('policies.md', 'traefik/dynamic.yml') } },
  { ...caddy, edits: { Caddyfile: shipped => replaceRoutes(shipped, readSnippet('policies.md', 'caddy/Caddyfile: routes')) } },
  { ...nginx, edits: { 'nginx.conf': shipped => replaceRoutes(shipped, readSnippet('policies.md', 'nginx/nginx.conf: routes')) } }
]

/** An admin and verified, as alice is, but signed in an hour ago. */
const OLGA = { id: '01a00000-0000-4000-8000-000000000005', cookie: 'session=01a00000-0000-4000-8000-0000000000c5.sessionCookieOfOlga0000000000000' } as const
const ANONYMOUS = { cookie: `session=${demo.anonymous.cookie}` } as const

/** Who gets what, where. Nobody is 401 everywhere. */
const RECIPES: ReadonlyArray<readonly [path: string, statuses: Readonly<{ alice: number, bob: number, olga: number, anonymous: number }>]> = [
  ['/', { alice: 200, bob: 200, olga: 200, anonymous: 403 }],
  ['/page?x=1', { alice: 200, bob: 200, olga: 200, anonymous: 403 }],
  ['/admin', { alice: 200, bob: 403, olga: 200, anonymous: 403 }],
  ['/admin/users', { alice: 200, bob: 403, olga: 200, anonymous: 403 }],
  ['/members', { alice: 200, bob: 403, olga: 200, anonymous: 403 }],
  ['/payment/new', { alice: 200, bob: 200, olga: 401, anonymous: 403 }]
]

/** The row of docs/policies.md: a status is a refusal; a text is what the app gets, by the catch-all's policy. */
type Fate = number | string
const REFUSED = ['/admin', '/ADMIN/z', '/aDmIn', '/admin;x', '/%61dmin/z', '/administration', '/admin?x=/../']
const CLEANED = ['/x/../admin/z', '//admin/z', '/./admin/z', '/x/%2e%2e/admin/z', '/x/%2E./admin/z']
const GUARDED = ['/x/..%2fadmin/z', '/admin/..%2fp', '/admin%2fz', '/a\\..\\admin', '/a%5c..%5cadmin', '/admin/%00']
const PAST_THE_ROUTE = '/;/admin/z'

const fatesAt = ({ facts: { cleaned } }: Proxy): Readonly<Record<string, Fate>> => ({
  ...Object.fromEntries(REFUSED.map(path => [path, 403])),
  ...Object.fromEntries(CLEANED.map(path => [path, Object.keys(cleaned).length > 0 ? 403 : 400])),
  ...Object.fromEntries(GUARDED.map(path => [path, 400])),
  '/admin/../p': cleaned['/admin/../p'] ?? 400,
  [PAST_THE_ROUTE]: PAST_THE_ROUTE
})

const as = ({ port }: SmallStack, { cookie }: { readonly cookie: string }, path: string, headers: readonly HeaderLine[] = []): Promise<Answer> =>
  ask(port, { path, headers: [['Cookie', cookie], ...headers] })

for (const proxy of PROXIES) {
  t.test(`the routes of docs/policies.md, behind ${proxy.server}`, { skip: skipOrFail(proxy.server) }, async t => {
    // long lives: how slow this machine is changes nothing
    const stack = await startSmallStack(t, proxy, { CACHE_TTL: '10m', CACHE_NEGATIVE_TTL: '10m' })
    stack.authgear.knobs.addUser({
      id: OLGA.id, name: 'olga', roles: ['admin'], verified: true, sessions: [{ cookie: OLGA.cookie.slice('session='.length), authenticatedAt: Math.floor(Date.now() / 1000) - 3600 }]
    })
    await testRoutes(t, stack, proxy)
  })
}

t.test('a Caddy route whose policy was forgotten refuses everybody', { skip: skipOrFail('caddy') }, async t => {
  const stack = await startSmallStack(t, { ...caddy, edits: { Caddyfile: shipped => swap(shipped, '\t\timport authgear\n', '\t\timport authgear_policy\n') } }, {})
  t.equal((await as(stack, ALICE, '/')).status, 403)
  t.equal(stack.app.received.length, 0)
})

async function testRoutes (t: Test, stack: SmallStack, proxy: Proxy): Promise<void> {
  const { port, app, authgear } = stack
  const people = { alice: ALICE, bob: BOB, olga: OLGA, anonymous: ANONYMOUS }

  t.test('a session that is remembered does not open a stricter route', async t => {
    t.equal((await as(stack, BOB, '/page')).status, 200)
    const { resolutions } = authgear.counters
    const before = app.received.length
    t.equal((await as(stack, BOB, '/admin')).status, 403)
    t.equal(authgear.counters.resolutions, resolutions, 'it was remembered')
    t.equal(app.received.length, before)
  })

  t.test('each route lets in whom it says, and nobody else', async t => {
    for (const [path, statuses] of RECIPES) {
      t.equal((await ask(port, { path })).status, 401, `${path}: nobody`)
      for (const [name, person] of Object.entries(people)) {
        const before = app.received.length
        const { status } = await as(stack, person, path)
        const expected = statuses[name as keyof typeof statuses]
        t.equal(status, expected, `${path}: ${name}`)
        t.strictSame(app.received.slice(before).map(({ url }) => url), expected === 200 ? [path] : [], `${path}: ${name}, as the app sees it`)
      }
    }
  })

  t.test('a path cannot slip past its route', async t => {
    for (const [path, fate] of Object.entries(fatesAt(proxy))) {
      const before = app.received.length
      t.equal((await as(stack, BOB, path)).status, typeof fate === 'string' ? 200 : fate, path)
      t.strictSame(app.received.slice(before).map(({ url }) => url), typeof fate === 'string' ? [fate] : [], path)
    }
  })

  t.test('what slips past it meets the catch-all', async t => {
    t.equal((await as(stack, ANONYMOUS, PAST_THE_ROUTE)).status, 403)
    t.equal((await ask(port, { path: PAST_THE_ROUTE })).status, 401)
  })

  t.test('the query and the policy header of a client change nothing', async t => {
    for (const query of ['role=x&optional=1', 'role=editor', 'anonymous=true', '&', '?']) {
      t.equal((await as(stack, ALICE, `/admin?${query}`)).status, 200, `/admin?${query}: alice`)
      t.equal(app.received.at(-1)?.url, `/admin?${query}`)
      t.equal((await as(stack, BOB, `/admin?${query}`)).status, 403, `/admin?${query}: bob`)
    }
    for (const policy of ['role=nobody', 'optional=1', 'anonymous=true']) {
      const line: HeaderLine = ['X-Forward-Auth-Policy', policy]
      t.equal((await as(stack, ALICE, '/admin', [line, line])).status, 200, `${policy}: alice`)
      t.equal((await as(stack, BOB, '/admin', [line, line])).status, 403, `${policy}: bob`)
      t.equal((await as(stack, ANONYMOUS, '/', [line])).status, 403, `${policy}: anonymous`)
    }
  })

  t.test('a refusal says what to do: sign in again, or nothing', async t => {
    const stepUp = await as(stack, OLGA, '/payment')
    t.match(stepUp.headers['www-authenticate'], /^Bearer realm="[^"]+", error="insufficient_user_authentication", max_age="300"$/)
    const forbidden = await as(stack, BOB, '/admin')
    t.notOk('www-authenticate' in forbidden.headers)
    if (!proxy.facts.passesRefusals) return
    t.match(JSON.parse(stepUp.body), { error: 'step_up_required' })
    t.match(JSON.parse(forbidden.body), { error: 'forbidden' })
    const page = await as(stack, BOB, '/admin', [['Sec-Fetch-Mode', 'navigate'], ['Sec-Fetch-Dest', 'document'], ['Accept', 'text/html']])
    t.equal(page.status, 403)
    t.match(page.headers['content-type'], /^text\/html/)
    t.match(page.body, /^<!doctype html>/i)
  })

  t.test('who signs in again may pay', async t => {
    const { cookie } = authgear.knobs.signIn('olga')
    t.equal((await as(stack, { cookie: `session=${cookie}` }, '/payment')).status, 200)
  })
}
