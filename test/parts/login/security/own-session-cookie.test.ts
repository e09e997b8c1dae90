import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { overGrpcAsked } from '../../../helpers/own-endpoints.ts'
import { settingsOf, type Environment } from '../../../helpers/in-process.ts'
import {
  APP, LOCAL, WIKI, cookieName, sessionCookie, sessionsSet, signedIn, startOwnWorld, whoIn
} from '../../../helpers/own-session-world.ts'
import { last, type Person } from '../../../helpers/person.ts'
import { startRedis } from '../../../helpers/redis.ts'
import { ask } from '../../../helpers/request.ts'
import { LOGIN } from '../../../helpers/in-process.ts'

const NAME = cookieName(APP)

const valueOf = (person: Person, origin = APP): string => {
  const value = sessionCookie(person, origin)
  if (value === undefined) throw new Error('not signed in')
  return value
}

t.test('the cookie is opaque, long, of this host alone, and another at each login', async (t) => {
  const world = await startOwnWorld(t)
  const person = world.person()
  const lines = sessionsSet(await world.signIn(person, `${APP}/`))
  t.equal(lines.length, 1)
  const [pair = '', ...attributes] = (lines[0] ?? '').split('; ')
  t.match(pair, /^__Host-forward-auth=[A-Za-z0-9_-]{43,}$/, '256 bits')
  const names = attributes.map((text) => text.split('=')[0]?.toLowerCase()).filter((name) => !/max-age|expires/.test(name ?? ''))
  t.strictSame(names.toSorted(), ['httponly', 'path', 'samesite', 'secure'])
  t.ok(attributes.includes('Path=/') && attributes.includes('SameSite=Lax'))
  const first = valueOf(person)
  await person.open(`${APP}/_auth/logout`)
  t.equal(sessionCookie(person), undefined, 'signing out takes it away')
  await world.signIn(person, `${APP}/`)
  t.not(valueOf(person), first)

  const local = await signedIn(world, 'alice', LOCAL)
  t.match(local.cookies('localhost:8080'), /(?:^|; )forward-auth=[A-Za-z0-9_-]{43,}/)
  t.equal(await world.who(local, LOCAL), 'alice')
})

t.test('no token reaches the browser, the app, a log line or Redis', async (t) => {
  const redis = await startRedis(t)
  const world = await startOwnWorld(t, { redis })
  const person = world.person()
  const hops = [
    ...await world.signIn(person, `${APP}/deep`), ...await world.signIn(person, `${WIKI}/`), ...await person.open(`${APP}/`)
  ]
  const cookies = [sessionCookie(person) ?? '', sessionCookie(person, WIKI) ?? '']
  world.clock.advance(290_000)
  t.equal(await world.who(person), 'alice')
  const seen = [...hops, ...await person.open(`${APP}/_auth/logout`)]
  const tokens = world.relay.calls.flatMap(({ answer }) => [answer['access_token'], answer['refresh_token']])
    .filter((token) => typeof token === 'string')
  t.ok(tokens.length >= 4)
  const ours = seen.filter(({ url }) => !url.startsWith(world.relay.url))
  const texts = {
    browser: JSON.stringify(ours),
    'log lines': JSON.stringify(world.replicas[0]?.lines),
    Redis: (await contents(redis)).join('\n'),
    metrics: await world.replicas[0]?.service.metrics.render() ?? ''
  }
  const ids = world.relay.calls.map(({ answer }) => answer['id_token']).filter((id) => typeof id === 'string')
  for (const [place, text] of Object.entries(texts)) {
    for (const token of tokens) t.notOk(text.includes(String(token)), `no token in ${place}`)
    if (place === 'browser') continue // an ID token is its hint at Authgear's pages
    for (const id of [...ids, ...cookies]) t.notOk(text.includes(id), `no ID token, no cookie in ${place}`)
  }
  const set = seen.flatMap(({ headers }) => [headers['set-cookie'] ?? []].flat()).join('\n')
  for (const id of ids) t.notOk(set.includes(id), 'no ID token in a cookie')
})

/** Every key and value, as bytes of latin1. */
async function contents (redis: { cli: (...command: [string, ...string[]]) => Promise<unknown> }): Promise<string[]> {
  const keys = await redis.cli('KEYS', '*') as string[]
  const dumps = await Promise.all(keys.map((key) => redis.cli('DUMP', key)))
  return [...keys, ...dumps.map(String)]
}

t.test('fixation: a planted cookie is no session and never becomes one', async (t) => {
  const world = await startOwnWorld(t)
  const attacker = await signedIn(world, 'bob')
  const over = valueOf(attacker)
  await attacker.open(`${APP}/_auth/logout`)
  for (const planted of [randomBytes(32).toString('base64url'), over, 'fixed', '']) {
    const victim = world.person()
    victim.plant(`${NAME}=${planted}; Path=/; Secure`, new URL(APP).host)
    const page = last(await victim.open(`${APP}/`))
    const hops = await victim.send(page.url, { user: 'alice' })
    t.equal(await world.who(victim), 'alice')
    t.not(valueOf(victim), planted)
    t.equal(sessionsSet(hops).length, 1)
    t.match(await world.byCookie(planted), /^401/, 'what the attacker knows is nothing afterwards')
  }
})

t.test('a login by a browser that has another\'s cookie ends up as itself alone', async (t) => {
  const world = await startOwnWorld(t)
  const attacker = await signedIn(world, 'bob')
  const planted = valueOf(attacker)
  const victim = world.person()
  victim.plant(`${NAME}=${planted}; Path=/; Secure`, new URL(APP).host)
  t.equal(await world.who(victim), 'bob')
  const first = await victim.open(`${APP}/_auth/login?rd=${APP}/`)
  await victim.send(last(first).url, { user: 'alice' })
  t.equal(await world.who(victim), 'alice')
  t.not(valueOf(victim), planted)
  t.match(await world.byCookie(planted), /^(?:bob$|401)/, 'and the other session is nobody else\'s')
})

/** Cookie lines that a sibling, another port or a plain client may bring. */
const TOSSED: ReadonlyArray<readonly [string, (victim: string, attacker: string) => string]> = [
  ['another\'s first', (victim, attacker) => `${NAME}=${attacker}; ${NAME}=${victim}`],
  ['another\'s last', (victim, attacker) => `${NAME}=${victim}; ${NAME}=${attacker}`],
  ['junk first', (victim) => `${NAME}=${randomBytes(32).toString('base64url')}; ${NAME}=${victim}`],
  ['its own twice and another\'s', (victim, attacker) => `${NAME}=${victim}; ${NAME}=${victim}; ${NAME}=${attacker}`]
]

for (const [what, line] of TOSSED) {
  t.test(`cookie tossing, ${what}: no user passes as another`, async (t) => {
    const world = await startOwnWorld(t)
    const [victim, attacker] = [await signedIn(world, 'alice'), await signedIn(world, 'bob')]
    const cookie = line(valueOf(victim), valueOf(attacker))
    t.match(whoIn(await world.verify({ cookie })), /^401/, 'two of one name: one of them is not ours')
    const [one = '', ...others] = cookie.split('; ')
    const lines = others.map((other) => ['Cookie', other] as const)
    t.match(whoIn(await world.verify({ cookie: one, headers: lines })), /^401/, 'over several lines too')
  })
}

t.test('a cookie of another name, spelling or scheme is no session', async (t) => {
  const world = await startOwnWorld(t)
  const value = valueOf(await signedIn(world, 'alice'))
  const local = valueOf(await signedIn(world, 'alice', LOCAL), LOCAL)
  const spellings = [
    `forward-auth=${value}`, `__Secure-forward-auth=${value}`, `__host-forward-auth=${value}`,
    `__HOST-FORWARD-AUTH=${value}`, `__Host-forward-auth-login=${value}`, `__Host-forward-auth =${value}`,
    `__Host-forward-auth="${value}"`, `__Host-forward-auth=${value}=`, `__Host-forward-auth=${value}A`,
    `__Host-forward-auth=${value.slice(0, -1)}`, `__Host-forward-auth=%${value}`, `x__Host-forward-auth=${value}`,
    `session=${value}`, `__Host-forward-auth=${value.toLowerCase()}`, `__Host-forward-auth=${local}`
  ]
  for (const cookie of spellings) t.match(whoIn(await world.verify({ cookie })), /^401/, cookie.slice(0, 30))
  t.match(whoIn(await world.verify({ headers: [['Authorization', `Bearer ${value}`]] })), /^401/, 'as a token')
  t.match(whoIn(await world.verify({ cookie: `__Host-forward-auth=${value}`, origin: LOCAL })), /^401/, 'over http')
  t.equal(whoIn(await world.verify({ cookie: `a=b; ${NAME}=${value}; c=d` })), 'alice', 'beside others it is one')
})

/** How a request says its host. */
const HOSTS: ReadonlyArray<readonly [string, ReadonlyArray<readonly [string, string]>]> = [
  ['another', [['X-Forwarded-Host', 'wiki.other.test']]],
  ['none', []],
  ['an empty one', [['X-Forwarded-Host', '']]],
  ['two lines', [['X-Forwarded-Host', 'app.example.com'], ['X-Forwarded-Host', 'wiki.other.test']]],
  ['two lines, the other first', [['X-Forwarded-Host', 'wiki.other.test'], ['X-Forwarded-Host', 'app.example.com']]],
  ['a list', [['X-Forwarded-Host', 'app.example.com, wiki.other.test']]],
  ['a list, the other first', [['X-Forwarded-Host', 'wiki.other.test, app.example.com']]],
  ['a host below it', [['X-Forwarded-Host', 'x.app.example.com']]],
  ['another port', [['X-Forwarded-Host', 'app.example.com:8443']]],
  ['a user', [['X-Forwarded-Host', 'app.example.com@wiki.other.test']]],
  ['no host at all', [['X-Forwarded-Host', '///']]]
]

t.test('a cookie of one host is no session at another, however the host is said', async (t) => {
  const world = await startOwnWorld(t, { adapter: { IDENTIFY_LISTEN: '127.0.0.1:0', LISTEN_GRPC: '127.0.0.1:0' } })
  const cookie = `${NAME}=${valueOf(await signedIn(world, 'alice'))}`
  t.equal(whoIn(await world.verify({ cookie })), 'alice')
  t.equal(await overGrpcAsked(t, world, { cookie, host: 'app.example.com' }), 'alice', 'over gRPC')
  t.match(await overGrpcAsked(t, world, { cookie, host: 'wiki.other.test' }), /^(?!alice)/, 'over gRPC')
  const { default: { request } } = await import('node:http')
  const { port = 0, identifyPort = 0 } = world.replicas[0] ?? {}
  const rawly = (at: number, path: string, lines: ReadonlyArray<readonly [string, string]>) =>
    new Promise<string>((resolve, reject) => {
      const headers = [['Host', 'forward-auth:4180'], ['Cookie', cookie], ...lines].flat()
      request({ host: '127.0.0.1', port: at, path, headers, setHost: false, agent: false }, (answer) => {
        answer.resume()
        resolve(whoIn({ status: answer.statusCode ?? 0, headers: answer.headers }))
      }).once('error', reject).end()
    })
  for (const [what, lines] of HOSTS) {
    for (const path of ['/verify', '/ext-authz/', '/ext-authz/~/x']) {
      t.not(await rawly(port, path, lines), 'alice', `${path}: ${what}`)
    }
    t.not(await rawly(identifyPort, '/identify', lines), 'alice', `/identify: ${what}`)
  }
})

/** Whom each proxy's own request lets in, as recorded; ingress-nginx names no host, and passes a client's on. */
const SHAPES: ReadonlyArray<readonly [string, RegExp]> = [
  ...['traefik', 'caddy', 'nginx', 'envoy', 'envoy-prefix', 'haproxy', 'read-apisix', 'read-envoy-gateway']
    .map((name) => [name, /^alice$/] as const),
  ['read-ingress-nginx', /^(?:401|302) /]
]

t.test('a cookie is one at the host that each proxy names, and at no other', async (t) => {
  const world = await startOwnWorld(t)
  const cookie = `${NAME}=${valueOf(await signedIn(world, 'alice'))}`
  const { port = 0 } = world.replicas[0] ?? {}
  for (const [name, expected] of SHAPES) {
    const file = join(import.meta.dirname, `../../../fixtures/shapes/${name}.json`)
    const [{ rawHeaders }] = JSON.parse(readFileSync(file, 'utf8')) as [{ rawHeaders: readonly string[] }]
    const as = async (host: string): Promise<string> => {
      const lines = rawHeaders.map((text) => text.replaceAll('app.example', host))
      const kept = lines.flatMap((text, i) =>
        i % 2 === 1 || /^(?:cookie|host|content-length)$/i.test(text) ? [] : [[text, lines[i + 1] ?? ''] as const])
      const [, said = ''] = lines.slice(lines.findIndex((text) => /^host$/i.test(text)))
      return whoIn(await ask(port, { path: '/verify', host: said, headers: [...kept, ['Cookie', cookie]] }))
    }
    t.match(await as('app.example.com'), expected, name)
    t.match(await as('wiki.other.test'), /^(?:401|302) /, `${name}, another host`)
  }
})

t.test('a peer that is not trusted names no host', async (t) => {
  const world = await startOwnWorld(t)
  const cookie = `${NAME}=${valueOf(await signedIn(world, 'alice'))}`
  const stranger = await world.start({ TRUSTED_PROXIES: '192.0.2.1' })
  t.not(whoIn(await world.verify({ cookie }, stranger)), 'bob')
  t.not(whoIn(await world.verify({ cookie, origin: WIKI }, stranger)), 'alice')
})

t.test('Authgear\'s own cookies are not read', async (t) => {
  const world = await startOwnWorld(t)
  const { cookie, appSession, accessToken } = world.authgear.controls.signIn('bob')
  const own = [`session=${cookie}`, `app_session=${appSession}`, `app_access_token=${accessToken}`]
  for (const line of [...own, own.join('; ')]) t.match(whoIn(await world.verify({ cookie: line })), /^401/)
  t.equal(world.authgear.counters.resolutions, 0, 'nor sent on')
  const alice = `${NAME}=${valueOf(await signedIn(world, 'alice'))}`
  const calls = world.authgear.counters.resolutions
  t.equal(whoIn(await world.verify({ cookie: `${own.join('; ')}; ${alice}` })), 'alice')
  t.ok(world.authgear.counters.resolutions <= calls + 1, 'they are part of no key either')
})

t.test('http is for this very machine: elsewhere no cookie is without Secure', async (t) => {
  const wrong = [
    'http://app.example.com', 'http://localhost.example.com', 'http://localhost@app.example.com', 'http://0.0.0.0',
    'http://192.168.1.2', 'http://127.0.0.1.nip.io', 'https://app.example.com,http://wiki.other.test',
    'https://app.example.com/x', 'https://user:pw@app.example.com', 'https://*.example.com', 'https://', '',
    'https://app.example.com,', 'https://app.example.com?x', 'javascript:alert(1)', 'ftp://app.example.com'
  ]
  for (const origins of wrong) {
    const environment: Environment = {
      ...LOGIN,
      AUTHGEAR_ENDPOINT: 'https://auth.example.com',
      LOGIN_SESSION: 'own',
      LOGIN_PUBLIC_URL: origins,
      LOGIN_ALLOWED_HOSTS: undefined,
      LOGOUT_REDIRECT_URI: undefined
    }
    await t.rejects(settingsOf(environment), /LOGIN_PUBLIC_URL/, origins)
  }
})

/** What of the client's request might choose where Authgear sends people. */
const CHOOSERS: ReadonlyArray<readonly [string, Readonly<Record<string, string>>]> = [
  ['X-Forwarded-Host', { 'x-forwarded-host': 'evil.example' }],
  ['Forwarded', { forwarded: 'host=evil.example;proto=http' }],
  ['X-Forwarded-Proto', { 'x-forwarded-proto': 'http' }],
  ['X-Forwarded-Port', { 'x-forwarded-port': '8443' }],
  ['X-Original-Host', { 'x-original-host': 'evil.example' }],
  ['X-Forwarded-Server', { 'x-forwarded-server': 'evil.example' }]
]

t.test('sends Authgear only registered addresses, whatever a request says', async (t) => {
  const world = await startOwnWorld(t)
  for (const [what, headers] of CHOOSERS) {
    const hops = await world.person().open(`${APP}/_auth/login?rd=${APP}/`, { headers, until: () => true })
    const location = last(hops).headers['location']
    if (location === undefined) continue // a page
    const uri = new URL(String(location)).searchParams.get('redirect_uri')
    t.ok(uri === null || [APP, WIKI, LOCAL].some((origin) => uri === `${origin}/_auth/callback`), `${what}: ${uri}`)
    t.ok(String(location).startsWith(world.relay.url), `${what}: to Authgear and nowhere else`)
  }
})

t.test('a host that is not ours has no login', async (t) => {
  const world = await startOwnWorld(t)
  const { port = 0 } = world.replicas[0] ?? {}
  const hosts = [
    'evil.example', 'app.example.com.evil.example', 'app.example.com:444', 'app.example.com@evil.example',
    'localhost:8081', 'x.app.example.com', '127.0.0.1', ''
  ]
  for (const host of hosts) {
    for (const path of ['/_auth/login', '/_auth/callback?state=x&code=y', '/_auth/logout', '/_auth/logged-out']) {
      const { status, headers } = await ask(port, { path, host })
      t.notOk('set-cookie' in headers, `${host} ${path}`)
      const isSentToAuthgear = String(headers.location).startsWith(world.relay.url)
      t.ok((status >= 400 && status !== 500) || isSentToAuthgear, `${host}: ${status}`)
      const uri = new URL(headers.location ?? 'x:/').searchParams.get('redirect_uri')
      t.equal(uri, null, `${host}: ${String(uri)}`)
    }
  }
})

t.test('rd leads to our own origins alone', async (t) => {
  const world = await startOwnWorld(t)
  const elsewhere = [
    'https://evil.example/', '//evil.example/', 'https:evil.example', 'https://app.example.com@evil.example/',
    'https://app.example.com.evil.example/', 'https://wiki.other.test.evil.example/', 'http://app.example.com/',
    'https://app.example.com:444/', 'http://localhost:8081/', 'https://localhost:8080/', 'https://x.app.example.com/',
    'javascript:alert(1)', 'https://app.example.com\\@evil.example', '/\\evil.example', 'https://evil.example%2f@app.example.com'
  ]
  for (const rd of elsewhere) {
    const person = world.person()
    const hops = await world.signIn(person, `${APP}/_auth/login?rd=${rd}`)
    const at = last(hops)
    t.ok([APP, WIKI, LOCAL].includes(new URL(at.url).origin), `${rd}: ended at ${at.url}`)
    t.equal(await world.who(person), 'alice', 'and is signed in')
  }
})
