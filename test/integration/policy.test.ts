import fc from 'fast-check'
import t, { type Test } from 'tap'
import { checkInvariants } from '../helpers/invariants.ts'
import { NOW } from '../helpers/jwt.ts'
import { manualClock } from '../helpers/manual-clock.ts'
import { sendRaw } from '../helpers/raw-http.ts'
import { demo, startSimulator, type RunningSimulator } from '../helpers/simulator.ts'
import { makeTls } from '../helpers/tls.ts'
import {
  WITH_GRPC,
  startInProcessOver,
  type Answered,
  type Protocol,
  type InProcessOver
} from '../helpers/in-process-over.ts'

const tls = makeTls(t)

/** Signed in 100 s ago, with a second factor; verified; roles admin and app:editor. */
const CAROL = 'T0000000000000000000000000carol0'
/** Signed in longer ago than any policy here asks. */
const TOKENS = {
  carol: CAROL,
  bob: demo.bob.accessToken,
  anonymous: demo.anonymous.accessToken,
  stranger: 'A'.repeat(32)
} as const
type Who = keyof typeof TOKENS

interface Row {
  readonly name: string
  /** undefined: nobody, without a credential */
  readonly who?: Who
  readonly path?: string
  /** Lines of x-forward-auth-policy. */
  readonly lines?: readonly string[]
  readonly status: number
  /** The true reason. */
  readonly reason: string
  /** What stands after the realm. */
  readonly challenge?: string
  /** What the log says is wrong with the policy. */
  readonly why?: string
}

const allowed = { status: 200, reason: 'allowed' } as const
const forbidden = { status: 403, reason: 'forbidden' } as const
const bad = (why: string) => ({ status: 403, reason: 'bad_policy', why } as const)
const stepUp = (what: string) =>
  ({
    status: 401,
    reason: 'step_up_required',
    challenge: `, error="insufficient_user_authentication", ${what}`
  }) as const
const invalid = { status: 401, reason: 'invalid_session', challenge: ', error="invalid_token"' } as const
const nobody = { status: 401, reason: 'no_credentials', challenge: '' } as const

const UNKNOWN = 'it has a parameter that is not known'
const VALUELESS = 'a parameter has no value'

const ROWS: readonly Row[] = [
  // the query
  { name: 'no policy', who: 'bob', ...allowed },
  { name: 'an empty query', who: 'bob', path: '/verify?', ...allowed },
  { name: 'has the role', who: 'carol', path: '/verify?role=admin', ...allowed },
  { name: 'lacks the role', who: 'bob', path: '/verify?role=admin', ...forbidden },
  { name: 'has one of two roles', who: 'carol', path: '/verify?role=owner,admin', ...allowed },
  { name: 'a value is decoded', who: 'carol', path: '/verify?role=app%3Aeditor', ...allowed },
  { name: 'a value is decoded, in the header', who: 'carol', lines: ['role=owner%2Cadmin'], ...allowed },
  { name: 'an encoded comma is the list’s', who: 'carol', path: '/verify?role=owner%2Cadmin', ...allowed },
  { name: 'a decoded role that the user lacks', who: 'bob', path: '/verify?role=%61dmin', ...forbidden },
  { name: 'has both roles', who: 'carol', path: '/verify?role=admin&role=app:editor', ...allowed },
  { name: 'lacks one of both roles', who: 'carol', path: '/verify?role=admin&role=owner', ...forbidden },
  { name: 'a role is compared exactly', who: 'carol', path: '/verify?role=Admin', ...forbidden },
  { name: 'a part of a role is none', who: 'carol', path: '/verify?role=app', ...forbidden },
  { name: 'verified', who: 'carol', path: '/verify?verified=true', ...allowed },
  { name: 'not verified', who: 'bob', path: '/verify?verified=true', ...forbidden },
  { name: 'not anonymous', who: 'bob', path: '/verify?anonymous=false', ...allowed },
  { name: 'anonymous', who: 'anonymous', path: '/verify?anonymous=false', ...forbidden },
  { name: 'an anonymous user where nothing is asked', who: 'anonymous', ...allowed },
  { name: 'fresh to the second', who: 'carol', path: '/verify?max_age=100', ...allowed },
  { name: 'a second too old', who: 'carol', path: '/verify?max_age=99', ...stepUp('max_age="99"') },
  {
    name: 'of two ages the smaller counts',
    who: 'carol',
    path: '/verify?max_age=1000&max_age=99',
    ...stepUp('max_age="99"')
  },
  { name: 'an age of nothing', who: 'carol', path: '/verify?max_age=0', ...stepUp('max_age="0"') },
  { name: 'has the amr', who: 'carol', path: '/verify?amr=mfa', ...allowed },
  { name: 'has one of two amr', who: 'carol', path: '/verify?amr=otp,mfa', ...allowed },
  { name: 'lacks the amr', who: 'carol', path: '/verify?amr=otp,hwk', ...stepUp('acr_values="otp hwk"') },
  { name: 'lacks one amr of two', who: 'carol', path: '/verify?amr=mfa&amr=otp', ...stepUp('acr_values="otp"') },
  {
    name: 'lacks amr and age',
    who: 'carol',
    path: '/verify?amr=otp&max_age=5',
    ...stepUp('acr_values="otp", max_age="5"')
  },
  { name: 'login=off is presentation only', who: 'bob', path: '/verify?login=off', ...allowed },
  {
    name: 'all of it',
    who: 'carol',
    path: '/verify?role=admin&verified=true&anonymous=false&max_age=100&amr=mfa&login=off',
    ...allowed
  },
  // the header
  { name: 'a header is met', who: 'carol', lines: ['role=admin&verified=true'], ...allowed },
  { name: 'a header is not met', who: 'bob', lines: ['role=admin'], ...forbidden },
  { name: 'a header asks for a step-up', who: 'carol', lines: ['max_age=99'], ...stepUp('max_age="99"') },
  { name: 'an empty header asks nothing', who: 'bob', lines: [''], ...allowed },
  { name: 'several lines all apply', who: 'carol', lines: ['role=admin', 'role=app:editor', 'amr=pwd'], ...allowed },
  { name: 'the first of several lines is not met', who: 'carol', lines: ['role=owner', 'role=admin'], ...forbidden },
  {
    name: 'the last of several lines is not met',
    who: 'carol',
    lines: ['role=admin', 'verified=true', 'role=owner'],
    ...forbidden
  },
  {
    name: 'of the ages of several lines the smallest counts',
    who: 'carol',
    lines: ['max_age=1000', 'max_age=99', 'max_age=500'],
    ...stepUp('max_age="99"')
  },
  {
    name: 'a bad line among good ones',
    who: 'carol',
    lines: ['role=admin', 'rolle=admin', 'verified=true'],
    ...bad(UNKNOWN)
  },
  {
    name: 'lines that somebody joined with a comma and a blank',
    who: 'carol',
    lines: ['role=admin, verified=true'],
    ...bad('role has a value that cannot be one')
  },
  // both
  { name: 'query and header are met', who: 'carol', path: '/verify?role=admin', lines: ['verified=true'], ...allowed },
  {
    name: 'the query is met, the header is not',
    who: 'carol',
    path: '/verify?role=admin',
    lines: ['role=owner'],
    ...forbidden
  },
  {
    name: 'the header is met, the query is not',
    who: 'carol',
    path: '/verify?role=owner',
    lines: ['role=admin'],
    ...forbidden
  },
  {
    name: 'a bad header beside a good query',
    who: 'carol',
    path: '/verify?role=admin',
    lines: ['verified=false'],
    ...bad('verified takes true and nothing else')
  },
  {
    name: 'a bad query beside a good header',
    who: 'carol',
    path: '/verify?verified=1',
    lines: ['role=admin'],
    ...bad('verified takes true and nothing else')
  },
  // /ext-authz: the path and the query are the client's
  { name: 'the query of /ext-authz is not read', who: 'bob', path: '/ext-authz/a?role=admin', ...allowed },
  { name: 'a bad query of /ext-authz is not read', who: 'bob', path: '/ext-authz/a?x', ...allowed },
  { name: 'the header of /ext-authz is', who: 'bob', path: '/ext-authz/a', lines: ['role=admin'], ...forbidden },
  {
    name: 'the query of /ext-authz takes nothing from its header',
    who: 'bob',
    path: '/ext-authz/?role=user&anonymous=true',
    lines: ['role=admin'],
    ...forbidden
  },
  {
    name: 'a bad header of /ext-authz',
    who: 'carol',
    path: '/ext-authz/verify?role=admin',
    lines: ['role'],
    ...bad(VALUELESS)
  },
  {
    name: 'several lines of /ext-authz',
    who: 'carol',
    path: '/ext-authz/',
    lines: ['role=admin', 'role=owner'],
    ...forbidden
  },
  // the order of decisions
  { name: 'nobody, whatever the policy', path: '/verify?rolle=x&max_age=0', ...nobody },
  { name: 'nobody, whatever the header', lines: ['amr=mfa'], ...nobody },
  { name: 'no session comes before a bad policy', who: 'stranger', path: '/verify?rolle=x', ...invalid, why: UNKNOWN },
  { name: 'no session comes before a step-up', who: 'stranger', path: '/verify?max_age=0', ...invalid },
  { name: 'no session comes before forbidden', who: 'stranger', path: '/verify?role=admin', ...invalid },
  { name: 'a bad policy comes before a step-up', who: 'carol', path: '/verify?max_age=0&rolle=x', ...bad(UNKNOWN) },
  { name: 'a bad policy comes before forbidden', who: 'bob', path: '/verify?role=admin&rolle=x', ...bad(UNKNOWN) },
  {
    name: 'a step-up comes before forbidden',
    who: 'carol',
    path: '/verify?role=owner&max_age=0',
    ...stepUp('max_age="0"')
  },
  // what a client may put into a query that a proxy passes on
  { name: 'a client’s own parameter refuses', who: 'carol', path: '/verify?role=admin&optional=1', ...bad(UNKNOWN) },
  { name: 'a client’s own parameter alone refuses', who: 'carol', path: '/verify?optional=1', ...bad(UNKNOWN) },
  { name: 'a client’s other role takes none away', who: 'bob', path: '/verify?role=admin&role=user', ...forbidden },
  {
    name: 'a client’s empty role refuses',
    who: 'carol',
    path: '/verify?role=admin&role=',
    ...bad('role has a value that cannot be one')
  },
  {
    name: 'an ampersand that is encoded separates nothing',
    who: 'carol',
    path: '/verify?role=admin%26verified=true',
    ...bad('role has a value that cannot be one')
  },
  { name: 'a name is not decoded', who: 'carol', path: '/verify?ro%6Ce=admin', ...bad(UNKNOWN) },
  {
    name: 'an escape that is cut off',
    who: 'carol',
    path: '/verify?role=admin%',
    ...bad('role has an escape that cannot be decoded')
  },
  {
    name: 'an escape that is encoded twice, in the header',
    who: 'carol',
    lines: ['role=%2561dmin'],
    ...bad('role has a value that cannot be one')
  },
  {
    name: 'a second question mark',
    who: 'carol',
    path: '/verify?role=admin?x',
    ...bad('role has a value that cannot be one')
  },
  {
    name: 'anonymous=true opens nothing',
    who: 'anonymous',
    path: '/verify?anonymous=false&anonymous=true',
    ...bad('anonymous takes false and nothing else')
  },
  { name: 'a prototype’s name', who: 'carol', path: '/verify?__proto__=x', ...bad(UNKNOWN) },
  { name: 'over 8 KiB', who: 'carol', path: `/verify?role=${'a,'.repeat(4094)}a`, ...bad('it is longer than 8 KiB') },
  {
    name: 'over 8 KiB in the header',
    who: 'carol',
    lines: [`role=admin${'&role=admin'.repeat(800)}`],
    ...bad('it is longer than 8 KiB')
  },
  { name: 'just under 8 KiB', who: 'carol', path: `/verify?${'role=admin&'.repeat(743)}role=admin`, ...allowed }
]

async function start (t: Test, protocol: Protocol): Promise<{ simulator: RunningSimulator, verifier: InProcessOver }> {
  const simulator = await startSimulator(t)
  simulator.controls.addUser({
    id: 'carol',
    name: 'carol',
    roles: ['admin', 'app:editor'],
    verified: true,
    sessions: [{ accessTokens: [CAROL], amr: ['pwd', 'mfa'], authenticatedAt: NOW / 1000 - 100 }]
  })
  return {
    simulator,
    verifier: await startInProcessOver(t, protocol, tls, { AUTHGEAR_ENDPOINT: simulator.url, clock: manualClock() })
  }
}

function request ({ who, path = '/verify', lines }: Pick<Row, 'who' | 'path' | 'lines'>) {
  return {
    path,
    headers: {
      ...(who && { authorization: `Bearer ${TOKENS[who]}` }),
      ...(lines && { 'x-forward-auth-policy': lines })
    }
  }
}

const OUTWARD: Readonly<Record<string, string>> = { bad_policy: 'forbidden' }

for (const protocol of WITH_GRPC) {
  t.test(`the policy table, cold and cached, over ${protocol}`, async (t) => {
    for (const row of ROWS) {
      if (protocol === 'gRPC' && row.path?.startsWith('/ext-authz/') === true) continue // the prefix is HTTP's
      await t.test(row.name, async (t) => {
        const { simulator, verifier } = await start(t, protocol)
        // a token that Authgear gives no result for is asked about once more
        const calls = row.who === undefined ? 0 : row.who === 'stranger' ? 2 : 1
        for (const [index, source] of (['authgear', 'memory'] as const).entries()) {
          const answered = await verifier.ask(request(row))
          t.equal(answered.status, row.status, `status from ${source}`)
          t.equal(answered.headers['x-forward-auth-reason'], OUTWARD[row.reason] ?? row.reason)
          t.equal(answered.headers['x-forward-auth-source'], row.status === 200 ? source : undefined)
          t.equal(
            answered.headers['www-authenticate'],
            row.status === 401 ? `Bearer realm="${simulator.url}"${row.challenge}` : undefined
          )
          t.equal(simulator.counters.resolutions, calls, 'calls of Authgear')
          checkInvariants(t, answered, { realm: simulator.url })
          checkLog(t, verifier, row, index, calls === 0 ? 'none' : source)
        }
        await checkMetrics(t, verifier, row)
      })
    }
  })

  t.test(`over ${protocol} one session under many policies: no hit skips one (CVE-2021-32701)`, async (t) => {
    const { simulator, verifier } = await start(t, protocol)
    const status = async (who: Who, path: string, lines?: readonly string[]) =>
      (await verifier.ask(request({ who, path, ...(lines && { lines }) }))).status
    t.equal(await status('bob', '/verify'), 200)
    t.equal(await status('bob', '/verify?role=admin'), 403)
    t.equal(await status('bob', '/verify', ['role=admin']), 403)
    t.equal(await status('bob', '/ext-authz/', ['role=admin']), 403)
    t.equal(await status('bob', '/verify?rolle=admin'), 403)
    t.equal(await status('bob', '/verify'), 200)
    t.equal(simulator.counters.resolutions, 1)
    t.equal(await status('carol', '/verify?role=owner'), 403, 'a refusal first')
    t.equal(await status('carol', '/verify?role=admin'), 200)
    t.equal(await status('carol', '/verify?max_age=5'), 401)
    t.equal(await status('carol', '/verify'), 200)
    t.equal(simulator.counters.resolutions, 2)
  })

  t.test(`more policies than are remembered, over ${protocol}: each is still its own`, async (t) => {
    const { verifier } = await start(t, protocol)
    const statuses = new Set<string>()
    for (let round = 0; round < 2; round++) {
      for (let index = 0; index < 300; index++) {
        const refused = await verifier.ask(request({ who: 'carol', path: `/verify?role=admin&role=r${index}` }))
        const passed = await verifier.ask(request({ who: 'carol', path: `/verify?role=admin,r${index}` }))
        statuses.add(`${refused.status} ${passed.status}`)
      }
    }
    t.same([...statuses], ['403 200'])
  })

  t.test(`a bad policy looks from outside as a forbidden one does, over ${protocol}`, async (t) => {
    const { verifier } = await start(t, protocol)
    const navigation = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', accept: 'text/html' }
    for (const more of [{}, navigation]) {
      for (const method of ['GET', 'HEAD', 'POST']) {
        const ask = async (path: string) => {
          const { headers, ...rest } = await verifier.ask({
            method,
            path,
            headers: { ...request({ who: 'bob' }).headers, ...more, 'x-request-id': 'the-same' }
          })
          return { ...rest, headers: Object.entries(headers).filter(([name]) => name !== 'date') }
        }
        t.strictSame(
          await ask('/verify?rolle=admin'),
          await ask('/verify?role=admin'),
          `${method} ${JSON.stringify(more)}`
        )
      }
    }
  })

  t.test(`what a client may send beside its credential changes nothing, over ${protocol}`, async (t) => {
    const { simulator, verifier } = await start(t, protocol)
    const asked = BASE.map(([who, path, lines]) => request({ ...who && { who }, path, lines }))
    const decisionOf = ({ status, headers, body }: Answered) => ({
      status,
      body,
      headers: Object.fromEntries(
        Object.entries(headers).filter(([name]) => /^x-authgear-|^x-forward-auth-reason$|^www-authenticate$/.test(name))
      )
    })
    const plain: Array<ReturnType<typeof decisionOf>> = []
    for (const one of asked) plain.push(decisionOf(await verifier.ask(one)))
    t.same(plain.map(({ status }) => status), BASE.map(([, , , status]) => status))
    const calls = simulator.counters.resolutions
    await fc.assert(fc.asyncProperty(IRRELEVANT, fc.nat(BASE.length - 1), async (headers, index) => {
      const { headers: own, path } = asked[index] ?? request({})
      const answered = await verifier.ask({ path, headers: { ...headers, ...own } })
      t.strictSame(decisionOf(answered), plain[index], JSON.stringify(headers))
    }), { numRuns: 300, seed: 20_261_124 })
    t.equal(simulator.counters.resolutions, calls, 'and the key of nobody')
  })
}

t.test('byte for byte the same, but for the date', async (t) => {
  const { verifier } = await start(t, 'HTTP/1.1')
  const ask = async (query: string) => {
    const raw = await sendRaw(
      verifier.port,
      `GET /verify?${query} HTTP/1.1\r\nHost: x\r\nX-Request-ID: same\r\nAuthorization: Bearer ` +
        `${TOKENS.bob}\r\nConnection: close\r\n\r\n`
    )
    return { ...raw, headers: raw?.headers.filter(([name]) => name.toLowerCase() !== 'date') }
  }
  t.strictSame(await ask('rolle=admin'), await ask('role=admin'))
})

t.test('a policy header in any case of its name, and its lines apart from each other', async (t) => {
  const { verifier } = await start(t, 'HTTP/1.1')
  const status = async (lines: string) =>
    (
      await sendRaw(
        verifier.port,
        `GET /verify HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${CAROL}\r\n${lines}Connection: close\r\n\r\n`
      )
    )?.status
  t.equal(await status('X-Forward-Auth-Policy: role=admin\r\nx-FORWARD-auth-POLICY: role=owner\r\n'), 403)
  t.equal(await status('X-Forward-Auth-Policy: role=owner\r\nx-forward-auth-policy:\r\n'), 403)
  t.equal(
    await status('X-Forward-Auth-Policy: \t role=admin \t \r\nx-forward-auth-policy:\r\n'),
    200,
    'blanks around it are HTTP’s'
  )
  t.equal(await status('X-Forward-Auth-Policy: role=admin\r\n amr=otp\r\n'), 400, 'a folded line is none')
})

/** Who, what they ask, and what comes of it with nothing else sent. */
const BASE: ReadonlyArray<readonly [who: Who | undefined, path: string, lines: readonly string[], status: number]> = [
  ['carol', '/verify?role=admin&max_age=100', ['verified=true'], 200],
  ['bob', '/verify', [], 200],
  ['bob', '/verify?role=admin', [], 403],
  ['bob', '/ext-authz/admin', ['role=admin'], 403],
  ['bob', '/verify?rolle=admin', [], 403],
  ['anonymous', '/verify?anonymous=false', [], 403],
  ['carol', '/verify?amr=otp', [], 401],
  ['stranger', '/verify', [], 401],
  [undefined, '/verify', [], 401],
  [undefined, '/ext-authz/', [], 401]
]

const anything = fc.constantFrom(
  '',
  '/',
  '/public',
  '/verify',
  '/livez',
  'GET',
  'OPTIONS',
  'HEAD',
  'true',
  'admin',
  'app.example.com',
  '127.0.0.1',
  'https',
  demo.alice.id,
  '*'
)

/** A random subset of everything that one or another forward-auth has believed. */
const IRRELEVANT = fc.record(
  {
    ...Object.fromEntries(
      [
        'x-forwarded-uri',
        'x-forwarded-method',
        'x-forwarded-host',
        'x-forwarded-proto',
        'x-forwarded-port',
        'x-forwarded-prefix',
        'x-forwarded-server',
        'x_forwarded_uri',
        'x-original-uri',
        'x-original-url',
        'x-original-method',
        'x-original-host',
        'x-rewrite-url',
        'x-http-method-override',
        'x-real-ip',
        'x-authgear-session-valid',
        'x-authgear-user-id',
        'x-authgear-user-anonymous',
        'x-authgear-user-verified',
        'x-authgear-user-roles',
        'x-authgear-session-amr',
        'x-authgear-session-authenticated-at',
        'x-authgear-user-can-reauthenticate',
        'x_authgear_user_roles',
        'x-forward-auth-reason',
        'x-forward-auth-source',
        'x-envoy-original-path',
        'x-envoy-auth-headers-to-remove',
        'x-auth-request-user',
        'x-forwarded-user',
        'remote-user',
        'origin',
        'access-control-request-method',
        'referer',
        'if-none-match',
        'x-api-key'
      ].map((name) => [name, anything])
    ),
    'x-forwarded-for': fc.constantFrom('127.0.0.1', '10.0.0.1, 203.0.113.9', 'unknown', ''),
    forwarded: fc.constantFrom('for=127.0.0.1;host=app.example.com;proto=https', 'for="[::1]"', 'x'),
    'user-agent': fc.constantFrom(
      'kube-probe/1.30',
      'GoogleHC/1.0',
      'ELB-HealthChecker/2.0',
      'Googlebot/2.1',
      'Prometheus/2.5',
      ''
    ),
    accept: fc.constantFrom('*/*', 'application/json')
  },
  { requiredKeys: [] }
)

/** One line a request: the true reason, the source, and what is wrong with the policy; a bad policy is a warning. */
function checkLog (
  t: Test,
  { lines }: InProcessOver,
  { status, reason, why }: Row,
  index: number,
  source: string
): void {
  const own = lines.filter(({ requestId }) => requestId !== undefined)
  t.equal(own.length, index + 1, 'a line a request')
  const line = own[index]
  t.match(line, { reason, status, source, level: reason === 'bad_policy' ? 'warn' : status === 200 ? 'debug' : 'info' })
  t.equal(line?.['policy'], why)
}

async function checkMetrics (
  t: Test,
  { service }: InProcessOver,
  { who, path = '', status, reason }: Row
): Promise<void> {
  const endpoint = path.startsWith('/ext-authz/') ? 'ext-authz' : 'verify'
  const counted = (await service.metrics.render())
    .split('\n')
    .filter((line) => line.startsWith('forward_auth_requests_total{') && !line.endsWith(' 0'))
  const line = (source: string, count: number): string =>
    `forward_auth_requests_total{endpoint="${endpoint}",status="${status}",reason="${reason}",source="${source}"} ` +
      `${count}`
  t.same(counted.toSorted(), who === undefined ? [line('none', 2)] : [line('authgear', 1), line('memory', 1)])
}
