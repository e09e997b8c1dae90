import t, { type Test } from 'tap'
import { type EchoApp, startEchoApp } from '../../helpers/echo-app.ts'
import { startProcess } from '../../helpers/process.ts'
import { ask, HOST } from '../../helpers/request.ts'
import { skipOrFail } from '../../helpers/servers.ts'
import { startSimulator } from '../../helpers/simulator.ts'
import { ALICE, BOB, cookieOf, LOGIN, NAVIGATION } from '../people.ts'
import { traefikPlain } from '../proxies.ts'
import { swap } from '../snippets.ts'
import { startProxy } from '../start-proxy.ts'
import { configurationOf, type Ingress, ruleOf } from './ingress-nginx.ts'
import { startNginx } from '../../helpers/nginx.ts'
import { rowsOf } from './page.ts'

const USER = 'X-Authgear-User-Id'

type Side = Readonly<{ app: EchoApp, port: number }>

async function startService (t: Test): Promise<number> {
  const authgear = await startSimulator(t)
  return (await startProcess(t, { AUTHGEAR_ENDPOINT: authgear.url, ...LOGIN })).port
}

type Annotations = Readonly<Record<string, string>>

const ingressOf = (annotations: Annotations, host = HOST): Ingress => ({
  metadata: {
    name: 'app',
    annotations: Object.fromEntries(
      Object.entries(annotations).map(([name, value]) => [`nginx.ingress.kubernetes.io/${name}`, value])
    )
  },
  spec: { rules: [ruleOf(host)] }
})

async function startLeft (
  t: Test,
  forwardAuth: number,
  more: Annotations = {},
  policy = '',
  others: readonly Ingress[] = []
): Promise<Side> {
  const app = await startEchoApp(t)
  const annotations = {
    'auth-url': `http://127.0.0.1:${forwardAuth}/verify?login=off${policy}`, 'auth-response-headers': USER, ...more
  }
  return { app, port: await startNginx(t, configurationOf([ingressOf(annotations), ...others], app.port)) }
}

/** Traefik with the middleware on the entry point, and a router that somebody wrote without one. */
async function startRight (t: Test, forwardAuth: number, ...options: readonly string[]): Promise<Side> {
  const app = await startEchoApp(t)
  const edits = {
    'traefik.yml': (written: string) =>
      swap(swap(written, '# asDefault: true', 'asDefault: true'), '# middlewares: [', 'middlewares: ['),
    'dynamic.yml': (written: string) =>
      swap(written, '  routers:\n', `  routers:\n    other: { rule: "Host(\`other.${HOST}\`)", service: app }\n`)
  }
  const behind = { app: app.port, forwardAuth: [forwardAuth], options: ['--login', ...options] }
  return { app, port: await startProxy(t, { ...traefikPlain, edits }, behind) }
}

const SERVERS = skipOrFail('ingress-nginx-config', 'nginx', 'traefik')

t.test('ingress-nginx and Traefik, asked the same', { skip: SERVERS }, async (t) => {
  const service = await startService(t)
  const [left, right] = [await startLeft(t, service), await startRight(t, service)]
  const rows = rowsOf(t, 'ingress-nginx')

  await rows.run(['`nginx.ingress.kubernetes.io/auth-url`'], async (t) => {
    for (const [side, { port, app }] of [['there', left], ['here', right]] as const) {
      t.equal((await ask(port)).status, 401, `${side}: a stranger`)
      t.equal(app.received.length, 0)
      t.equal((await ask(port, { headers: [cookieOf(ALICE), [USER, 'mallory']] })).status, 200, `${side}: alice`)
      t.strictSame(app.lastHeader(USER), [ALICE.id])
    }
  })

  await rows.run(['`auth-url: …/verify?role=admin`'], async (t) => {
    const [there, here] = [
      await startLeft(t, service, {}, '&role=admin'), await startRight(t, service, '--policy', '/=role=admin')
    ]
    for (const [side, { port }] of [['there', there], ['here', here]] as const) {
      t.equal((await ask(port, { headers: [cookieOf(ALICE)] })).status, 200, `${side}: alice`)
      t.equal((await ask(port, { headers: [cookieOf(BOB)] })).status, 403, `${side}: bob`)
    }
  })

  await rows.run(['`auth-signin`'], async (t) => {
    const login = `https://${HOST}/_auth/login`
    const there = await startLeft(t, service, { 'auth-signin': `${login}?rd=https://$http_host$escaped_request_uri` })
    for (const [side, { port }] of [['there', there], ['here', right]] as const) {
      const { status, headers: { location = '' } } = await ask(port, { path: '/deep', headers: NAVIGATION })
      t.equal(status, 302, side)
      t.match(decodeURIComponent(location), new RegExp(`^${login}\\?rd=https?://${HOST}/deep$`), side)
    }
    t.equal((await ask(there.port, { path: '/api' })).status, 302, 'there: a program too')
    t.equal((await ask(right.port, { path: '/api' })).status, 401, 'here: a program gets its 401')
  })

  await rows.run(['`auth-response-headers`'], async (t) => {
    const headers = [cookieOf(BOB), ['X-Authgear-User-Roles', 'admin']] as const
    await ask(left.port, { headers })
    t.strictSame(left.app.lastHeader('X-Authgear-User-Roles'), ['admin'], 'there: not listed, so bob may send it')
    await ask(right.port, { headers })
    t.equal(right.app.lastHeader('X-Authgear-User-Roles').join(), '', 'here')
  })

  await rows.run(['`auth-cache-key`'], async (t) => {
    const key = { 'auth-cache-key': '$remote_user$http_authorization' } // as its own documentation has it
    const authgear = await startSimulator(t)
    const resolver = await startLeft(t, service, { ...key, 'auth-url': `${authgear.url}/_resolver/resolve` })
    for (const [who, { port, app }, user] of [
      ['there, asking the resolver: bob is alice', resolver, ALICE.id],
      ['there, asking this service: its no-store forbids it', await startLeft(t, service, key), BOB.id],
      ['here', right, BOB.id]
    ] as const) {
      await ask(port, { headers: [cookieOf(ALICE)] })
      t.equal((await ask(port, { headers: [cookieOf(BOB)] })).status, 200)
      t.strictSame(app.lastHeader(USER), [user], who)
    }
  })

  await rows.run(['one Ingress without annotations is open'], async (t) => {
    const host = `other.${HOST}`
    const there = await startLeft(t, service, {}, '', [ingressOf({}, host)])
    t.equal((await ask(there.port)).status, 401, 'there: the one with annotations')
    t.equal((await ask(there.port, { host })).status, 200, 'there: the one without')
    t.equal((await ask(right.port, { host })).status, 401, 'here')
  })
  rows.check()
})
