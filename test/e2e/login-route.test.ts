import t from 'tap'
import { ask, HOST } from '../helpers/request.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { ALICE } from './people.ts'
import type { Proxy } from './proxy.ts'
import { ALL, traefik } from './proxies.ts'
import { startSmallStack } from './small-stack.ts'

const plain = (proxy: Proxy): Proxy => proxy === traefik ? { ...proxy, tls: false } : proxy

/** Beside the route, and so protected like everything else. */
const BESIDE = ['/_auth', '/_auth/', '/_auth/other', '/_auth/login/x', '/_auth/loginx', '/x/_auth/login']

for (const proxy of ALL.map(plain)) {
  t.test(`snippet ${proxy.snippet} --login`, { skip: skipOrFail(proxy.server) }, async t => {
    const { port, app } = await startSmallStack(t, proxy, {}, ['--login', '--policy', '/=anonymous=false'])

    t.test('the way in and out leads to forward-auth, without a session', async t => {
      for (const path of ['/_auth/login?rd=x', '/_auth/callback?state=x', '/_auth/logout']) {
        // without LOGIN_CLIENT_ID it has nothing there
        const answer = await ask(port, { path, headers: [['x-authgear-user-id', 'spoofed']] })
        t.match(answer, { status: 404, headers: { 'x-forward-auth-reason': 'not_found' } }, path)
      }
      for (const path of BESIDE) t.equal((await ask(port, { path })).status, 401, path)
      for (const path of ['/_auth/login/../../verify', '/_auth/login%2f..%2f..%2fverify']) t.ok([400, 401].includes((await ask(port, { path })).status), path)
      t.equal(app.received.length, 0)
      t.equal((await ask(port, { path: '/page', headers: [['Cookie', ALICE.cookie]] })).status, 200)
    })

    if (proxy.snippet !== 'nginx') return
    t.test('nginx, which cannot pass a redirect, sends people to log in by itself', async t => {
      const navigation = [['Sec-Fetch-Mode', 'navigate'], ['Accept', 'text/html']] as const
      const answer = await ask(port, { path: '/page?x=1', headers: navigation })
      t.match(answer, { status: 302, headers: { location: `/_auth/login?rd=http://${HOST}/page?x=1`, 'cache-control': 'no-store' } })
      t.equal((await ask(port, { method: 'POST', path: '/page', headers: navigation })).status, 401, 'not what a form sent')
      t.match(await ask(port, { path: '/page' }), { status: 401, headers: { 'www-authenticate': /^Bearer / } }, 'nor programs')
    })
  })
}
