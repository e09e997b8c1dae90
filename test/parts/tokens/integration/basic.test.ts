import t from 'tap'
import { API, basic, basicWorld, OTHER_API, route } from '../basic-world.ts'
import { startInProcess } from '../../../helpers/in-process.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { ask, type HeaderLine } from '../../../helpers/request.ts'
import { machineClaims, personClaims, RESOURCE, signed, startIssuer } from '../../../helpers/token-issuer.ts'
import { until } from '../../../helpers/until.ts'

const CHALLENGE = `Basic realm="${API}", charset="UTF-8"`
const base64 = (text: string | Buffer): string => Buffer.from(text).toString('base64')

t.test('a machine passes by its id and secret, as by its token, and from memory', async (t) => {
  const { start, calls } = await basicWorld(t)
  const replica = await start()
  for (const source of [undefined, 'memory']) {
    const { status, headers } = await replica.ask('one', 'of one', { path: route('&scope=read') })
    t.match({ status, headers }, {
      status: 200,
      headers: {
        'x-authgear-session-valid': 'false',
        'x-authgear-user-id': '',
        'x-authgear-client-id': 'one',
        'x-authgear-scope': 'read write'
      }
    })
    t.equal(headers['x-forward-auth-source'], source)
  }
  t.equal(calls(), 1)
  t.equal(await replica.says('one', 'of one', route('&scope=delete')), '403 insufficient_scope')
  t.equal(await replica.says('one', 'of one', route('&role=admin')), '403 forbidden')
  t.equal(calls(), 1, 'each policy is judged by the same token')
  t.equal(await replica.says('one', 'of one', route('', OTHER_API)), '200 allowed')
  t.equal(calls(), 2, 'another resource is another token')
  t.equal(await replica.exchanges('ok'), 2)
})

t.test('without basic=on it is as if nothing was sent', async (t) => {
  const { start, calls } = await basicWorld(t)
  const replica = await start()
  const path = `/resource?resource=${encodeURIComponent(API)}`
  const { status, headers } = await replica.ask('one', 'of one', { path })
  t.match({ status, headers }, { status: 401, headers: { 'x-forward-auth-reason': 'no_credentials' } })
  t.notMatch(headers['www-authenticate'], 'Basic')
  const forged = await replica.ask('one', 'of one', { path, headers: [['X-Forward-Auth-Policy', 'basic=on']] })
  t.equal(forged.status, 401, 'a client cannot turn it on')
  t.equal(calls(), 0)
})

t.test('a Bearer goes on working where Basic does', async (t) => {
  const { start } = await basicWorld(t)
  const replica = await start()
  await replica.ask('one', 'of one')
  for (const [headers, reason] of [
    [[], 'no_credentials'], [[['Authorization', 'Bearer a.b.c']], 'invalid_session']
  ] as const) {
    const answer = await ask(replica.port, { path: route(), headers })
    t.match(answer, { status: 401, headers: { 'x-forward-auth-reason': reason } })
    const challenges = answer.headers['www-authenticate'] ?? ''
    t.ok(challenges.startsWith(`${CHALLENGE}, Bearer `), challenges)
  }
})

/** What cannot be a client id and a secret: nobody is asked. */
const NO_PAIRS: ReadonlyArray<readonly [what: string, line: string]> = [
  ['nothing', 'Basic'],
  ['a blank', 'Basic '],
  ['no base64', 'Basic %%%'],
  ['base64 without its end', `Basic ${base64('one:of one').replace(/=+$/, '')}`],
  ['base64url', `Basic ${base64('one:??>>').replaceAll('/', '_').replaceAll('+', '-')}`],
  ['no colon', `Basic ${base64('one')}`],
  ['an empty client', `Basic ${base64(':of one')}`],
  ['an empty secret', `Basic ${base64('one:')}`],
  ['no UTF-8', `Basic ${base64(Buffer.from([0x6f, 0x3a, 0xff]))}`],
  ['a control character', `Basic ${base64('one:of\none')}`],
  ['a client of two words', `Basic ${base64('one two:x')}`],
  ['a huge one', `Basic ${base64(`one:${'x'.repeat(4000)}`)}`]
]

t.test('what is no client id and secret is a 401 without a call', async (t) => {
  const { start, calls } = await basicWorld(t)
  const { port } = await start()
  for (const [what, line] of NO_PAIRS) {
    const { status, headers } = await ask(port, { path: route(), headers: [['Authorization', line]] })
    t.match([status, headers['x-forward-auth-reason']], [401, 'invalid_session'], what)
    t.ok(headers['www-authenticate']?.startsWith(CHALLENGE), what)
  }
  const two = [basic('one', 'of one'), basic('two', 'of two')]
  t.match(await ask(port, { path: route(), headers: two }), { status: 401 }, 'two lines')
  t.equal(calls(), 0)
})

t.test('a secret is split at the first colon, and may be any UTF-8', async (t) => {
  const { start, machines } = await basicWorld(t)
  const replica = await start()
  const secret = 'a:b:ü€ +&=%'
  machines.push({ id: 'odd', secret, scopes: ['read'] })
  t.equal(await replica.says('odd', secret), '200 allowed')
})

const PAGES: ReadonlyArray<readonly HeaderLine[]> = [
  [['Sec-Fetch-Mode', 'navigate']],
  [['Sec-Fetch-Site', 'cross-site']],
  [['Sec-Fetch-Site', 'same-site']],
  [['Origin', 'https://evil.example']],
  [['Origin', 'null']],
  [['Origin', API], ['Origin', 'https://evil.example']],
  [['Sec-Fetch-Site', 'same-origin'], ['Sec-Fetch-Mode', 'navigate']]
]

t.test('a browser’s page and other sites’ scripts get neither a 200 nor a question', async (t) => {
  const { start } = await basicWorld(t)
  const replica = await start()
  t.equal(await replica.says('one', 'of one'), '200 allowed')
  for (const headers of PAGES) {
    for (const [clientId, secret] of [['one', 'of one'], ['one', 'wrong']] as const) {
      const answer = await replica.ask(clientId, secret, { headers })
      t.match([answer.status, answer.headers['x-forward-auth-reason']], [401, 'no_credentials'], String(headers))
      t.notMatch(answer.headers['www-authenticate'], 'Basic', String(headers))
    }
  }
  const own = [['Origin', API], ['Sec-Fetch-Site', 'same-origin'], ['Sec-Fetch-Mode', 'cors']] as const
  t.match(await replica.ask('one', 'of one', { headers: own }), { status: 200 }, 'the resource’s own script')
})

t.test('as= names the user for the app, of machines alone and where identity= does', async (t) => {
  const { start } = await basicWorld(t)
  const replica = await start()
  const userOf = async (more: string) => (await replica.ask('one', 'of one', { path: route(more) })).headers
  t.match(await userOf('&identity=remote&as=radicale'), { 'remote-user': 'radicale', 'x-authgear-user-id': '' })
  t.match(await userOf('&identity=remote&as=other'), { 'remote-user': 'other' })
  t.match(await userOf('&identity=remote'), { 'remote-user': '' })
  t.notOk('remote-user' in await userOf('&as=radicale'))
})

t.test('as= is for machines with a token too, and never for a person', async (t) => {
  const [issuer, clock] = [await startIssuer(t), manualClock()]
  const { port } = await startInProcess(t, { AUTHGEAR_ENDPOINT: issuer.url, RESOURCES: RESOURCE, clock })
  clock.advance(60_000)
  const userOf = async (token: string): Promise<unknown> => (await ask(port, {
    path: route('&identity=remote&as=radicale', RESOURCE), headers: [['Authorization', `Bearer ${token}`]]
  })).headers['remote-user']
  t.equal(await userOf(signed(machineClaims(issuer.url, clock.wall()))), 'radicale')
  t.equal(await userOf(signed(personClaims(issuer.url, clock.wall(), 'a-person'))), 'a-person')
})

t.test('the prefix offers it by the proxy’s own words, and never by a client’s', async (t) => {
  const { start } = await basicWorld(t)
  const policy = route().replace('/resource?', '')
  const says = async (port: number, path: string, headers: readonly HeaderLine[] = []): Promise<number> =>
    (await ask(port, { path, headers: [basic('one', 'of one'), ...headers] })).status
  const { port } = await start()
  t.equal(await says(port, '/ext-authz/~/x', [['X-Forward-Auth-Policy', policy]]), 200)
  t.equal(await says(port, `/ext-authz/~${policy}/x`), 401, 'the segment may be the client’s path')
  const withoutIt: HeaderLine = ['X-Forward-Auth-Policy', policy.replace('&basic=on', '')]
  t.equal(await says(port, '/ext-authz/~basic=on/x', [withoutIt]), 401, 'and adds nothing to the proxy’s policy')
  const { port: required } = await start({ EXT_AUTHZ_POLICY: 'required' })
  t.equal(await says(required, `/ext-authz/~${policy}/x`), 200)
  t.equal(await says(required, '/ext-authz/~/x', [['X-Forward-Auth-Policy', policy]]), 401)
})

/** A policy that the endpoint cannot offer, and the words for the operator. */
const WRONG: ReadonlyArray<readonly [path: string, why: RegExp]> = [
  ['/resource?basic=on', /resource=/],
  [route(`&resource=${encodeURIComponent(OTHER_API)}`), /one resource=/],
  [`/resource?resource=${encodeURIComponent(API)}&as=x`, /as= has no effect without basic=on/],
  [route('&as=x&as=y'), /two values/],
  [route('&as=a%20b'), /as has a value/],
  [route().replace('basic=on', 'basic=yes'), /basic takes on/],
  [route().replace('/resource', '/resource-or-session'), /ask \/resource/],
  ['/verify?basic=on', /ask \/resource/]
]

t.test('a route that cannot offer it refuses everybody, and the log says why', async (t) => {
  const { start, calls } = await basicWorld(t)
  const { port, lines } = await start()
  for (const [path, why] of WRONG) {
    const { status } = await ask(port, { path, headers: [basic('one', 'of one')] })
    t.ok(status === 403 || (path.startsWith('/verify') && status === 401), `${path}: ${status}`)
    if (status === 403) t.match(lines.at(-1), { reason: 'bad_policy', policy: why }, path)
  }
  t.equal(calls(), 0)
})

t.test('a token is renewed while it is good, and at another moment of each pair', async (t) => {
  const { start, calls, clock, machines } = await basicWorld(t)
  const replica = await start()
  for (const { id, secret } of machines) await replica.ask(id, secret)
  t.equal(calls(), 5)
  const renewedAt = new Set<number>()
  for (let second = 0; second < 1700; second += 10) {
    clock.advance(10_000)
    const before = calls()
    for (const { id, secret } of machines) t.equal(await replica.says(id, secret), '200 allowed')
    await until('renewals are over', async () => await replica.exchanges('ok') === calls())
    if (calls() > before) renewedAt.add(second)
  }
  t.equal(calls(), 10)
  t.ok(renewedAt.size > 1, `at ${[...renewedAt].join(', ')} s`)
  t.ok([...renewedAt].every((second) => second >= 1000 && second <= 1540))
})

t.test('no secret is in the log, in the metrics or in memory’s names', async (t) => {
  const { start, simulator } = await basicWorld(t)
  const { ask: asks, lines, service } = await start()
  await asks('one', 'of one')
  await asks('two', 'a wrong secret')
  simulator.controls.tokens.fail('error')
  await asks('three', 'of three')
  const said = JSON.stringify(lines) + await service.metrics.render()
  for (const secret of ['of one', 'a wrong secret', 'of three']) {
    for (const text of [secret, base64(secret), encodeURIComponent(secret)]) t.notMatch(said, text)
  }
})
