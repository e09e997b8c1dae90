import { ask, type Answer, type HeaderLine } from '../../helpers/request.ts'
import { demo } from '../../helpers/simulator.ts'
import { until } from '../../helpers/until.ts'
import { ALICE, BOB, NAVIGATION } from '../people.ts'
import type { Proxy } from '../proxy.ts'
import type { BehindProxy } from '../behind-proxy.ts'
import type { Case } from './case.ts'

/** An admin and verified, as alice is, but signed in an hour ago. */
const OLGA = {
  id: '01a00000-0000-4000-8000-000000000005',
  cookie: 'session=01a00000-0000-4000-8000-0000000000c5.sessionCookieOfOlga0000000000000'
} as const
const ANONYMOUS = { cookie: `session=${demo.anonymous.cookie}` } as const
const PEOPLE = { alice: ALICE, bob: BOB, olga: OLGA, anonymous: ANONYMOUS }

/** Who gets what, where. Nobody is 401 everywhere. */
const WHO: ReadonlyArray<readonly [path: string, statuses: Readonly<Record<keyof typeof PEOPLE, number>>]> = [
  ['/', { alice: 200, bob: 200, olga: 200, anonymous: 403 }],
  ['/page?x=1', { alice: 200, bob: 200, olga: 200, anonymous: 403 }],
  ['/admin', { alice: 200, bob: 403, olga: 200, anonymous: 403 }],
  ['/admin/users', { alice: 200, bob: 403, olga: 200, anonymous: 403 }],
  ['/members', { alice: 200, bob: 403, olga: 200, anonymous: 403 }],
  ['/payment/new', { alice: 200, bob: 200, olga: 401, anonymous: 403 }]
]

/** A status is a refusal; a text is what the app gets, by the catch-all's policy. */
type Fate = number | string

/** By the row of the table in docs/proxies/README.md: what bob, who is no admin, may try. */
const TRICKS: Readonly<Record<string, readonly string[]>> = {
  letters: [
    '/admin', '/ADMIN/z', '/aDmIn', '/admin;x', '/admin?x=/../', '/admin.', '/admin./z', '/admin.html', '/ADMIN/',
    '/admin%20', '/admin%3bx'
  ],
  escaped: ['/%61dmin/z', '/ad%6din'],
  slashes: ['//admin/z', '///admin'],
  dots: [
    '/x/../admin/z', '/./admin/z', '/x/%2e%2e/admin/z', '/x/%2E./admin/z', '/x/y/../../admin', '/x/../../admin',
    '/.%2e/admin/z', '/x%3f/../admin'
  ],
  leaving: ['/admin/../p'],
  encoded: ['/x/..%2fadmin/z', '/admin/..%2fp', '/admin%2fz', '/a%5c..%5cadmin', '/admin/%00', '/%5c../admin'],
  backslash: ['/a\\..\\admin'],
  parameter: ['/;/admin/z', '/x/..;/admin/z', '/.;/admin', '/x/%2e%2e;/admin', '/%3b/admin', '/x/..%3B/admin']
}

/** No part of /admin: bob may see them. */
const SIBLINGS = ['/administration', '/admin-other/x', '/admin_x', '/admin1', '/admin-x.html', '/Administration']

const cleans = ({ facts }: Proxy): boolean => '/./admin/z' in facts.cleaned

function fateOf (row: string, path: string, proxy: Proxy): Fate {
  const cleaned = proxy.facts.cleaned[path]
  switch (row) {
    case 'letters': return 403
    case 'dots': return cleans(proxy) ? 403 : 400
    case 'escaped': return proxy.facts.refusesEscapedLetters ? 400 : 403
    case 'parameter': return 400
    default: return cleaned === undefined ? 400 : cleaned.startsWith('/admin') ? 403 : cleaned
  }
}

const inWords = (fate: Fate, row: string): string =>
  typeof fate === 'string'
    ? `the app gets \`${fate}\` under the catch-all's policy`
    : fate === 403 && row !== 'escaped' ? '403 (cleaned)' : String(fate)

const as = (
  { port }: BehindProxy,
  { cookie }: { readonly cookie: string },
  path: string,
  headers: readonly HeaderLine[] = []
): Promise<Answer> => ask(port, { path, headers: [['Cookie', cookie], ...headers] })

export const policies: readonly Case[] = [
  {
    name: 'a session that is remembered does not open a stricter route',
    async run (t, stack) {
      stack.authgear.controls.addUser({
        id: OLGA.id,
        name: 'olga',
        roles: ['admin'],
        verified: true,
        sessions: [
          { cookie: OLGA.cookie.slice('session='.length), authenticatedAt: Math.floor(Date.now() / 1000) - 3600 }
        ]
      })
      // a replica that just did not follow the log asks Authgear itself
      await until('he is remembered', async () => {
        t.equal((await as(stack, BOB, '/page')).status, 200)
        const { resolutions } = stack.authgear.counters
        const before = stack.app.received.length
        t.equal((await as(stack, BOB, '/admin')).status, 403)
        t.equal(stack.app.received.length, before)
        return stack.authgear.counters.resolutions === resolutions
      })
    }
  },
  {
    name: 'each route lets in whom it says, and nobody else',
    async run (t, stack) {
      for (const [path, statuses] of WHO) {
        t.equal((await ask(stack.port, { path })).status, 401, `${path}: nobody`)
        for (const [name, expected] of Object.entries(statuses) as ReadonlyArray<[keyof typeof PEOPLE, number]>) {
          const before = stack.app.received.length
          t.equal((await as(stack, PEOPLE[name], path)).status, expected, `${path}: ${name}`)
          t.strictSame(stack.app.received.slice(before).map(({ url }) => url), expected === 200 ? [path] : [],
            `${path}: ${name}, as the app sees it`)
        }
      }
    }
  },
  {
    name: 'a path cannot slip past its route',
    async run (t, stack, proxy) {
      for (const [row, paths] of Object.entries(TRICKS)) {
        for (const path of paths) {
          const fate = fateOf(row, path, proxy)
          const before = stack.app.received.length
          t.equal((await as(stack, BOB, path)).status, typeof fate === 'string' ? 200 : fate, path)
          t.strictSame(
            stack.app.received.slice(before).map(({ url }) => url), typeof fate === 'string' ? [fate] : [], path
          )
        }
        stack.observe(row, row === 'letters' ? '403' : inWords(fateOf(row, paths[0] ?? '', proxy), row))
      }
    }
  },
  {
    name: 'a name that begins like a route is none of it',
    async run (t, stack) {
      for (const path of SIBLINGS) {
        t.equal((await as(stack, BOB, path)).status, 200, path)
        t.equal(stack.app.received.at(-1)?.url, path)
      }
    }
  },
  {
    name: 'the query and the policy header of a client change nothing',
    async run (t, stack) {
      for (const query of ['role=x&optional=1', 'role=editor', 'anonymous=true', '&', '?']) {
        t.equal((await as(stack, ALICE, `/admin?${query}`)).status, 200, `/admin?${query}: alice`)
        t.equal(stack.app.received.at(-1)?.url, `/admin?${query}`)
        t.equal((await as(stack, BOB, `/admin?${query}`)).status, 403, `/admin?${query}: bob`)
      }
      for (const policy of ['role=nobody', 'optional=1', 'anonymous=true', 'role=a,b']) {
        const line: HeaderLine = ['X-Forward-Auth-Policy', policy]
        t.equal((await as(stack, ALICE, '/admin', [line, line])).status, 200, `${policy}: alice`)
        t.equal((await as(stack, BOB, '/admin', [line, line])).status, 403, `${policy}: bob`)
        t.equal((await as(stack, ANONYMOUS, '/', [line])).status, 403, `${policy}: anonymous`)
      }
    }
  },
  {
    name: 'a refusal says what to do: sign in again, or nothing',
    async run (t, stack, { facts }) {
      const stepUp = await as(stack, OLGA, '/payment')
      t.match(stepUp.headers['www-authenticate'],
        /^Bearer realm="[^"]+", error="insufficient_user_authentication", max_age="300"$/)
      const forbidden = await as(stack, BOB, '/admin')
      t.notOk('www-authenticate' in forbidden.headers)
      stack.observe('forbidden', `403, ${facts.passesRefusals ? 'JSON or a page' : 'its own page'}`)
      if (!facts.passesRefusals) return
      t.match(JSON.parse(stepUp.body), { error: 'step_up_required' })
      t.match(JSON.parse(forbidden.body), { error: 'forbidden' })
      const page = await as(stack, BOB, '/admin', NAVIGATION)
      t.equal(page.status, 403)
      t.match(page.headers['content-type'], /^text\/html/)
      t.match(page.headers['content-security-policy'], /default-src 'none'/, 'the page keeps what protects it')
      t.match(page.body, /^<!doctype html>/i)
    }
  },
  {
    name: 'who signs in again may pay',
    async run (t, stack) {
      const { cookie } = stack.authgear.controls.signIn('olga')
      t.equal((await as(stack, { cookie: `session=${cookie}` }, '/payment')).status, 200)
    }
  }
]
