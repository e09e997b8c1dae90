import { generateKeyPairSync } from 'node:crypto'
import t, { type Test } from 'tap'
import { type InProcess, type InProcessOptions, startInProcess } from '../../../helpers/in-process.ts'
import { type ManualClock, manualClock } from '../../../helpers/manual-clock.ts'
import { type Answer, ask, type HeaderLine } from '../../../helpers/request.ts'
import { REFUSED_TOKENS } from '../../../helpers/token-corpus.ts'
import {
  HEADER, type Issuer, KEYS, KID, jwkOf, machineClaims, personClaims, RESOURCE, signed, startIssuer
} from '../../../helpers/token-issuer.ts'

const OTHER_RESOURCE = 'https://mcp.example.com/mcp'
const USER = 'a11ce000-0000-4000-8000-000000000001'
const query = (...parameters: readonly string[]): string =>
  [`resource=${encodeURIComponent(RESOURCE)}`, ...parameters].join('&')
const bearer = (token: string): HeaderLine[] => [['Authorization', `Bearer ${token}`]]

type World = Readonly<{
  issuer: Issuer
  clock: ManualClock
  service: InProcess
  port: number
  /** A token issued now. */
  machine: (claims?: Readonly<Record<string, unknown>>) => string
  person: (claims?: Readonly<Record<string, unknown>>) => string
  ask: (path: string, token?: string) => Promise<Answer>
}>

/** A replica that began a minute ago, so that its tokens are newer than what it knows. */
async function start (t: Test, options: Partial<InProcessOptions> = {}): Promise<World> {
  const issuer = await startIssuer(t)
  const clock = manualClock()
  const service = await startInProcess(t, {
    AUTHGEAR_ENDPOINT: issuer.url, RESOURCES: [RESOURCE, OTHER_RESOURCE].join(' '), clock, ...options
  })
  clock.advance(60_000)
  const { port } = service
  return {
    issuer,
    clock,
    service,
    port,
    machine: (claims) => signed(machineClaims(issuer.url, clock.wall(), claims)),
    person: (claims) => signed(personClaims(issuer.url, clock.wall(), USER, claims)),
    ask: (path, token) => ask(port, { path, headers: token === undefined ? [] : bearer(token) })
  }
}

t.test('a machine passes with an empty user, its client and its scope, and from memory', async (t) => {
  const world = await start(t)
  const token = world.machine({ scope: 'read:orders write:orders' })
  for (const source of [undefined, 'memory']) {
    const { status, headers } = await world.ask(`/resource?${query('scope=read:orders')}`, token)
    t.match({ status, headers }, {
      status: 200,
      headers: {
        'x-authgear-session-valid': 'false',
        'x-authgear-user-id': '',
        'x-authgear-user-roles': '',
        'x-authgear-client-id': 'machine',
        'x-authgear-scope': 'read:orders write:orders'
      }
    })
    t.equal(headers['x-forward-auth-source'], source)
  }
  t.equal(world.issuer.fetches(), 1)
})

t.test('a person passes with what the claims say', async (t) => {
  const world = await start(t)
  const { status, headers } = await world.ask(`/resource?${query('role=admin', 'max_age=60')}`, world.person())
  t.match({ status, headers }, {
    status: 200,
    headers: {
      'x-authgear-session-valid': 'true',
      'x-authgear-user-id': USER,
      'x-authgear-user-roles': 'admin',
      'x-authgear-user-anonymous': 'false',
      'x-authgear-user-verified': 'true',
      'x-authgear-client-id': 'agent'
    }
  })
})

t.test('no token of the corpus passes, and none is an outage', async (t) => {
  const world = await start(t)
  t.ok(REFUSED_TOKENS.length >= 60, `${REFUSED_TOKENS.length} tokens`)
  for (const { name, token } of REFUSED_TOKENS) {
    for (const endpoint of ['resource', 'resource-or-session']) {
      const path = `/${endpoint}?${query('scope=read:orders')}`
      const { status } = await world.ask(path, token(world.issuer.url, world.clock.wall()))
      t.ok(status === 401 || status === 403, `${endpoint}: ${name}: ${status}`)
    }
  }
})

t.test('a client’s own policy header names no resource for a route that has none', async (t) => {
  const { port, machine } = await start(t)
  const headers: readonly HeaderLine[] = [...bearer(machine()), ['X-Forward-Auth-Policy', query()]]
  for (const endpoint of ['/resource', '/resource-or-session']) {
    for (const path of [endpoint, `${endpoint}?scope=read:orders`]) {
      t.equal((await ask(port, { path, headers })).status, 403, path)
    }
  }
})

/** Policy, of whom, status and reason. */
const POLICIES: ReadonlyArray<readonly [policy: string, who: 'machine' | 'person', status: number, reason: string]> = [
  [query(), 'machine', 200, 'allowed'],
  [query('scope=read:orders'), 'machine', 200, 'allowed'],
  [query('scope=x,read:orders'), 'machine', 200, 'allowed'],
  [query('scope=read%3Aorders'), 'machine', 200, 'allowed'],
  [query('scope=read:orders&scope=x'), 'machine', 403, 'insufficient_scope'],
  [query('scope=read'), 'machine', 403, 'insufficient_scope'],
  [query('client=machine'), 'machine', 200, 'allowed'],
  [query('client=other,machine'), 'machine', 200, 'allowed'],
  [query('client=other'), 'machine', 403, 'wrong_client'],
  [query('client=other&scope=x'), 'machine', 403, 'wrong_client'],
  [query('role=admin'), 'machine', 403, 'forbidden'],
  [query('verified=true'), 'machine', 403, 'forbidden'],
  [query('anonymous=false'), 'machine', 403, 'forbidden'],
  [query('max_age=1000'), 'machine', 403, 'forbidden'],
  [query('amr=mfa'), 'machine', 403, 'forbidden'],
  [query('role=admin'), 'person', 200, 'allowed'],
  [query('role=other'), 'person', 403, 'forbidden'],
  [query('verified=true&anonymous=false'), 'person', 200, 'allowed'],
  [query('amr=mfa'), 'person', 401, 'step_up_required'],
  [`${query()}&resource=${encodeURIComponent(OTHER_RESOURCE)}`, 'machine', 401, 'wrong_audience'],
  [`resource=${encodeURIComponent(OTHER_RESOURCE)}`, 'machine', 401, 'wrong_audience'],
  ['', 'machine', 403, 'forbidden'],
  ['scope=read:orders', 'machine', 403, 'forbidden'],
  [`resource=${encodeURIComponent(`${RESOURCE}/`)}`, 'machine', 403, 'forbidden'],
  ['resource=https%253A%252F%252Fapi.example.com', 'machine', 403, 'forbidden'],
  [`${query()}&unknown=1`, 'machine', 403, 'forbidden']
]

t.test('a route’s policy is met or not', async (t) => {
  const world = await start(t)
  for (const [policy, who, status, reason] of POLICIES) {
    const { status: found, headers } = await world.ask(`/resource?${policy}`, world[who]())
    t.match([found, headers['x-forward-auth-reason']], [status, reason], `${who}: ${policy}`)
  }
  const both = world.machine({ aud: [RESOURCE, OTHER_RESOURCE] })
  const path = `/resource?${query(`resource=${encodeURIComponent(OTHER_RESOURCE)}`)}`
  t.equal((await world.ask(path, both)).status, 200, 'repeated means both')
})

t.test('a refusal says in RFC 6750’s words what would help', async (t) => {
  const world = await start(t)
  const challenge = async (path: string, token?: string): Promise<unknown> =>
    (await world.ask(path, token)).headers['www-authenticate']
  const metadata = 'resource_metadata="https://api.example.com/.well-known/oauth-protected-resource"'
  const path = `/resource?${query('scope=a,b', 'scope=c')}`
  t.equal(await challenge(path), `Bearer ${metadata}, scope="a c"`)
  t.equal(await challenge(path, 'junk'), `Bearer error="invalid_token", ${metadata}, scope="a c"`)
  t.equal(await challenge(path, world.machine()), `Bearer error="insufficient_scope", ${metadata}, scope="a c"`)
  t.equal(await challenge(`/resource?${query('client=x')}`, world.machine()), undefined)
  t.match(await challenge(`/resource?${query('max_age=1')}`, world.person({ auth_time: 1 })),
    `Bearer error="insufficient_user_authentication", max_age="1", ${metadata}`)
  const session = await challenge(`/resource-or-session?${query('scope=a')}`)
  t.equal(session, `Bearer realm="${world.issuer.url}", ${metadata}, scope="a"`)
})

t.test('a challenge names openid where RESOURCES does, and no token has to carry it', async (t) => {
  const world = await start(t, { RESOURCES: `${OTHER_RESOURCE}#offline_access,use,openid` })
  const path = `/resource?resource=${encodeURIComponent(OTHER_RESOURCE)}&scope=use`
  const { status, headers } = await world.ask(path)
  t.equal(status, 401)
  t.match(headers['www-authenticate'], /, scope="offline_access openid use"$/)
  const lacking = await world.ask(path, world.machine({ aud: [OTHER_RESOURCE], scope: '' }))
  t.match(lacking.headers['www-authenticate'], /error="insufficient_scope".*, scope="offline_access openid use"$/)
  const machine = world.machine({ aud: [OTHER_RESOURCE], scope: 'use' })
  t.equal((await world.ask(path, machine)).status, 200, 'a machine goes on without it')
  t.equal((await world.ask(`/resource-or-session?${path.split('?')[1]}`, machine)).status, 200)
})

t.test('neither kind of credential opens the other’s endpoint', async (t) => {
  const world = await start(t)
  world.issuer.resolve({ 'x-authgear-session-valid': 'true', 'x-authgear-user-id': USER })
  const cookie: HeaderLine[] = [['Cookie', `session=${USER}.abc`]]
  const statusOf = async (path: string, headers: readonly HeaderLine[]): Promise<number> =>
    (await ask(world.port, { path, headers })).status
  t.equal(await statusOf('/verify', cookie), 200, 'the session is one')
  t.equal(await statusOf(`/resource?${query()}`, cookie), 401, 'no cookie is read')
  t.equal(await statusOf(`/resource?${query()}`, bearer('opaque')), 401)
  t.equal(await statusOf('/verify', bearer(world.machine())), 401, 'whatever the resolver says of it')
  t.equal(await statusOf('/verify', [['Cookie', `app_access_token=${world.machine()}`]]), 401)
  t.equal(await statusOf(`/verify?${query()}`, cookie), 403, 'resource= belongs elsewhere')
  t.equal(await statusOf(`/verify?${query()}`, bearer(world.machine())), 401)
  t.equal(await statusOf('/verify?scope=a', cookie), 403)
  t.equal(await statusOf('/ext-authz/x', bearer(world.machine())), 401)
  t.equal(await statusOf(`/ext-authz/resource?${query()}`, bearer(world.machine())), 401, 'the client’s own query')
  const policy: HeaderLine = ['x-forward-auth-policy', query('scope=read:orders')]
  t.equal(await statusOf('/ext-authz/x', [policy, ...bearer(world.machine())]), 200, 'the proxy’s header chooses')
  t.equal(await statusOf('/ext-authz/x', [policy, ...cookie]), 401)
  t.equal(await statusOf('/verify', [policy, ...bearer(world.machine())]), 401, 'not on /verify')
  t.equal(await statusOf('/verify', [policy, ...cookie]), 403)
})

t.test('a segment chooses the endpoint only where it cannot be the client’s', async (t) => {
  const segment = `/ext-authz/~resource=${encodeURIComponent(RESOURCE)}&scope=read:orders/x`
  for (const [extAuthzPolicy, byToken, byCookie] of [['required', 200, 401], ['optional', 401, 403]] as const) {
    const world = await start(t, { EXT_AUTHZ_POLICY: extAuthzPolicy })
    world.issuer.resolve({ 'x-authgear-session-valid': 'true', 'x-authgear-user-id': USER })
    const cookie: HeaderLine = ['Cookie', `session=${USER}.abc`]
    const policy: HeaderLine = ['x-forward-auth-policy', 'anonymous=false']
    const statusOf = async (headers: readonly HeaderLine[]): Promise<number> =>
      (await ask(world.port, { path: segment, headers })).status
    t.equal(await statusOf(bearer(world.machine())), byToken, extAuthzPolicy)
    t.equal(await statusOf([cookie]), byCookie, extAuthzPolicy)
    t.equal(await statusOf([policy, ...bearer(world.person())]) === 200, byToken === 200, 'beside a header')
  }
})

t.test('one endpoint takes either, and one request has one identity', async (t) => {
  const world = await start(t)
  world.issuer.resolve({ 'x-authgear-session-valid': 'true', 'x-authgear-user-id': USER })
  const cookie: HeaderLine = ['Cookie', `session=${USER}.abc`]
  const path = `/resource-or-session?${query('scope=read:orders')}`
  const session = await ask(world.port, { path, headers: [cookie] })
  t.match(session, { status: 200, headers: { 'x-authgear-user-id': USER } })
  t.match(session.headers, { 'x-authgear-client-id': '', 'x-authgear-scope': '' })
  const both = await ask(world.port, { path, headers: [cookie, ...bearer(world.machine())] })
  t.match(both, { status: 200, headers: { 'x-authgear-user-id': '', 'x-authgear-client-id': 'machine' } })
  const wrong = await ask(world.port, { path, headers: [cookie, ...bearer(world.machine({ scope: 'x' }))] })
  t.equal(wrong.status, 403, 'the cookie does not help a token without the scope')
  const other = await ask(world.port, { path, headers: [cookie, ...bearer(world.machine({ aud: [OTHER_RESOURCE] }))] })
  t.equal(other.status, 401, 'nor one for another resource')
})

t.test('a token is forgotten at its end, by either clock', async (t) => {
  const world = await start(t)
  const iat = Math.floor(world.clock.wall() / 1000)
  const token = world.machine({ exp: iat + 100 })
  const statusOf = async (): Promise<number> => (await world.ask(`/resource?${query()}`, token)).status
  t.equal(await statusOf(), 200)
  world.clock.advance(99_000)
  t.equal(await statusOf(), 200)
  world.clock.advance(1000)
  t.equal(await statusOf(), 401)
})

t.test('while no key was ever fetched the answer is 503, and 200 as soon as one is', async (t) => {
  const world = await start(t)
  world.issuer.answer(500, '')
  const token = world.machine()
  const fresh = await startInProcess(t, {
    AUTHGEAR_ENDPOINT: world.issuer.url, RESOURCES: RESOURCE, clock: world.clock
  })
  world.clock.advance(1000)
  const statusOf = async (sent: string): Promise<number> =>
    (await ask(fresh.port, { path: `/resource?${query()}`, headers: bearer(sent) })).status
  t.equal(await statusOf(token), 503)
  t.equal(await statusOf('junk'), 401, 'what is no token at all needs no key')
  world.issuer.answer(200, { keys: [jwkOf(KEYS.publicKey, KID)] })
  t.equal(await statusOf(token), 503, 'not asked again within a second')
  world.clock.advance(1000)
  const newer = world.machine()
  t.equal(await statusOf(newer), 200)
})

t.test('a remembered token passes no longer than Authgear publishes its key', async (t) => {
  const world = await start(t)
  const token = world.machine()
  const path = `/resource?${query()}`
  const sourceOf = async (): Promise<string | undefined> => {
    const { status, headers } = await world.ask(path, token)
    return status === 200 ? String(headers['x-forward-auth-source'] ?? 'verified') : String(status)
  }
  t.strictSame([await sourceOf(), await sourceOf()], ['verified', 'memory'])
  const fetchAgain = async (): Promise<void> => {
    world.clock.advance(10_000)
    await world.ask(path, signed(machineClaims(world.issuer.url, world.clock.wall()), { ...HEADER, kid: 'unknown' }))
  }
  await fetchAgain()
  t.equal(await sourceOf(), 'memory', 'the same keys once more')
  world.issuer.answer(500, '')
  await fetchAgain()
  t.equal(await sourceOf(), 'memory', 'an outage takes no key away')
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey
  world.issuer.answer(200, { keys: [jwkOf(KEYS.publicKey, KID), jwkOf(other, 'other')] })
  await fetchAgain()
  t.strictSame([await sourceOf(), await sourceOf()], ['verified', 'memory'], 'another key beside it')
  world.issuer.answer(200, { keys: [jwkOf(other, 'other')] })
  await fetchAgain()
  t.equal(await sourceOf(), '401', 'a key that was taken away')
  world.issuer.answer(200, { keys: [jwkOf(other, KID)] })
  await fetchAgain()
  t.equal(await sourceOf(), '401', 'another key of the same kid')
})

t.test('a flood of unknown kids is six fetches at once and refuses nobody known', async (t) => {
  const world = await start(t)
  const path = `/resource?${query()}`
  t.equal((await world.ask(path, world.machine())).status, 200)
  const claims = machineClaims(world.issuer.url, world.clock.wall())
  const junk = (i: number): string => signed(claims, { alg: 'RS256', typ: 'at+jwt', kid: `kid${i}` })
  const statuses: number[] = []
  for (let i = 0; i < 100; i++) statuses.push((await world.ask(path, junk(i))).status)
  t.strictSame([statuses.slice(0, 6), [...new Set(statuses.slice(6))]], [Array(6).fill(401), [503]])
  t.equal((await world.ask(path, junk(0))).status, 401, 'a fetch has shown that there is none')
  t.equal(world.issuer.fetches(), 7, 'the first one, and six for all of them')
  world.issuer.answer(500, '')
  world.clock.advance(10_000)
  t.equal((await world.ask(path, junk(1))).status, 503, 'nobody can say')
  t.equal((await world.ask(path, world.machine())).status, 200, 'a key that is known stays')
  world.issuer.answer(200, { keys: [] })
  world.clock.advance(10_000)
  t.equal((await world.ask(path, world.machine())).status, 200, 'an empty set is no set')
})

t.test('a new key is found at once after a stranger\'s kid, and is never called unknown', async (t) => {
  const world = await start(t)
  const path = `/resource?${query()}`
  const claims = machineClaims(world.issuer.url, world.clock.wall())
  const under = (kid: string): string => signed(claims, { ...HEADER, kid })
  t.equal((await world.ask(path, under('a stranger\'s'))).status, 401)
  world.issuer.answer(200, { keys: [jwkOf(KEYS.publicKey, KID), jwkOf(KEYS.publicKey, 'new')] })
  t.equal((await world.ask(path, under('new'))).status, 200)
  for (let i = 0; i < 10; i++) await world.ask(path, under(`another ${i}`))
  world.issuer.answer(200, { keys: [jwkOf(KEYS.publicKey, 'newer')] })
  t.equal((await world.ask(path, under('newer'))).status, 503, 'nobody could look it up')
  world.clock.advance(60_000)
  const later = machineClaims(world.issuer.url, world.clock.wall())
  t.equal((await world.ask(path, signed(later, { ...HEADER, kid: 'newer' }))).status, 200)
})

t.test('each of two resources that differ in a slash has its own metadata', async (t) => {
  const uris = [OTHER_RESOURCE, `${OTHER_RESOURCE}/`]
  const { port } = await start(t, { RESOURCES: uris.join(' ') })
  const found = await Promise.all(['', '/'].map(async (end) => {
    const { status, body } = await ask(port, { path: `/.well-known/oauth-protected-resource/mcp${end}` })
    return status === 200 ? (JSON.parse(body) as Readonly<Record<string, unknown>>)['resource'] : status
  }))
  t.strictSame(found, uris)
})

t.test('no line of the log holds a token or a claim of it', async (t) => {
  const world = await start(t)
  const token = world.person({ scope: 'secretscope', client_id: 'secretclient', jti: 'secretjti' })
  for (const scope of ['secretscope', 'x']) await world.ask(`/resource?${query(`scope=${scope}`)}`, token)
  await world.ask(`/resource?${query()}`, `${token}x`)
  const text = JSON.stringify(world.service.lines)
  for (const secret of [token, token.split('.')[1] ?? '', 'secretclient', 'secretjti', USER]) {
    t.notOk(text.includes(secret), secret.slice(0, 20))
  }
})
