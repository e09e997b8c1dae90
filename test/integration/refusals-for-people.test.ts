import t, { type Test } from 'tap'
import { checkInvariants } from '../helpers/invariants.ts'
import { sendRaw } from '../helpers/raw-http.ts'
import { demo, startSimulator, type RunningSimulator } from '../helpers/simulator.ts'
import { makeTls } from '../helpers/tls.ts'
import { type Environment, LOGIN } from '../helpers/in-process.ts'
import {
  WITH_GRPC, startInProcessOver, type Asked, type Protocol, type InProcessOver
} from '../helpers/in-process-over.ts'

const tls = makeTls(t)
const { bob } = demo

interface Row {
  readonly name: string
  readonly asked: Asked
  readonly before?: (simulator: RunningSimulator) => void
  readonly status: number
  readonly reason: string
  readonly title: RegExp
}

const bearer = (token: string, path = '/verify'): Asked => ({ path, headers: { authorization: `Bearer ${token}` } })

const ended = { status: 401, reason: 'invalid_session', title: /session has ended/ } as const
const forbidden = { status: 403, reason: 'forbidden', title: /No access with this account/ } as const
const down = { status: 503, reason: 'authgear_unavailable', title: /Temporarily unavailable/ } as const

const ROWS: readonly Row[] = [
  { name: 'nobody', asked: {}, status: 401, reason: 'no_credentials', title: /not signed in/ },
  { name: 'a session that ended', asked: { headers: { cookie: 'session=x' } }, ...ended },
  { name: 'an unknown token', asked: bearer('A'.repeat(32)), ...ended },
  {
    name: 'a cookie that cannot be one',
    asked: { headers: { cookie: `session=${'x'.repeat(1025)}` } },
    status: 401,
    reason: 'malformed_credentials',
    title: /could not be read/
  },
  { name: 'two tokens', asked: bearer('a,b'), status: 401, reason: 'ambiguous_credentials', title: /could not be read/ },
  {
    name: 'a step-up',
    asked: bearer(bob.accessToken, '/verify?amr=mfa'),
    status: 401,
    reason: 'step_up_required',
    title: /confirm that it is you/
  },
  { name: 'forbidden', asked: bearer(bob.accessToken, '/verify?role=admin'), ...forbidden },
  { name: 'a bad policy', asked: bearer(bob.accessToken, '/verify?rolle=admin'), ...forbidden },
  { name: 'Authgear down', asked: bearer(bob.accessToken), before: ({ controls }) => controls.fail('error'), ...down },
  {
    name: 'Authgear misconfigured',
    asked: bearer(bob.accessToken),
    before: ({ controls }) => controls.fail('not-found'),
    ...down
  }
]

type Audience = 'navigation' | 'program'

/** Who asks, by what they send; test/unit/core/audience.test.ts has the whole table. */
const CALLERS: ReadonlyArray<readonly [who: string, audience: Audience, headers: Readonly<Record<string, string>>]> = [
  [
    'a browser that goes to a page',
    'navigation',
    { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }
  ],
  ['an old browser', 'navigation', { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' }],
  ['a script’s fetch', 'program', { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty', accept: 'text/html' }],
  ['an old script', 'program', { 'x-requested-with': 'XMLHttpRequest', accept: 'text/html' }],
  ['a program', 'program', { accept: '*/*' }],
  ['who says nothing', 'program', {}]
]

type World = Readonly<{ simulator: RunningSimulator, verifier: InProcessOver }>

async function start (t: Test, protocol: Protocol): Promise<World> {
  const simulator = await startSimulator(t)
  return { simulator, verifier: await startInProcessOver(t, protocol, tls, { AUTHGEAR_ENDPOINT: simulator.url }) }
}

/** A row on which Authgear fails has its own: a circuit breaker would open. */
async function worldOf (t: Test, protocol: Protocol, { before }: Row, shared: World): Promise<World> {
  if (before === undefined) return shared
  const own = await start(t, protocol)
  before(own.simulator)
  return own
}

const merge = (asked: Asked, more: NonNullable<Asked['headers']>, method = 'GET'): Asked => ({
  ...asked, method, headers: { ...asked.headers, ...more }
})

for (const protocol of WITH_GRPC) {
  t.test(`to whom what is said, over ${protocol}`, async (t) => {
    const shared = await start(t, protocol)
    for (const row of ROWS) {
      const { simulator, verifier } = await worldOf(t, protocol, row, shared)
      for (const [who, audience, headers] of CALLERS) {
        await t.test(`${row.name}: ${who} gets ${audience === 'navigation' ? 'the page' : 'JSON'}`, async (t) => {
          const answered = await verifier.ask(merge(row.asked, headers))
          t.match(answered, { status: row.status, headers: { 'x-forward-auth-reason': row.reason } })
          checkInvariants(t, answered, { realm: simulator.url, audience })
          if (audience === 'navigation') {
            t.match(/<title>(.*)<\/title>/.exec(answered.body)?.[1], row.title)
            t.equal(/<a href="">/.test(answered.body), row.status !== 403, 'another try, where it may help')
          }
          t.equal(
            verifier.lines.at(-1)?.['requestId'], answered.headers['x-request-id'], 'the same reference in the log'
          )
          const head = await verifier.ask(merge(row.asked, headers, 'HEAD'))
          checkInvariants(t, head, { realm: simulator.url, audience, head: true })
          t.equal(head.status, row.status)
          t.equal(head.headers['content-type'], answered.headers['content-type'])
          t.equal(Number(head.headers['content-length']), Number(answered.headers['content-length']),
            'HEAD says the length of GET’s body')
          const post = await verifier.ask(merge(row.asked, { ...headers, 'content-length': '0' }, 'POST'))
          checkInvariants(t, post, { realm: simulator.url, audience })
          t.equal(post.status, row.status)
        })
      }
    }
  })

  t.test(`the reference, over ${protocol}`, async (t) => {
    const { simulator, verifier } = await start(t, protocol)
    const navigation = CALLERS[0]?.[2] ?? {}
    const reference = async (sent?: string | readonly string[]) => {
      const answered = await verifier.ask({
        headers: { ...navigation, ...(sent !== undefined && { 'x-request-id': sent }) }
      })
      checkInvariants(t, answered, { realm: simulator.url, audience: 'navigation' })
      const shown = /<code>([^<]*)<\/code>/.exec(answered.body)?.[1]
      t.equal(verifier.lines.at(-1)?.['requestId'], shown)
      return shown
    }
    for (const id of [
      'a',
      '0b5c3f0e-6f5e-4b53-9d0f-1c1d1f6d9f00',
      '1-67891233-abcdef012345678912345678',
      'x'.repeat(128),
      'A.b:c@d+e/f=g-_'
    ]) {
      t.equal(await reference(id), id, `the proxy’s ${id.slice(0, 40)}`)
    }
    const OWN = /^[0-9a-f]{12}-[0-9a-z]+$/
    for (const id of ['', 'x'.repeat(129), 'a b', '<b>', '"', "'", '&amp;', 'a,b', 'a;b', 'é', '%3Cscript%3E']) {
      t.match(await reference(id), OWN, `its own instead of ${id.slice(0, 40)}`)
    }
    t.not(await reference(), await reference(), 'each its own')
  })

  t.test(`nothing of the request is on a page, in JSON or in a header, over ${protocol}`, async (t) => {
    const shared = await start(t, protocol)
    for (const row of ROWS) {
      const { verifier } = await worldOf(t, protocol, row, shared)
      for (const [who, audience, headers] of CALLERS) {
        const { headers: own = {}, path = '/verify' } = row.asked
        const canaries = Object.fromEntries(
          [
            'x-forwarded-uri', 'x-forwarded-host', 'x-original-url', 'forwarded', 'referer', 'origin', 'user-agent',
            'x-forwarded-for', 'x-other'
          ].map((name) => [name, 'CANARY<b>'])
        )
        const cookie = [own['cookie'], 'other=CANARY'].filter(Boolean).join('; ')
        const answered = await verifier.ask({ path, headers: { ...canaries, ...headers, ...own, cookie } })
        const all = JSON.stringify([answered.body, Object.entries(answered.headers)])
        t.notMatch(all, /CANARY/, `${row.name}, ${who}: ${audience}`)
        for (const secret of [bob.accessToken, 'A'.repeat(32), 'rolle', 'x'.repeat(1025)]) t.notOk(all.includes(secret))
      }
    }
  })

  t.test(`one URL serves both, over ${protocol}: nothing may be kept`, async (t) => {
    const { verifier } = await start(t, protocol)
    for (let round = 0; round < 3; round++) {
      for (const [, audience, headers] of CALLERS) {
        const { headers: answer } = await verifier.ask({
          headers: {
            ...headers, 'if-none-match': '*', 'if-modified-since': 'Thu, 01 Jan 2099 00:00:00 GMT', range: 'bytes=0-1'
          }
        })
        t.match(answer, {
          'content-type': audience === 'navigation' ? 'text/html; charset=utf-8' : 'application/json; charset=utf-8',
          'cache-control': 'no-store'
        })
      }
    }
  })
}

t.test('a request that declares a body gets the same page, and its connection ends', async (t) => {
  const { verifier } = await start(t, 'HTTP/1.1')
  const ask = async (method: string) =>
    await sendRaw(
      verifier.port,
      `${method} /verify HTTP/1.1\r\nHost: x\r\nX-Request-ID: same\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: ` +
        'document\r\nContent-Length: 5\r\n\r\n'
    )
  const posted = await ask('POST')
  t.equal(posted?.status, 401)
  t.match(posted?.body, /<!DOCTYPE html>[^]*<code>same<\/code>[^]*<\/html>\n$/)
  const lower = Object.fromEntries(posted?.headers.map(([name, value]) => [name.toLowerCase(), value]) ?? [])
  t.match(lower, {
    connection: 'close', 'content-length': String(posted?.body.length), 'content-type': 'text/html; charset=utf-8'
  })
  const head = await ask('HEAD')
  t.equal(head?.headers.find(([name]) => name.toLowerCase() === 'content-length')?.[1], lower['content-length'])
})

const NAVIGATION = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
const FORBIDDEN = bearer(bob.accessToken, '/verify?role=admin')
const { LOGIN_CLIENT_ID, LOGIN_SECRET } = LOGIN
const OWN = { LOGIN_CLIENT_ID, LOGIN_SECRET, LOGIN_SESSION: 'own' } as const
type Links = ReadonlyArray<readonly [what: string, options: Environment, asked: Asked, link: string]>
const LINKS: Links = [
  ['401 with LOGIN_URL', { LOGIN_URL: '/login' }, {}, '<a href="/login">Sign in</a>'],
  ['403 with LOGIN_URL', { LOGIN_URL: '/login' }, FORBIDDEN, '<a href="/login">Use another account</a>'],
  ['401 with login=off', LOGIN, { path: '/verify?login=off' },
    '<a href="https://app.example.com/_auth/login">Sign in</a>'],
  ['403 with the login', LOGIN, FORBIDDEN,
    '<a href="https://app.example.com/_auth/logout?rd=https://app.example.com/">Use another account</a>'],
  ['403 with one host of its own sessions', { ...OWN, LOGIN_PUBLIC_URL: 'https://app.example.com' }, FORBIDDEN,
    '<a href="/_auth/logout?rd=https://app.example.com/">Use another account</a>'],
  ['403 with several', { ...OWN, LOGIN_PUBLIC_URL: 'https://app.example.com,https://b.example.com' }, FORBIDDEN,
    '<a href="/_auth/logout">Use another account</a>'],
  ['401 with neither', {}, {}, 'ask the people who run this site, or whoever gave you its address.']
]
for (const [what, options, asked, link] of LINKS) {
  t.test(`the page of ${what} says how to go on`, async (t) => {
    const simulator = await startSimulator(t)
    const verifier = await startInProcessOver(t, 'HTTP/1.1', tls, { AUTHGEAR_ENDPOINT: simulator.url, ...options })
    const answered = await verifier.ask(merge(asked, NAVIGATION))
    t.match(answered.body, link)
    const program = await verifier.ask(merge(asked, { accept: '*/*' }))
    t.notMatch(program.body, /login|Sign in/, 'and a program gets what it got')
    t.equal(program.status, answered.status)
  })
}
