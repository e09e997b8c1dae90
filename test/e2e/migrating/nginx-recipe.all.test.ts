import t, { type Test } from 'tap'
import { type EchoApp, startEchoApp } from '../../helpers/echo-app.ts'
import { startProcess } from '../../helpers/process.ts'
import { ask, type HeaderLine } from '../../helpers/request.ts'
import { skipOrFail } from '../../helpers/servers.ts'
import { demo, type RunningSimulator, startSimulator } from '../../helpers/simulator.ts'
import { disabledEvent, WEBHOOK_SECRET, webhookOf } from '../../helpers/webhook.ts'
import { ALICE, BOB, cookieOf } from '../people.ts'
import { nginx } from '../proxies.ts'
import { startProxy } from '../start-proxy.ts'
import { startNginx } from '../../helpers/nginx.ts'
import { gotten, leftFile } from './left.ts'
import { rowsOf } from './page.ts'

/** What the recipe hands to the app. */
const NAMES = [
  'X-Authgear-Session-Valid', 'X-Authgear-User-Id', 'X-Authgear-User-Anonymous', 'X-Authgear-User-Verified',
  'X-Authgear-Session-Amr', 'X-Authgear-User-Can-Reauthenticate'
]
const USER = 'X-Authgear-User-Id'
/** The credential that native apps and many SPAs keep in a cookie. */
const tokenOf = ({ accessToken }: Readonly<{ accessToken: string }>): HeaderLine =>
  ['Cookie', `app_access_token=${accessToken}`]

type Side = Readonly<{ port: number, app: EchoApp, authgear: RunningSimulator }>

async function startLeft (t: Test, isCached: boolean): Promise<Side> {
  const [authgear, app] = [await startSimulator(t), await startEchoApp(t)]
  const recipe = leftFile('recipe.conf', { AUTHGEAR: authgear.port, APP: app.port })
  return { port: await startNginx(t, isCached ? recipe.replaceAll('#cache ', '') : recipe), app, authgear }
}

async function startRight (t: Test): Promise<Side & Readonly<{ service: number }>> {
  const [authgear, app] = [await startSimulator(t), await startEchoApp(t)]
  const { port: service } = await startProcess(t, {
    AUTHGEAR_ENDPOINT: authgear.url, AUTHGEAR_WEBHOOK_SECRET: WEBHOOK_SECRET, CACHE_TTL: '10m'
  })
  return { port: await startProxy(t, nginx, { app: app.port, forwardAuth: [service] }), app, authgear, service }
}

/** Asks as each of them, one after the other. @returns whom the app took each for; undefined: the app saw nothing */
async function takenFor ({ port, app }: Side, people: ReadonlyArray<readonly HeaderLine[]>) {
  const users: Array<string | undefined> = []
  for (const headers of people) {
    const before = app.received.length
    await ask(port, { headers })
    users.push(app.received.length === before ? undefined : gotten(app, [USER])[USER])
  }
  return users
}

t.test("Authgear's recipe for nginx and this service, asked the same", { skip: skipOrFail('nginx') }, async (t) => {
  const [left, cached, right] = [await startLeft(t, false), await startLeft(t, true), await startRight(t)]
  const rows = rowsOf(t, "Authgear's own nginx recipe")

  await rows.run([
    '`auth_request` → `https://myapp.authgear.cloud/_resolver/resolve`',
    '`auth_request_set $x_authgear_… $upstream_http_…` for each header', '`Authorization` and `Cookie` passed on'
  ], async (t) => {
    for (const headers of [[cookieOf(ALICE)], [['Authorization', `Bearer ${ALICE.bearer}`]], [cookieOf(BOB)]] as const) {
      t.equal((await ask(left.port, { headers })).status, 200)
      t.equal((await ask(right.port, { headers })).status, 200)
      const there = gotten(left.app, NAMES)
      t.equal(there['X-Authgear-Session-Valid'], 'true')
      t.strictSame(gotten(right.app, NAMES), there, 'the app reads the same')
    }
  })

  await rows.run(['the resolver always answers 200; the app must read `X-Authgear-Session-Valid`'], async (t) => {
    for (const headers of [[], [['Cookie', 'session=ended']]] as const) {
      t.equal((await ask(left.port, { headers })).status, 200, 'there: a stranger reaches the app')
      t.not(gotten(left.app, NAMES)['X-Authgear-Session-Valid'], 'true')
      const before = right.app.received.length
      t.equal((await ask(right.port, { headers })).status, 401, 'here')
      t.equal(right.app.received.length, before)
    }
  })

  await rows.run(["a client's own `X-Authgear-User-Roles` reaches the app"], async (t) => {
    const headers = [cookieOf(BOB), ['X-Authgear-User-Roles', 'admin']] as const
    await ask(left.port, { headers })
    t.equal(left.app.lastHeader('X-Authgear-User-Roles').join(), 'admin', 'there: bob makes himself an admin')
    await ask(right.port, { headers })
    t.equal(right.app.lastHeader('X-Authgear-User-Roles').join(), '', 'here: he has no role')
  })

  await rows.run(['`proxy_cache` keyed by the cookie'], async (t) => {
    const people = [[tokenOf(demo.alice)], [tokenOf(demo.bob)], [['Cookie', `app_session=${demo.bob.appSession}`]], []] as const
    const { alice: { id: alice }, bob: { id: bob } } = demo
    t.strictSame(await takenFor(cached, people), [alice, alice, alice, alice], 'there: bob and a stranger are alice')
    t.strictSame(await takenFor(left, people), [alice, bob, bob, ''], 'there, without its cache')
    t.strictSame(await takenFor(right, people), [alice, bob, bob, undefined], 'here: each is who they are')

    const session = [cookieOf(BOB)]
    for (const side of [cached, right]) {
      t.strictSame(await takenFor(side, [session]), [bob])
      side.authgear.controls.disable('bob')
    }
    t.equal((await ask(right.service, webhookOf(disabledEvent(bob)))).status, 204, 'Authgear tells of it')
    t.strictSame(await takenFor(right, [session]), [undefined], 'here: a disabled user is out')
    t.strictSame(await takenFor(cached, [session]), [bob], 'there: in, for what is left of ten minutes')
  })

  await rows.run(['500 for every request while Authgear is down'], async (t) => {
    for (const { authgear } of [left, right]) authgear.controls.fail('error')
    t.equal((await ask(left.port, { headers: [cookieOf(ALICE)] })).status, 500, 'there: users who were signed in')
    t.equal((await ask(left.port)).status, 500, 'there: a stranger')
    t.equal((await ask(right.port, { headers: [cookieOf(ALICE)] })).status, 200, 'here: alice is remembered')
    t.equal((await ask(right.port, { headers: [['Cookie', 'session=never.seen']] })).status, 503, 'here: others')
    t.equal((await ask(right.port)).status, 401, 'here: without a credential nobody has to be asked')
  })
  rows.check()
})
