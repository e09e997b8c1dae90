import t from 'tap'
import { startEchoApp } from '../../helpers/echo-app.ts'
import { ask, HOST, type HeaderLine } from '../../helpers/request.ts'
import { skipOrFail } from '../../helpers/servers.ts'
import { until } from '../../helpers/until.ts'
import { ALICE, BOB, NAVIGATION } from '../people.ts'
import { gotten, leftFile } from './left.ts'
import { CLAIMS, idToken, signInAt, startLeft, startOauth2Proxy, startRight, waysIn } from './oauth2-proxy.ts'
import { rowsOf } from './page.ts'

const NAMES = ['X-Auth-Request-User', 'X-Auth-Request-Email', 'X-Auth-Request-Groups']
const UNVERIFIED = "email in id_token (bob@example.com) isn't verified"
const FORWARDED = ['X-Forwarded-User', 'X-Forwarded-Email', 'X-Forwarded-Groups', 'X-Forwarded-Preferred-Username']
const MAP = 'X-Auth-Request-User={user},X-Auth-Request-Email={email},X-Auth-Request-Groups={groups}'

t.test('oauth2-proxy and this service, asked the same', { skip: skipOrFail('oauth2-proxy', 'nginx') }, async (t) => {
  const [left, right] = [await startLeft(t), await startRight(t, MAP)]
  const both = [['there', left], ['here', right]] as const
  const rows = rowsOf(t, 'oauth2-proxy')

  await rows.run([
    '`--provider`, `--oidc-issuer-url`', '`/oauth2/auth` in `auth_request` or `forwardAuth`'
  ], async (t) => {
    for (const [side, { port, app, session }] of both) {
      t.not((await ask(port, { path: '/deep' })).status, 200, `${side}: a stranger`)
      t.not((await ask(port, { path: '/deep', headers: [['Cookie', '_oauth2_proxy=x; session=x']] })).status, 200, side)
      t.equal(app.received.length, 0, `${side}: neither came to the app`)
      for (const name of ['alice', 'bob'] as const) {
        t.equal((await ask(port, { headers: [session[name]] })).status, 200, `${side}: ${name}`)
      }
    }
  })

  await rows.run(['`X-Auth-Request-User`, `X-Auth-Request-Email`, `X-Auth-Request-Groups`'], async (t) => {
    for (const [side, { port, app, session }] of both) {
      await ask(port, { headers: [session.alice, ['X-Auth-Request-User', 'mallory']] })
      t.strictSame(gotten(app, NAMES), Object.fromEntries([
        [NAMES[0], ALICE.id], [NAMES[1], 'alice@example.com'], [NAMES[2], 'admin,editor']
      ]), side)
    }
  })

  await rows.run(['`/oauth2/auth?allowed_groups=admin`'], async (t) => {
    for (const [side, { port, session }] of both) {
      t.equal((await ask(port, { path: '/admin', headers: [session.alice] })).status, 200, `${side}: alice`)
      t.equal((await ask(port, { path: '/admin', headers: [session.bob] })).status, 403, `${side}: bob`)
    }
  })

  await rows.run([
    '`/oauth2/sign_in?rd=…`, `/oauth2/start?rd=…`', '`--client-id`, `--redirect-url`',
    '`--client-secret`, `--cookie-secret`'
  ], async (t) => {
    const [there, here] = [await waysIn(left.port), await waysIn(right.port)]
    t.equal(there.start, '/oauth2/start?rd=/deep')
    t.equal(here.start, `https://${HOST}/_auth/login?rd=https://${HOST}/deep`)
    t.equal(there.login.searchParams.get('redirect_uri'), `https://${HOST}/oauth2/callback`)
    t.equal(here.login.searchParams.get('redirect_uri'), `https://${HOST}/_auth/callback`)
    t.equal(there.login.searchParams.get('client_id'), 'app')
    t.equal(here.login.searchParams.get('client_id'), 'web')
  })

  await rows.run(['a program without a session is redirected (`error_page 401`)'], async (t) => {
    t.equal((await ask(left.port, { path: '/deep' })).status, 302, 'there: nginx sends it to the login page')
    t.equal((await ask(right.port, { path: '/deep' })).status, 401, 'here')
  })

  await rows.run(['an unverified e-mail fails the sign-in (403)'], async (t) => {
    left.provider.signIn({ ...CLAIMS.bob, email_verified: false })
    const { back } = await signInAt(left.port, '/')
    t.equal(back.status, 403, 'there: refused')
    // its log comes by another way than its answer, and may come after it
    await until('it says why', () => left.log().includes(UNVERIFIED))
    t.match(left.log(), UNVERIFIED)
    await ask(right.port, { headers: [right.session.bob] })
    t.strictSame(gotten(right.app, NAMES.slice(0, 2)), {
      'X-Auth-Request-User': BOB.id, 'X-Auth-Request-Email': ''
    }, 'here: let in, and the app gets no e-mail (the simulator has bob’s as not verified)')
  })

  await rows.run(['`--email-domain`, `--authenticated-emails-file`'], async (t) => {
    left.provider.signIn({ ...CLAIMS.bob, email: 'bob@elsewhere.example' })
    t.equal((await signInAt(left.port, '/')).back.status, 403, 'there: another domain')
    const { status } = await ask(right.port, { path: '/admin', headers: [right.session.bob] })
    t.equal(status, 403, 'here: without the role')
  })

  await rows.run(['`/ping`, `/ready`'], async (t) => {
    for (const path of ['/ping', '/ready']) t.equal((await ask(left.own, { path })).status, 200, `there: ${path}`)
    for (const path of ['/livez', '/readyz']) t.equal((await fetch(`${right.managementUrl}${path}`)).status, 200, path)
  })

  await rows.run(['`/oauth2/sign_out`'], async (t) => {
    const out = await ask(left.port, { path: '/oauth2/sign_out', headers: [left.session.bob, ...NAVIGATION] })
    t.match(String(out.headers['set-cookie']), /_oauth2_proxy=; Path=\//, 'there: the browser forgets its cookie')
    t.equal((await ask(left.port, { headers: [left.session.bob] })).status, 200, 'there: a copy of it lives on')
    const cookie: HeaderLine = ['Cookie', `session=${right.simulator.controls.signIn('bob').cookie}`]
    t.equal((await ask(right.port, { headers: [cookie] })).status, 200)
    const leaving = await ask(right.port, { path: '/_auth/logout', headers: [cookie, ...NAVIGATION] })
    t.match(leaving.headers.location, `${right.simulator.url}/oauth2/end_session`)
    // what the browser's next stop does
    right.simulator.controls.signOut(cookie[1].replace('session=', ''))
    t.equal((await ask(right.port, { headers: [cookie] })).status, 401, 'here: a copy of it does not')
  })

  const names = '`X-Forwarded-User`, `X-Forwarded-Email`, `X-Forwarded-Groups`, `X-Forwarded-Preferred-Username`'
  await rows.run([
    names, '`--upstream`', '`--skip-auth-route`, `--skip-auth-regex`',
    '`--api-route`, `--skip-jwt-bearer-tokens`'
  ], async (t) => {
    const app = await startEchoApp(t)
    const { own: port } = await startOauth2Proxy(t, left.provider, leftFile('upstream.cfg', { APP: app.port }))
    const there = { app, port, session: left.session } // both have one cookie_secret
    const here = await startRight(t, 'forwarded')
    for (const [side, { port, app, session }] of [['there', there], ['here', here]] as const) {
      t.equal((await ask(port, { path: '/api/x' })).status, 401, `${side}: a program`)
      t.equal((await ask(port, { path: '/public/x' })).status, 200, `${side}: a public path`)
      const token = side === 'there' ? idToken(left.provider.url) : ALICE.bearer
      const { status } = await ask(port, { path: '/api/x', headers: [['Authorization', `Bearer ${token}`]] })
      t.equal(status, 200, `${side}: alice by a token`)
      t.equal((await ask(port, { headers: [session.alice, ['X-Forwarded-User', 'mallory']] })).status, 200, side)
      t.strictSame(gotten(app, FORWARDED), {
        'X-Forwarded-User': ALICE.id,
        'X-Forwarded-Email': 'alice@example.com',
        'X-Forwarded-Groups': 'admin,editor',
        'X-Forwarded-Preferred-Username': 'alice'
      }, side)
    }
  })
  rows.check()
})
