import { connect } from 'node:net'
import t, { type Test } from 'tap'
import type { IdentitySet } from '../../src/base/core/presentation.ts'
import { type EchoApp, type Received, startEchoApp } from '../helpers/echo-app.ts'
import { ask, type HeaderLine } from '../helpers/request.ts'
import { statusOfRaw } from '../helpers/raw-http.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { overHttp2 } from './cases/hostile/attack.ts'
import { expectedOf, folded, MAP, NAMES, type Person, SPOOFED, wrongs } from './cases/sets/names.ts'
import { http1Of, http2Of, OVER_HTTP1, OVER_HTTP2, type Spelling } from './cases/sets/spellings.ts'
import { bothEdits, FAST } from './edits.ts'
import { H2C } from './h2c-edits.ts'
import { startBefore, startOneReplica } from './one-replica.ts'
import { ALICE, BOB } from './people.ts'
import { ALL, EVERY_WAY } from './proxies.ts'
import type { Edits, Proxy } from './proxy.ts'
import { RECIPES } from './recipes.ts'

const COOKIES: Readonly<Record<Person, readonly string[]>> = {
  alice: [`Cookie: ${ALICE.cookie}`], bob: [`Cookie: ${BOB.cookie}`], nobody: []
}
const OPTIONS = [
  '--identity', MAP, '--assertion', '--login', '--policy', '/remote=identity=remote',
  '--policy', '/forwarded=identity=forwarded&audience=app.one:8', '--policy', '/webauth=identity=webauth'
]

/** Who asks for what, and which names the app must then get. */
type Request = Readonly<{
  person: Person
  path: string
  set?: IdentitySet | 'own'
  method?: string
  more?: readonly string[]
}>

const PREFLIGHT = ['Origin: https://www.example.com', 'Access-Control-Request-Method: POST']
const REQUESTS: readonly Request[] = [
  ...(['alice', 'bob'] as const).flatMap((person): Request[] => [
    { person, path: '/page', set: 'own' },
    ...(['remote', 'forwarded', 'webauth'] as const).map((set) => ({ person, path: `/${set}/page`, set }))
  ]),
  { person: 'alice', path: '/~identity=webauth&audience=other/page', set: 'own' },
  { person: 'alice', path: '/public/page' },
  { person: 'nobody', path: '/public/page' },
  { person: 'nobody', path: '/page', set: 'own' },
  { person: 'nobody', path: '/_auth/login' },
  { person: 'nobody', path: '/page', method: 'OPTIONS', more: PREFLIGHT }
]
const isPublic = ({ path, method }: Request): boolean => path.startsWith('/public/') || method === 'OPTIONS'

/** Problems of one proxy, which may have thousands of one cause. */
const MOST_SHOWN = 100

const skip = skipOrFail(...ALL.map(({ server }) => server))

t.test('identity headers of every set', { skip }, async (t) => {
  const corpus = 'this corpus sees what reaches an app without a proxy'
  await t.test(corpus, async (t) => testCorpus(t, await startEchoApp(t)))
  const env = { IDENTITY_HEADERS: MAP, CACHE_TTL: '10m', CACHE_NEGATIVE_TTL: '10m' }
  const replica = await startOneReplica(t, env, { grpc: true })
  for (const proxy of EVERY_WAY) {
    await t.test(`behind ${proxy.snippet}`, async (t) => {
      const start = async (edits: Edits): Promise<World> => {
        const all = [RECIPES, FAST].map((one) => one[proxy.server] ?? {}).reduce(bothEdits)
        const lines = { edits: bothEdits(all, edits), options: OPTIONS }
        return { proxy, ...await startBefore(t, proxy, replica, lines) }
      }
      const h2c = H2C[proxy.server]
      const world = await start({})
      await testSpellings(t, world, OVER_HTTP1, async (spelling, { method = 'GET', path }, lines) =>
        await statusOfRaw(world.port, http1Of(spelling, method, path, lines)))
      const other = h2c === undefined ? world : await start(h2c)
      await testSpellings(t, other, OVER_HTTP2, async (spelling, { method = 'GET', path }, lines) =>
        await statusOverHttp2(other.port, http2Of(spelling, method, path, lines)))
    })
  }
})

t.test('one set, and nothing else', { skip }, async (t) => {
  const replica = await startOneReplica(t, { IDENTITY_HEADERS: 'remote' }, { grpc: true })
  for (const proxy of EVERY_WAY) {
    const { port, app } = await startBefore(t, proxy, replica, { options: ['--identity', 'remote'] })
    const lines: HeaderLine[] = [['Cookie', ALICE.cookie], ['Remote-User', SPOOFED], ['Remote-Email', SPOOFED]]
    t.equal((await ask(port, { headers: lines })).status, 200, proxy.snippet)
    const received = app.received.at(-1)
    t.strictSame(received && wrongs(linesOf(received), expectedOf('alice', 'remote')), [], proxy.snippet)
  }
})

/** As long as all values may be, beside an identity of a third of its bound. */
const MANY_ROLES = Array.from({ length: 100 }, (_, index) => `r${index}`.padEnd(39, '_'))

t.test('the longest answer', { skip }, async (t) => {
  const own = ['A', 'B', 'C', 'D'].map((letter) => `X-${letter}={roles}`).join(',')
  const env = { IDENTITY_HEADERS: own, ASSERTION: 'on', ASSERTION_ISSUER: 'https://a.example.com' }
  const replica = await startOneReplica(t, env, { grpc: true })
  replica.authgear.controls.setRoles('alice', MANY_ROLES)
  for (const proxy of EVERY_WAY) {
    const { port, app } = await startBefore(t, proxy, replica, { options: ['--identity', own, '--assertion'] })
    t.equal((await ask(port, { headers: [['Cookie', ALICE.cookie]] })).status, 200, proxy.snippet)
    for (const name of ['x-authgear-user-roles', 'x-a', 'x-d']) t.strictSame(app.lastHeader(name), [MANY_ROLES.join()])
    t.match(app.lastHeader('x-forward-auth-assertion')[0], /^ey/)
  }
})

async function testCorpus (t: Test, app: EchoApp): Promise<void> {
  const unseen: string[] = []
  for (const spelling of OVER_HTTP1.filter(({ isAnswered }) => isAnswered)) {
    const before = app.received.length
    await statusOfRaw(app.port, http1Of(spelling, 'POST', '/page', []))
    const seen = app.received.slice(before).flatMap((one) => [...wrongs(linesOf(one), new Map()), ...trailersOf(one)])
    if (seen.length < NAMES.length) unseen.push(spelling.name)
  }
  t.strictSame(unseen.filter((name) => !name.startsWith('named in')), ['empty'])
}

type World = Readonly<{ proxy: Proxy, app: EchoApp, port: number }>
type Send = (spelling: Spelling, request: Request, lines: readonly string[]) => Promise<number>

/** Each spelling in each request; an app that is reached gets what the route chose, and nothing of the client's. */
async function testSpellings (
  t: Test,
  { proxy, app }: World,
  spellings: readonly Spelling[],
  send: Send
): Promise<void> {
  const problems: string[] = []
  let reached = 0
  for (const spelling of spellings) {
    for (const request of REQUESTS) {
      app.received.length = 0
      const status = await send(spelling, request, [...COOKIES[request.person], ...request.more ?? []])
      reached += app.received.length
      const found = [
        ...app.received.flatMap((one) => problemsOf(one, request, proxy)),
        ...isRightStatus(status, spelling, request, proxy) ? [] : [`status ${status}`]
      ]
      problems.push(...found.map((one) => `${spelling.name}, ${request.person} at ${request.path}: ${one}`))
    }
  }
  for (const problem of [...new Set(problems)].slice(0, MOST_SHOWN)) t.fail(problem)
  t.equal(problems.length, 0, `none of ${spellings.length} spellings brings or hides an identity`)
  t.ok(reached > 3 * spellings.length, `the app got ${reached} of ${spellings.length * REQUESTS.length} requests`)
}

function problemsOf (received: Received, request: Request, { server }: Proxy): readonly string[] {
  const { person, path, set } = request
  return [
    ...wrongs(linesOf(received), expectedOf(person, set)),
    ...person === 'nobody' && !isPublic(request) ? ['nobody is signed in'] : [],
    ...received.url === path ? [] : [`the app is asked for ${received.url}`],
    ...server === 'haproxy' ? [] : trailersOf(received) // 2.6 cannot drop them: docs/proxies/haproxy.md
  ]
}

/** Who is signed in gets the page where the request is well-formed; in every other case nobody else does. */
function isRightStatus (status: number, { isAnswered, version }: Spelling, request: Request, proxy: Proxy): boolean {
  const { person, set } = request
  if (person === 'nobody' && !isPublic(request)) return status === 0 || (status >= 400 && status < 500)
  if (!isAnswered || set === undefined) return status < 500
  return status === 200 || (version === '1.0' && proxy.server === 'envoy' && status === 426)
}

const linesOf = ({ rawHeaders }: Received): ReadonlyArray<readonly [string, string]> =>
  rawHeaders.flatMap((name, i) => i % 2 === 0 ? [[name, rawHeaders[i + 1] ?? ''] as const] : [])

function trailersOf ({ trailers }: Received): readonly string[] {
  const names = NAMES.map(folded)
  return Object.keys(trailers).filter((name) => names.includes(folded(name))).map((name) => `the trailer ${name}`)
}

async function statusOverHttp2 (port: number, fields: ReturnType<typeof http2Of>): Promise<number> {
  const socket = connect({ port, host: '127.0.0.1' }).setNoDelay(true).on('error', () => {})
  try {
    return await overHttp2(socket, fields, 1)
  } finally {
    socket.destroy()
  }
}
