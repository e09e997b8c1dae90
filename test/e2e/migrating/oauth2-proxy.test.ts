import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { adminApi, auditEnvironment } from '../../helpers/audit.ts'
import { startChild } from '../../helpers/child.ts'
import { type EchoApp, startEchoApp } from '../../helpers/echo-app.ts'
import { freePort } from '../../helpers/free-port.ts'
import { type OidcProvider, startOidcProvider } from '../../helpers/oidc-provider.ts'
import { startProcess } from '../../helpers/process.ts'
import { type Answer, ask, HOST, type HeaderLine } from '../../helpers/request.ts'
import { mustFind, skipOrFail } from '../../helpers/servers.ts'
import { type RunningSimulator, startSimulator } from '../../helpers/simulator.ts'
import { tempDir } from '../../helpers/temp-dir.ts'
import { HEADER, signed } from '../../helpers/token-issuer.ts'
import { ALICE, BOB } from '../people.ts'
import { nginx } from '../proxies.ts'
import type { Edits } from '../proxy.ts'
import { readSnippet, swap } from '../snippets.ts'
import { startProxy } from '../start-proxy.ts'
import { gotten, leftFile, NAVIGATION, startNginx } from './left.ts'
import { rowsOf } from './page.ts'

t.setTimeout(120_000)

const NAMES = ['X-Auth-Request-User', 'X-Auth-Request-Email', 'X-Auth-Request-Groups']
const FORWARDED = ['X-Forwarded-User', 'X-Forwarded-Email', 'X-Forwarded-Groups', 'X-Forwarded-Preferred-Username']
const MAP = 'X-Auth-Request-User={user},X-Auth-Request-Email={email},X-Auth-Request-Groups={groups}'
const CLIENT = {
  id: 'web',
  redirectUris: [`https://${HOST}/_auth/callback`],
  postLogoutRedirectUris: [`https://${HOST}/_auth/logged-out`]
}

/** As the provider knows the two people of the simulator. */
const CLAIMS = {
  alice: {
    sub: ALICE.id,
    email: 'alice@example.com',
    email_verified: true,
    preferred_username: 'alice',
    groups: ['admin', 'editor']
  },
  bob: { sub: BOB.id, email: 'bob@example.com', email_verified: true, preferred_username: 'bob', groups: [] }
} as const
type Name = keyof typeof CLAIMS

const ROUTES = '    # routes and their policies'
const PUBLIC: Edits = {
  'nginx.conf': (written) => swap(written, ROUTES, `${readSnippet('proxies/nginx.md', 'nginx: public path')}${ROUTES}`)
}

type Side = Readonly<{ port: number, app: EchoApp, session: Readonly<Record<Name, HeaderLine>> }>
type Left = Side & Readonly<{ own: number, log: () => string, provider: OidcProvider }>
type Right = Side & Readonly<{ managementUrl: string, simulator: RunningSimulator }>

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
    '`/oauth2/sign_in?rd=…`, `/oauth2/start?rd=…`',
    '`--client-id`, `--redirect-url`',
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

  await rows.run(['a program without a session'], async (t) => {
    t.equal((await ask(left.port, { path: '/deep' })).status, 302, 'there: nginx sends it to the login page')
    t.equal((await ask(right.port, { path: '/deep' })).status, 401, 'here')
  })

  await rows.run(['an e-mail that is not verified'], async (t) => {
    left.provider.signIn({ ...CLAIMS.bob, email_verified: false })
    const { back } = await signInAt(left.port, '/')
    t.equal(back.status, 403, 'there: refused')
    t.match(left.log(), "email in id_token (bob@example.com) isn't verified")
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
    names,
    '`--upstream`: oauth2-proxy passes the request on itself',
    '`--skip-auth-route`, `--skip-auth-regex`',
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

async function startLeft (t: Test): Promise<Left> {
  const [app, provider] = [await startEchoApp(t), await startOidcProvider(t, 'app')]
  const { own, log } = await startOauth2Proxy(t, provider)
  const port = await startNginx(t, leftFile('oauth2-proxy.conf', { OAUTH2_PROXY: own, APP: app.port }))
  const session = { alice: await sessionAt(port, provider, 'alice'), bob: await sessionAt(port, provider, 'bob') }
  return { port, app, session, own, log, provider }
}

async function startOauth2Proxy (t: Test, { url }: OidcProvider, more = ''): Promise<Pick<Left, 'own' | 'log'>> {
  const [folder, own] = [tempDir(t, 'oauth2-proxy'), await freePort()]
  const file = join(folder, 'oauth2-proxy.cfg')
  writeFileSync(file, `${leftFile('oauth2-proxy.cfg', { ISSUER: url, OAUTH2_PROXY: own })}${more}\n`)
  const child = await startChild(t, {
    name: 'oauth2-proxy',
    command: mustFind('oauth2-proxy'),
    args: ['--config', file],
    ready: () => ask(own, { path: '/ping' }).then(({ status }) => status === 200, () => false)
  })
  return { own, log: child.output }
}

async function startRight (t: Test, identity: string): Promise<Right> {
  const simulator = await startSimulator(t, { adminApi, clients: [CLIENT] })
  const service = await startProcess(t, {
    AUTHGEAR_ENDPOINT: simulator.url,
    ...auditEnvironment(simulator.url, '2s'),
    IDENTITY_HEADERS: identity,
    IDENTITY_PROFILE: 'email,username',
    PROFILE_TIMEOUT: '5s',
    LOGIN_CLIENT_ID: CLIENT.id,
    LOGIN_PUBLIC_URL: `https://${HOST}`,
    LOGIN_SECRET: 'a secret of this test, longer than 32 bytes'
  })
  const app = await startEchoApp(t)
  const options = ['--identity', identity, '--login', '--policy', '/admin=role=admin']
  const port = await startProxy(t, { ...nginx, edits: PUBLIC }, { app: app.port, forwardAuth: [service.port], options })
  const session = { alice: ['Cookie', ALICE.cookie], bob: ['Cookie', BOB.cookie] } as const
  return { port, app, session, simulator, managementUrl: service.managementUrl }
}

/** What a program has of the provider for `client_id`. */
function idToken (iss: string): string {
  const iat = Math.floor(Date.now() / 1000)
  return signed({ iss, aud: 'app', iat, exp: iat + 600, ...CLAIMS.alice }, { ...HEADER, typ: 'JWT' })
}

/** Where a browser without a session is sent, and where from there. */
async function waysIn (port: number): Promise<Readonly<{ start: string, login: URL }>> {
  const { headers: { location: start = '' } } = await ask(port, { path: '/deep', headers: NAVIGATION })
  const path = start.replace(`https://${HOST}`, '')
  const { headers: { location = '' } } = await ask(port, { path, headers: NAVIGATION })
  return { start, login: new URL(location) }
}

const cookiesOf = ({ headers }: Answer): string =>
  (headers['set-cookie'] ?? []).map((line) => line.split(';', 1)[0]).join('; ')

/** A whole sign-in by oauth2-proxy: its start, the provider, its callback. */
async function signInAt (port: number, rd: string): Promise<Readonly<{ back: Answer }>> {
  const start = await ask(port, { path: `/oauth2/start?rd=${rd}`, headers: NAVIGATION })
  const login = await fetch(start.headers.location ?? '', { redirect: 'manual' })
  const { pathname, search } = new URL(login.headers.get('location') ?? '')
  return { back: await ask(port, { path: `${pathname}${search}`, headers: [['Cookie', cookiesOf(start)]] }) }
}

async function sessionAt (port: number, provider: OidcProvider, name: Name): Promise<HeaderLine> {
  provider.signIn(CLAIMS[name])
  const { back } = await signInAt(port, '/deep')
  if (back.status !== 302 || back.headers.location !== '/deep') throw new Error(`${name} is not signed in: ${back.body}`)
  return ['Cookie', cookiesOf(back)]
}
