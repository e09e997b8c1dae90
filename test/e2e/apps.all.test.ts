import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { type Answer, ask, type HeaderLine } from '../helpers/request.ts'
import { startProcess } from '../helpers/process.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { type RunningSimulator, startSimulator } from '../helpers/simulator.ts'
import {
  startDjango, startGo, startJupyterHub, startNginx, startNode, startPython, startRadicale, type Verifying
} from './apps/start-app.ts'
import { until } from '../helpers/until.ts'
import { ALICE, BOB, cookieOf } from './people.ts'
import { traefikPlain } from './proxies.ts'
import { startProxy } from './start-proxy.ts'

const ISSUER = 'https://auth.example.com'

type World = Readonly<{ port: number, simulator: RunningSimulator }>

/** A real Traefik before the app, on the files of `snippet` with the same set of headers. */
async function behindTraefik (
  t: Test,
  app: number,
  env: Readonly<Record<string, string>>,
  options: readonly string[]
): Promise<World> {
  const simulator = await startSimulator(t)
  const { port: forwardAuth } = await startProcess(t, { AUTHGEAR_ENDPOINT: simulator.url, ...env })
  return { port: await startProxy(t, traefikPlain, { app, forwardAuth: [forwardAuth], options }), simulator }
}

async function get (port: number, path: string, ...headers: readonly HeaderLine[]): Promise<Answer> {
  return await ask(port, { path, headers })
}

const userOf = ({ body }: Answer): unknown => (JSON.parse(body) as Record<string, unknown>)['user']

t.test('Django knows two users and signs neither in', { skip: skipOrFail('traefik', 'python-apps') }, async (t) => {
  const app = await startDjango(t)
  const { port } = await behindTraefik(t, app, { IDENTITY_HEADERS: 'remote' }, ['--identity', 'remote'])
  const alice = await get(port, '/', cookieOf(ALICE))
  t.equal(userOf(alice), ALICE.id)
  const session = String(alice.headers['set-cookie']).split(';', 1)[0] ?? ''
  t.match(session, /^sessionid=/, 'Django has begun a session')
  t.equal(userOf(await get(port, '/', ['Cookie', `${ALICE.cookie}; ${session}`])), ALICE.id)
  t.equal(
    userOf(await get(port, '/', ['Cookie', `${BOB.cookie}; ${session}`])), BOB.id, 'another person in the same browser'
  )
  t.equal((await get(port, '/', ['Cookie', session])).status, 401, "Django's session alone opens nothing")
  t.equal((await get(port, '/')).status, 401)
  for (const name of ['Remote-User', 'remote_user', 'REMOTE-USER', 'Remote.User']) {
    t.equal(userOf(await get(port, '/', cookieOf(BOB), [name, ALICE.id])), BOB.id, name)
  }
  t.equal(userOf(await get(app, '/', ['Remote-User', ''])), '', 'an empty header is nobody')
})

t.test('Radicale gives two users their own calendars', { skip: skipOrFail('traefik', 'python-apps') }, async (t) => {
  const app = await startRadicale(t)
  const { port } = await behindTraefik(t, app, { IDENTITY_HEADERS: 'remote' }, ['--identity', 'remote'])
  const calendar = (person: Readonly<{ id: string, cookie: string }>, of = person, ...more: HeaderLine[]) =>
    ask(port, { method: 'MKCALENDAR', path: `/${of.id}/work/`, headers: [cookieOf(person), ...more] })
  t.equal((await calendar(ALICE)).status, 201)
  t.equal((await calendar(BOB)).status, 201)
  t.equal((await get(port, `/${ALICE.id}/work/`, cookieOf(ALICE))).status, 200)
  t.equal((await get(port, `/${ALICE.id}/work/`, cookieOf(BOB))).status, 403, "hers is not Bob's to read")
  for (const name of ['Remote-User', 'remote_user', 'Remote.User']) {
    t.equal((await get(port, `/${ALICE.id}/work/`, cookieOf(BOB), [name, ALICE.id])).status, 403, name)
  }
  t.equal((await get(port, `/${ALICE.id}/work/`)).status, 401)
})

t.test('JupyterHub looks behind its own cookie', { skip: skipOrFail('traefik', 'python-apps') }, async (t) => {
  const app = await startJupyterHub(t)
  const { port } = await behindTraefik(t, app, { IDENTITY_HEADERS: 'remote' }, ['--identity', 'remote'])
  const browser = cookieJar()
  const home = async (person: Readonly<{ cookie: string }>): Promise<string> => {
    let path: string | undefined = '/hub/home'
    for (let hops = 0; hops < 5; hops++) {
      const answer: Answer = await get(port, path, ['Cookie', browser.cookies(person.cookie)])
      browser.keep(answer.headers['set-cookie'])
      path = answer.headers.location
      if (path === undefined) return /user: "([^"]*)"/.exec(answer.body)?.[1] ?? `${answer.status}`
    }
    return 'sent round in circles'
  }
  t.equal(await home(ALICE), ALICE.id)
  t.equal(await home(ALICE), ALICE.id, "by the hub's own cookie")
  await until('the hub looks at the header again', async () => await home(BOB) === BOB.id)
  t.equal((await get(port, '/hub/home', ['Cookie', browser.cookies('')])).status, 401, 'that cookie alone')
  t.equal((await get(app, '/hub/forward-auth', ['Remote-User', ''])).status, 403, 'nobody')
})

/** What one browser keeps, by name. */
function cookieJar () {
  const kept = new Map<string, string>()
  return {
    cookies: (first: string) => [first, ...[...kept].map(([name, value]) => `${name}=${value}`)].join('; '),
    keep (lines: readonly string[] | undefined) {
      for (const line of lines ?? []) {
        const [, name = '', value = ''] = /^([^=]*)=([^;]*)/.exec(line) ?? []
        kept.set(name, value)
      }
    }
  }
}

t.test('nginx serves each user a folder of their own', { skip: skipOrFail('traefik', 'nginx') }, async (t) => {
  const { port: app, log } = await startNginx(t, ALICE.id)
  const { port } = await behindTraefik(t, app, { IDENTITY_HEADERS: 'remote' }, ['--identity', 'remote'])
  t.equal((await get(port, '/', cookieOf(BOB))).body, 'for everybody')
  t.equal((await get(port, '/mine/', cookieOf(ALICE))).body, 'hers alone')
  t.equal((await get(port, '/mine/', cookieOf(BOB), ['Remote-User', ALICE.id])).status, 404)
  t.match(readFileSync(log, 'utf8'), `127.0.0.1 ${ALICE.id} "GET /mine/ HTTP/1.1" 200`)
  t.equal((await get(port, '/')).status, 401)
  for (const user of ['', '..', '../../etc', `${ALICE.id}/..`]) {
    t.equal((await get(app, '/mine/', ['Remote-User', user])).status, 403, JSON.stringify(user))
  }
})

const VERIFYING = [
  ['Node', ['traefik'], startNode],
  ['Python', ['traefik', 'python-apps'], startPython],
  ['Go', ['traefik', 'go'], startGo]
] as const

for (const [name, servers, startApp] of VERIFYING) {
  t.test(`${name} believes an assertion for itself and nothing else`, { skip: skipOrFail(...servers) }, async (t) => {
    const simulator = await startSimulator(t)
    const service = await startProcess(t, {
      AUTHGEAR_ENDPOINT: simulator.url, ASSERTION: 'on', ASSERTION_ISSUER: ISSUER
    })
    const told: Verifying = { forwardAuth: service.url, issuer: ISSUER }
    const app = await startApp(t, told)
    const port = await startProxy(t, traefikPlain, {
      app, forwardAuth: [service.port], options: ['--assertion', '--policy', '/=audience=my-app']
    })
    const assertionFor = async (audience: string): Promise<string> => {
      const answer = await get(service.port, `/verify${audience && `?audience=${audience}`}`, cookieOf(ALICE))
      return String(answer.headers['x-forward-auth-assertion'])
    }

    t.match(JSON.parse((await get(port, '/', cookieOf(ALICE))).body), { user: ALICE.id, roles: ['admin', 'editor'] })
    t.equal(userOf(await get(port, '/', cookieOf(BOB))), BOB.id)
    t.equal((await get(port, '/')).status, 401)
    const hers = await assertionFor('my-app')
    for (const spelling of ['X-Forward-Auth-Assertion', 'x_forward_auth_assertion', 'X.Forward.Auth.Assertion']) {
      t.equal(userOf(await get(port, '/', cookieOf(BOB), [spelling, hers])), BOB.id, spelling)
    }
    t.equal(userOf(await get(app, '/', ['X-Forward-Auth-Assertion', hers])), ALICE.id, 'past the proxy')
    const [head = '', claims = '', signature = ''] = hers.split('.')
    const forged = Buffer.from(Buffer.from(claims, 'base64url').toString().replace(ALICE.id, BOB.id))
    for (const [what, assertion] of [
      ['none', ''],
      ["another app's", await assertionFor('grafana')],
      ['the usual audience', await assertionFor('')],
      ['another user in it', `${head}.${forged.toString('base64url')}.${signature}`],
      ['alg none', `${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${claims}.`],
      ['no signature', `${head}.${claims}.`]
    ] as const) {
      t.equal((await get(app, '/', ['X-Forward-Auth-Assertion', assertion])).status, 401, what)
    }
  })
}
