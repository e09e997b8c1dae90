import { ask, HOST, type HeaderLine } from '../../helpers/request.ts'
import { startEchoApp } from '../../helpers/echo-app.ts'
import { startBefore } from '../one-replica.ts'
import { ALICE, NAVIGATION } from '../people.ts'
import { shipped, type Case } from './case.ts'

/** Beside the route, and so protected like everything else. */
const BESIDE = ['/_auth', '/_auth/', '/_auth/other', '/_auth/login/x', '/_auth/loginx', '/x/_auth/login']

const instead = (name: string, value: string): readonly HeaderLine[] => [
  ...NAVIGATION.filter(([other]) => other !== name),
  [name, value]
]

const POLICIES = ['/=anonymous=false', '/fresh=max_age=60', '/amr=amr=mfa']
const OPTIONS = ['--login', ...POLICIES.flatMap((policy) => ['--policy', policy])]

export const login: readonly Case[] = [{
  name: 'the login, with --login',
  only: shipped,
  async run (t, stack, proxy) {
    const { port, app } = await startBefore(t, proxy, await stack.single(), { options: OPTIONS })

    await t.test('the way in and out leads to forward-auth, without a session', async t => {
      const rows = [
        ['/_auth/login?rd=x', 302],
        ['/_auth/callback?state=x', 400],
        ['/_auth/logout', 302],
        ['/_auth/logged-out', 200]
      ] as const
      for (const [path, status] of rows) {
        const answer = await ask(port, { path, headers: [...NAVIGATION, ['x-authgear-user-id', 'spoofed']] })
        t.match(answer, { status, headers: { 'x-forward-auth-reason': /./, 'cache-control': 'no-store' } }, path)
      }
      for (const path of BESIDE) t.equal((await ask(port, { path })).status, 401, path)
      for (const path of ['/_auth/login/../../verify', '/_auth/login%2f..%2f..%2fverify']) {
        t.ok([400, 401].includes((await ask(port, { path })).status), path)
      }
      // some compare without case, and some write what need not be encoded as it is: forward-auth is exact
      for (const path of ['/_auth/LOGIN', '/%5fauth/logout']) {
        t.ok([302, 400, 401, 404].includes((await ask(port, { path, headers: NAVIGATION })).status), path)
      }
      t.equal(app.received.length, 0)
      t.equal((await ask(port, { path: '/page', headers: [['Cookie', ALICE.cookie]] })).status, 200)
    })

    await t.test('who opens a page is sent to log in, and back to that very page', async t => {
      for (const method of ['GET', 'HEAD']) {
        const answer = await ask(port, { method, path: '/page?x=1&y=a%20b', headers: NAVIGATION })
        t.match(
          answer,
          {
            status: 302,
            headers: {
              location: `https://${HOST}/_auth/login?rd=https://${HOST}/page?x=1&y=a%20b`,
              'cache-control': /^no-store/
            }
          },
          method
        )
      }
      // Alice's session is as old as the simulator's users are
      const old = await ask(port, { path: '/fresh/x?y', headers: [...NAVIGATION, ['Cookie', ALICE.cookie]] })
      if (old.status === 302) {
        t.equal(old.headers.location, `https://${HOST}/_auth/login?max_age=60&rd=https://${HOST}/fresh/x?y`,
          'a step-up says what it needs')
      } else t.equal(old.status, 200, 'she has just signed in')
    })

    // the others write these headers themselves
    if (proxy.server === 'envoy') {
      await t.test('only Envoy tells the service the host', async t => {
        const echo = await startEchoApp(t)
        const { tls, service: { grpcPort } } = await stack.single()
        const way = await startBefore(t, proxy, { tls, service: { port: echo.port, grpcPort } }, {
          ready: proxy.grpc === true ? 401 : 200
        })
        const spoofed = [['X-Forwarded-Host', 'evil.example'], ['X-Forwarded-Uri', '/evil']] as const
        await ask(way.port, { path: '/_auth/login?rd=x', headers: [...NAVIGATION, ...spoofed] })
        const { url, rawHeaders } = echo.received.at(-1) ?? {}
        t.equal(url, '/_auth/login?rd=x')
        t.notOk(rawHeaders?.some((text) => text.includes('evil')), String(rawHeaders))
      })
    }

    await t.test('the longest way back passes the proxy with all that a browser may add', async t => {
      const rd = `https://${HOST}/`.padEnd(2048, 'x')
      const locales = Array.from({ length: 10 }, () => 'x'.repeat(35)).join('+')
      t.match(await ask(port, { path: `/_auth/login?ui_locales=${locales}&rd=${rd}`, headers: NAVIGATION }), {
        status: 302, headers: { location: /[?&]state=[\w-]{3000}/ }
      })
      t.match(await ask(port, { path: rd.slice(`https://${HOST}`.length), headers: NAVIGATION }), {
        status: 302, headers: { location: `https://${HOST}/_auth/login?rd=${rd}` }
      })
    })

    await t.test('nobody else is', async t => {
      const rows: ReadonlyArray<
        readonly [what: string, method: string, headers: readonly HeaderLine[], path?: string]
      > = [
        ['a program', 'GET', []],
        ['a script', 'GET', [['Sec-Fetch-Mode', 'cors'], ['Accept', 'text/html']]],
        ['a form', 'POST', NAVIGATION],
        ['a deletion', 'DELETE', NAVIGATION],
        ['a frame', 'GET', instead('Sec-Fetch-Dest', 'iframe')],
        ['what is fetched ahead', 'GET', [...NAVIGATION, ['Sec-Purpose', 'prefetch;prerender']]],
        ['a route that asks for amr', 'GET', NAVIGATION, '/amr/x']
      ]
      for (const [what, method, headers, path = '/page'] of rows) {
        const answer = await ask(port, { method, path, headers })
        t.match(answer, { status: 401, headers: { 'www-authenticate': /^Bearer / } }, what)
        t.notOk('location' in answer.headers, what)
      }
    })

    await t.test('a client cannot choose where it comes back to', async t => {
      const answer = await ask(port, {
        path: '/page',
        headers: [
          ...NAVIGATION,
          ['X-Forwarded-Host', 'evil.example.net'],
          ['X-Forwarded-Uri', '//evil.example.net'],
          ['X-Forward-Auth-Login', 'https://evil.example.net'],
          ['X-Forwarded-Method', 'GET']
        ]
      })
      t.match(answer, { status: 302, headers: { location: `https://${HOST}/_auth/login?rd=https://${HOST}/page` } })
    })
  }
}]
