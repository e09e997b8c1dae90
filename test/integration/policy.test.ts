import { deepEqual } from 'node:assert/strict'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { checkInvariants } from '../helpers/invariants.ts'
import { NOW } from '../helpers/jwt.ts'
import { manualClock } from '../helpers/manual-clock.ts'
import { holds } from '../helpers/property.ts'
import { sendRaw } from '../helpers/raw-http.ts'
import { demo, startSimulator, type RunningSimulator } from '../helpers/simulator.ts'
import { makeTls } from '../helpers/tls.ts'
import {
  type Answered, type InProcessOver, type Protocol, startInProcessOver, WITH_GRPC
} from '../helpers/in-process-over.ts'

const tls = makeTls(t)

/** Carol signed in 100 s ago, with a second factor; verified; roles admin and app:editor. */
const TOKENS = {
  carol: 'T0000000000000000000000000carol0',
  bob: demo.bob.accessToken,
  anonymous: demo.anonymous.accessToken,
  stranger: 'A'.repeat(32)
} as const
type Who = keyof typeof TOKENS
type Asking = Readonly<{ path?: string, lines?: readonly string[] }>
/** `challenge` stands after the realm; `why` is what the log says is wrong with the policy. */
type Outcome = Readonly<{ status: number, reason: string, challenge?: string, why?: string }>
/** Nobody is without a credential; `lines` are those of x-forward-auth-policy. */
type Row = readonly [name: string, who: Who | 'nobody', asking: Asking, outcome: Outcome]

const allowed: Outcome = { status: 200, reason: 'allowed' }
const forbidden: Outcome = { status: 403, reason: 'forbidden' }
const bad = (why: string): Outcome => ({ status: 403, reason: 'bad_policy', why })
const stepUp = (what: string): Outcome =>
  ({ status: 401, reason: 'step_up_required', challenge: `, error="insufficient_user_authentication", ${what}` })
const invalid: Outcome = { status: 401, reason: 'invalid_session', challenge: ', error="invalid_token"' }
const nobody: Outcome = { status: 401, reason: 'no_credentials', challenge: '' }
const UNKNOWN = 'rolle is not a parameter'
const of = (query: string, ...lines: readonly string[]): Asking => ({ path: `/verify?${query}`, lines })
const extAuthz = (path: string, ...lines: readonly string[]): Asking => ({ path: `/ext-authz/${path}`, lines })

/** One row a rule, and how query, header and decisions meet; all that a rule means is in unit/core/requirement. */
const ROWS: readonly Row[] = [
  ['no policy', 'bob', {}, allowed],
  ['role', 'bob', of('role=admin'), forbidden],
  ['role, decoded', 'carol', of('role=owner%2Capp%3Aeditor'), allowed],
  ['verified', 'bob', of('verified=true'), forbidden],
  ['anonymous', 'anonymous', of('anonymous=false'), forbidden],
  ['max_age, to the second', 'carol', of('max_age=100'), allowed],
  ['max_age', 'carol', of('max_age=1000&max_age=99'), stepUp('max_age="99"')],
  ['amr', 'carol', of('amr=otp,hwk&max_age=5'), stepUp('acr_values="otp hwk", max_age="5"')],
  ['login', 'bob', of('login=off'), allowed],
  ['all of it', 'carol', of('role=admin&verified=true&anonymous=false&max_age=100&amr=mfa&login=off'), allowed],
  ['what nobody knows', 'carol', of('role=admin&rolle=1'), bad(UNKNOWN)],
  ['over 8 KiB', 'carol', of(`role=${'a,'.repeat(4094)}a`), bad('it is longer than 8 KiB')],
  ['several lines all apply', 'carol', of('', 'role=admin', 'role=app:editor', 'amr=pwd'), allowed],
  ['the first of several lines is not met', 'carol', of('', 'role=owner', 'role=admin'), forbidden],
  ['the last of several lines is not met', 'carol', of('', 'role=admin', 'role=owner'), forbidden],
  ['a bad line among good ones', 'carol', of('', 'role=admin', 'rolle=admin', 'verified=true'), bad(UNKNOWN)],
  ['lines joined by a comma and a blank', 'carol', of('', 'role=admin, verified=true'),
    bad('role has a value that cannot be one')],
  ['query and header are met', 'carol', of('role=admin', 'verified=true'), allowed],
  ['the query is met, the header is not', 'carol', of('role=admin', 'role=owner'), forbidden],
  ['the header is met, the query is not', 'carol', of('role=owner', 'role=admin'), forbidden],
  ['a bad header beside a good query', 'carol', of('role=admin', 'verified=false'),
    bad('verified takes true and nothing else')],
  ['a bad query beside a good header', 'carol', of('verified=1', 'role=admin'),
    bad('verified takes true and nothing else')],
  // the path and the query are the client's
  ['the query of /ext-authz is not read', 'bob', extAuthz('a?role=admin&x'), allowed],
  ['the header of /ext-authz is', 'bob', extAuthz('?role=user', 'role=admin'), forbidden],
  ['several lines of /ext-authz', 'carol', extAuthz('', 'role=admin', 'role=owner'), forbidden],
  ['a bad header of /ext-authz', 'carol', extAuthz('verify?role=admin', 'role'), bad('a parameter has no value')],
  // the order of decisions
  ['nobody, whatever the policy', 'nobody', of('rolle=x&max_age=1', 'amr=mfa'), nobody],
  ['no session comes before a bad policy', 'stranger', of('rolle=x'), { ...invalid, why: UNKNOWN }],
  ['no session comes before the rest', 'stranger', of('max_age=1&role=admin'), invalid],
  ['a bad policy comes before a step-up', 'carol', of('max_age=1&rolle=x'), bad(UNKNOWN)],
  ['a bad policy comes before forbidden', 'bob', of('role=admin&rolle=x'), bad(UNKNOWN)],
  ['a step-up comes before forbidden', 'carol', of('role=owner&max_age=1'), stepUp('max_age="1"')]
]

/** Who asks what, and what comes of it with nothing else sent. */
const BASE: ReadonlyArray<readonly [who: Who | 'nobody', asking: Asking, status: number]> = [
  ['carol', of('role=admin&max_age=100', 'verified=true'), 200],
  ['bob', {}, 200],
  ['bob', of('role=admin'), 403],
  ['bob', extAuthz('admin', 'role=admin'), 403],
  ['bob', of('rolle=admin'), 403],
  ['anonymous', of('anonymous=false'), 403],
  ['carol', of('amr=otp'), 401],
  ['stranger', {}, 401],
  ['nobody', {}, 401],
  ['nobody', extAuthz(''), 401]
]

const anything = fc.constantFrom(
  '', '/', '/public', '/verify', '/livez', 'GET', 'OPTIONS', 'HEAD', 'true', 'admin', 'app.example.com', '127.0.0.1',
  'https', demo.alice.id, '*'
)

/** What one or another forward-auth has believed. */
const BELIEVED = `
  x-forwarded-uri x-forwarded-method x-forwarded-host x-forwarded-proto x-forwarded-port x-forwarded-prefix
  x-forwarded-server x_forwarded_uri x-original-uri x-original-url x-original-method x-original-host x-rewrite-url
  x-http-method-override x-real-ip x-authgear-session-valid x-authgear-user-id x-authgear-user-anonymous
  x-authgear-user-verified x-authgear-user-roles x-authgear-session-amr x-authgear-session-authenticated-at
  x-authgear-user-can-reauthenticate x_authgear_user_roles x-forward-auth-reason x-forward-auth-source
  x-envoy-original-path x-envoy-auth-headers-to-remove x-auth-request-user x-forwarded-user remote-user origin
  access-control-request-method referer if-none-match x-api-key
`.trim().split(/\s+/)

/** A random subset of it. */
const IRRELEVANT = fc.record({
  ...Object.fromEntries(BELIEVED.map((name) => [name, anything])),
  'x-forwarded-for': fc.constantFrom('127.0.0.1', '10.0.0.1, 203.0.113.9', 'unknown', ''),
  forwarded: fc.constantFrom('for=127.0.0.1;host=app.example.com;proto=https', 'for="[::1]"', 'x'),
  'user-agent': fc.constantFrom(
    'kube-probe/1.30', 'GoogleHC/1.0', 'ELB-HealthChecker/2.0', 'Googlebot/2.1', 'Prometheus/2.5', ''
  ),
  accept: fc.constantFrom('*/*', 'application/json')
}, { requiredKeys: [] })

/** As many tokens of each, so that each row has a session that nobody asked about before. */
const tokenOf = (who: Who, row: number | undefined): string =>
  row === undefined ? TOKENS[who] : `T${who}${String(row).padStart(31 - who.length, '0')}`

type World = Readonly<{ simulator: RunningSimulator, verifier: InProcessOver }>

async function start (t: Test, protocol: Protocol): Promise<World> {
  const simulator = await startSimulator(t)
  const add = (id: Who, user: object, session: object = {}, ...more: readonly string[]): void =>
    simulator.controls.addUser({
      id,
      name: id,
      ...user,
      sessions: [{ accessTokens: [...more, ...ROWS.map((_, row) => tokenOf(id, row))], ...session }]
    })
  const signedIn = { amr: ['pwd', 'mfa'], authenticatedAt: NOW / 1000 - 100 }
  add('carol', { roles: ['admin', 'app:editor'], verified: true }, signedIn, TOKENS.carol)
  add('bob', {})
  add('anonymous', { anonymous: true })
  const verifier = await startInProcessOver(t, protocol, tls, {
    AUTHGEAR_ENDPOINT: simulator.url, clock: manualClock()
  })
  return { simulator, verifier }
}

function request (who: Who | 'nobody', { path = '/verify', lines = [] }: Asking, row?: number) {
  return {
    path,
    headers: {
      ...who !== 'nobody' && { authorization: `Bearer ${tokenOf(who, row)}` },
      ...lines.length > 0 && { 'x-forward-auth-policy': lines }
    }
  }
}

const OUTWARD: Readonly<Record<string, string>> = { bad_policy: 'forbidden' }

/** Asks twice: what a first answer says, one from memory says too. */
async function checkRow (t: Test, { simulator, verifier }: World, [, who, asking, outcome]: Row, row: number) {
  // a token that Authgear gives no result for is asked about once more
  const calls = simulator.counters.resolutions + (who === 'nobody' ? 0 : who === 'stranger' ? 2 : 1)
  for (const source of ['authgear', 'memory']) {
    const before = verifier.lines.length
    const answered = await verifier.ask(request(who, asking, row))
    const challenge = outcome.status === 401 ? `Bearer realm="${simulator.url}"${outcome.challenge}` : undefined
    t.match(answered, {
      status: outcome.status, headers: { 'x-forward-auth-reason': OUTWARD[outcome.reason] ?? outcome.reason }
    }, source)
    t.equal(answered.headers['x-forward-auth-source'], outcome.status === 200 ? source : undefined)
    t.equal(answered.headers['www-authenticate'], challenge)
    t.equal(simulator.counters.resolutions, calls, 'calls of Authgear')
    checkInvariants(t, answered, { realm: simulator.url })
    checkLog(t, verifier.lines.slice(before), outcome, who === 'nobody' ? 'none' : source)
  }
}

/** One line a request: the true reason, the source, and what is wrong with the policy; a bad policy is a warning. */
function checkLog (t: Test, lines: InProcessOver['lines'], { status, reason, why }: Outcome, source: string): void {
  const own = lines.filter(({ requestId }) => requestId !== undefined)
  t.equal(own.length, 1, 'a line a request')
  const level = reason === 'bad_policy' ? 'warn' : status === 200 ? 'debug' : 'info'
  t.match(own, [{ reason, status, source, level }])
  t.equal(own[0]?.['policy'], why)
}

/** Of each endpoint, reason and source: how many of the rows it is. */
async function checkMetrics (t: Test, { verifier: { service } }: World, rows: readonly Row[]): Promise<void> {
  const counts = new Map<string, number>()
  for (const [, who, { path = '' }, { status, reason }] of rows) {
    const endpoint = path.startsWith('/ext-authz/') ? 'ext-authz' : 'verify'
    for (const source of who === 'nobody' ? ['none', 'none'] : ['authgear', 'memory']) {
      const labels = `endpoint="${endpoint}",status="${status}",reason="${reason}",source="${source}"`
      counts.set(labels, (counts.get(labels) ?? 0) + 1)
    }
  }
  const counted = (await service.metrics.render()).split('\n')
    .filter((line) => line.startsWith('forward_auth_requests_total{') && !line.endsWith(' 0'))
  const expected = [...counts].map(([labels, count]) => `forward_auth_requests_total{${labels}} ${count}`)
  t.same(counted.toSorted(), expected.toSorted())
}

for (const protocol of WITH_GRPC) {
  t.test(`over ${protocol}`, async (t) => {
    const world = await start(t, protocol)
    const { simulator, verifier } = world
    // the prefix is HTTP's
    const rows = ROWS.filter(([, , { path }]) => protocol !== 'gRPC' || path?.startsWith('/ext-authz/') !== true)
    for (const row of rows) {
      await t.test(row[0], async (t) => await checkRow(t, world, row, ROWS.indexOf(row)))
    }
    await t.test('all are counted', async (t) => await checkMetrics(t, world, rows))

    await t.test('one session under many policies: no hit skips one (CVE-2021-32701)', async (t) => {
      const before = simulator.counters.resolutions
      const checks: ReadonlyArray<readonly [who: Who, asking: Asking, status: number]> = [
        ['bob', {}, 200], ['bob', of('role=admin'), 403], ['bob', of('', 'role=admin'), 403],
        ['bob', extAuthz('', 'role=admin'), 403], ['bob', of('rolle=admin'), 403], ['bob', {}, 200],
        ['carol', of('role=owner'), 403], ['carol', of('role=admin'), 200], ['carol', of('max_age=5'), 401],
        ['carol', {}, 200]
      ]
      for (const [who, asking, status] of checks) {
        t.equal((await verifier.ask(request(who, asking))).status, status, `${who} ${JSON.stringify(asking)}`)
      }
      t.equal(simulator.counters.resolutions, before + 2)
    })

    await t.test('a bad policy looks from outside as a forbidden one does', async (t) => {
      const navigation = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', accept: 'text/html' }
      const call = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'read' }
      for (const more of [{}, navigation, call]) {
        for (const method of ['GET', 'HEAD', 'POST']) {
          const ask = async (query: string) => {
            const { path, headers: own } = request('bob', of(query))
            const asked = { method, path, headers: { ...own, ...more, 'x-request-id': 'the-same' } }
            const { headers, ...rest } = await verifier.ask(asked)
            return { ...rest, headers: Object.entries(headers).filter(([name]) => name !== 'date') }
          }
          t.strictSame(await ask('rolle=admin'), await ask('role=admin'), `${method} ${JSON.stringify(more)}`)
        }
      }
    })

    await t.test('what a client may send beside its credential changes nothing', async (t) => {
      const asked = BASE.map(([who, asking]) => request(who, asking))
      const decisionOf = ({ status, headers, body }: Answered) => ({
        status,
        body,
        headers: Object.fromEntries(Object.entries(headers)
          .filter(([name]) => /^x-authgear-|^x-forward-auth-reason$|^www-authenticate$/.test(name)))
      })
      const plain: Array<ReturnType<typeof decisionOf>> = []
      for (const one of asked) plain.push(decisionOf(await verifier.ask(one)))
      t.same(plain.map(({ status }) => status), BASE.map(([, , status]) => status))
      const calls = simulator.counters.resolutions
      await holds(t, fc.asyncProperty(IRRELEVANT, fc.nat(BASE.length - 1), async (headers, index) => {
        const { headers: own, path } = asked[index] ?? request('nobody', {})
        const answered = await verifier.ask({ path, headers: { ...headers, ...own } })
        deepEqual(decisionOf(answered), plain[index])
      }), 150)
      t.equal(simulator.counters.resolutions, calls, 'and the key of nobody')
    })
  })
}

t.test('more policies than are remembered: each is still its own', async (t) => {
  const { verifier } = await start(t, 'HTTP/1.1')
  const statuses = new Set<string>()
  for (let round = 0; round < 2; round++) {
    for (let index = 0; index < 300; index++) {
      const refused = await verifier.ask(request('carol', of(`role=admin&role=r${index}`)))
      const passed = await verifier.ask(request('carol', of(`role=admin,r${index}`)))
      statuses.add(`${refused.status} ${passed.status}`)
    }
  }
  t.same([...statuses], ['403 200'])
})

t.test('byte for byte a bad policy is a forbidden one, and the header has any case', async (t) => {
  const { verifier } = await start(t, 'HTTP/1.1')
  const ask = async (query: string) => {
    const raw = await sendRaw(
      verifier.port,
      `GET /verify?${query} HTTP/1.1\r\nHost: x\r\nX-Request-ID: same\r\nAuthorization: Bearer ` +
        `${TOKENS.bob}\r\nConnection: close\r\n\r\n`
    )
    return { ...raw, headers: raw?.headers.filter(([name]) => name.toLowerCase() !== 'date') }
  }
  t.strictSame(await ask('rolle=admin'), await ask('role=admin'), 'but for the date')
  const status = async (lines: string) =>
    (
      await sendRaw(verifier.port,
        `GET /verify HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKENS.carol}\r\n${lines}Connection: close\r\n\r\n`)
    )?.status
  t.equal(await status('X-Forward-Auth-Policy: role=admin\r\nx-FORWARD-auth-POLICY: role=owner\r\n'), 403)
  t.equal(await status('X-Forward-Auth-Policy: role=owner\r\nx-forward-auth-policy:\r\n'), 403)
  t.equal(await status('X-Forward-Auth-Policy: \t role=admin \t \r\nx-forward-auth-policy:\r\n'), 200,
    'blanks around it are HTTP’s')
  t.equal(await status('X-Forward-Auth-Policy: role=admin\r\n amr=otp\r\n'), 400, 'a folded line is none')
})
