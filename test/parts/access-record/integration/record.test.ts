import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { recordedIn, recordFile } from '../helpers.ts'
import { grpcClient, type GrpcClient, linesOf } from '../../../helpers/grpc.ts'
import { ANY_PORT, type InProcess, type InProcessOptions, LOGIN, startInProcess } from '../../../helpers/in-process.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { ask, type HeaderLine } from '../../../helpers/request.ts'
import { runs } from '../../../helpers/runs.ts'
import { demo, startSimulator } from '../../../helpers/simulator.ts'
import { machineClaims, personClaims, RESOURCE, signed, startIssuer } from '../../../helpers/token-issuer.ts'

/** Numbers that come again for a seed. */
function random (seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor(state / 2 ** 32 * below)
  }
}

async function start (t: Test, options: Partial<InProcessOptions> = {}) {
  const [simulator, issuer] = [await startSimulator(t), await startIssuer(t)]
  const clock = manualClock()
  const { file, ACCESS_RECORD } = recordFile(t)
  const more = async (machine = 'replica-1'): Promise<InProcess> => {
    const replica = await startInProcess(t, {
      AUTHGEAR_ENDPOINT: issuer.url,
      AUTHGEAR_RESOLVER_URL: `${simulator.url}/resolve`,
      RESOURCES: RESOURCE,
      IDENTIFY_LISTEN: ANY_PORT,
      LISTEN_GRPC: ANY_PORT,
      LOG_LEVEL: 'warn',
      ACCESS_RECORD,
      clock,
      machine,
      ...options
    })
    clock.advance(60_000) // its tokens are newer than what it knows
    return replica
  }
  /** Issued now. */
  const tokens = () => ({
    machine: signed(machineClaims(issuer.url, clock.wall())),
    agent: signed(personClaims(issuer.url, clock.wall(), demo.alice.id))
  })
  return { clock, file, more, tokens, lines: () => recordedIn(file) }
}

const session = (value: string): HeaderLine => ['Cookie', `session=${value}`]
const bearer = (value: string): HeaderLine => ['Authorization', `Bearer ${value}`]
const resource = `resource=${encodeURIComponent(RESOURCE)}`

/** Two people, one of them by two sessions; two strangers; a machine; an agent. */
const credentialsOf = ({ machine, agent }: Readonly<{ machine: string, agent: string }>) => [
  session(demo.alice.cookie),
  session(demo.bob.cookie),
  bearer(demo.alice.accessToken),
  session('c0000000-0000-4000-8000-000000000000.unknown'),
  undefined,
  bearer(machine),
  bearer(agent)
] as const

const WAYS = ['/verify', '/verify?role=admin', '/ext-authz/some/path', `/resource?${resource}`,
  `/resource-or-session?${resource}`, 'identify', 'grpc'] as const
const HOSTS = ['app.example.com', 'wiki.example.com']
const PATHS = ['/', '/admin?token=secret', '/a/b/c']

/** How one request ended, and who an observer beside the service says it was. */
interface Seen { status: number, endpoint: string, user: string, client: string }

async function request (
  replica: InProcess,
  grpc: GrpcClient,
  way: typeof WAYS[number],
  credential: HeaderLine | undefined,
  [host, uri]: readonly [string, string]
): Promise<Seen> {
  const own = credential === undefined ? [] : [credential]
  if (way === 'grpc') {
    const headers = Object.fromEntries(own.map(([name, value]) => [name.toLowerCase(), value]))
    const http = { method: 'GET', host, path: uri, headers }
    const { ok_response: ok, denied_response: denied } = await grpc.check({ request: { http } })
    const of = (name: string): string => linesOf(ok?.headers ?? [])[name] ?? ''
    const status = ok === undefined ? denied?.status.code ?? 0 : 200
    return { status, endpoint: 'verify', user: of('x-authgear-user-id'), client: '' }
  }
  const forwarded: HeaderLine[] = [
    ['X-Forwarded-Method', 'GET'], ['X-Forwarded-Host', host], ['X-Forwarded-Uri', uri]
  ]
  const [port, path] = way === 'identify' ? [replica.identifyPort, '/identify'] : [replica.port, way]
  const { status, headers } = await ask(port, { path, headers: [...own, ...forwarded] })
  const of = (name: string): string => String(headers[name] ?? '')
  const endpoint = /^\/?([a-z-]+)/.exec(way)?.[1] ?? ''
  return { status, endpoint, user: of('x-authgear-user-id'), client: of('x-authgear-client-id') }
}

t.test('unfolded, the record says what an observer saw, count for count', async (t) => {
  const world = await start(t)
  const seed = Number(process.env['FUZZ_SEED'] ?? 7)
  t.comment(`seed ${seed}`)
  const below = random(seed)
  const expected = new Map<string, number>()
  const count = (map: Map<string, number>, name: string, more = 1): void => {
    map.set(name, (map.get(name) ?? 0) + more)
  }
  let [first, second] = [await world.more('one'), await world.more('two')]
  const credentials = credentialsOf(world.tokens())
  let clients = [first, second].map(({ grpcPort }) => grpcClient(t, grpcPort))
  const total = runs(2000, 20_000)
  for (let n = 0; n < total; n++) {
    if (n === Math.floor(total / 2)) {
      await second.close()
      second = await world.more('three')
      clients = [first, second].map(({ grpcPort }) => grpcClient(t, grpcPort))
    }
    if (below(200) === 0) world.clock.advance(below(30_000))
    const at = below(2)
    const credential = credentials[below(credentials.length)]
    const [replica, grpc] = [[first, second][at], clients[at]]
    if (replica === undefined || grpc === undefined) throw new Error('no such choice')
    const where = [HOSTS[below(2)] ?? '', PATHS[below(3)] ?? ''] as const
    const seen = await request(replica, grpc, WAYS[below(WAYS.length)] ?? '/verify', credential, where)
    const verdict = seen.status === 200 ? 'allowed' : seen.status === 503 ? 'unavailable' : 'refused'
    const name = verdict === 'allowed' ? `${seen.user} ${seen.client}` : '?'
    count(expected, `${verdict} ${seen.endpoint} ${where[0]} ${name}`)
  }
  await first.close()
  await second.close()
  const written = new Map<string, number>()
  for (const { verdict, endpoint, host, user = '', client = '', count: times } of world.lines()) {
    const isSession = endpoint === 'verify' || endpoint === 'ext-authz' || endpoint === 'identify'
    const name = verdict === 'allowed' ? `${user} ${isSession ? '' : client}` : '?'
    count(written, `${verdict} ${endpoint} ${host} ${name}`, Number(times))
  }
  t.strictSame(new Map([...written].toSorted()), new Map([...expected].toSorted()))
  for (const replica of ['one', 'two', 'three']) {
    const numbers = world.lines().filter((line) => line['replica'] === replica).map(({ seq }) => seq)
    t.strictSame(numbers, numbers.map((_, index) => index + 1), `no gap in the record of ${replica}`)
  }
  t.ok(world.lines().length < total / 2, `${world.lines().length} lines of ${total} requests`)
})

t.test('what a line says, and what it never says', async (t) => {
  const world = await start(t, { ACCESS_RECORD_PATH: 'segments:1', ACCESS_RECORD_ADDRESS: 'on' })
  const replica = await world.more()
  const grpc = grpcClient(t, replica.grpcPort)
  const where = ['app.example.com', '/orders/7?token=secret'] as const
  const tokens = world.tokens()
  for (const credential of credentialsOf(tokens)) await request(replica, grpc, '/verify', credential, where)
  await request(replica, grpc, `/resource?${resource}`, bearer(tokens.agent), where)
  await replica.close()
  const lines = world.lines()
  t.match(lines[0], {
    record: 'access',
    seq: 1,
    replica: 'replica-1',
    verdict: 'allowed',
    reason: 'allowed',
    kind: 'person',
    user: demo.alice.id,
    endpoint: 'verify',
    host: 'app.example.com',
    method: 'GET',
    path: '/orders/…',
    address: '127.0.0.1',
    source: 'authgear',
    count: 1,
    session: /^[\w-]{22}$/
  })
  t.match(lines.find(({ kind }) => kind === 'agent'), {
    user: demo.alice.id,
    client: 'agent',
    scope: 'read:orders',
    policy: resource
  })
  const sessions = lines.filter(({ user }) => user === demo.alice.id).map(({ session }) => session)
  t.equal(new Set(sessions).size, sessions.length, 'another session, another handle')
  const text = readFileSync(world.file, 'utf8')
  for (const secret of ['secret', demo.alice.cookie, demo.alice.accessToken, tokens.machine, tokens.agent]) {
    t.notMatch(text, secret)
  }
})

t.test('a peer that nobody trusts names neither host nor path', async (t) => {
  const world = await start(t, { TRUSTED_PROXIES: '192.0.2.1' })
  const replica = await world.more()
  await request(replica, grpcClient(t, replica.grpcPort), '/verify', session(demo.alice.cookie), ['a.example', '/x'])
  await replica.close()
  t.strictSame(world.lines().map(({ host, path }) => [host, path]), [[undefined, undefined]])
})

t.test('strangers who invent hosts share a line in the end', async (t) => {
  const world = await start(t, { CACHE_MAX_MEMORY: '64m' })
  const replica = await world.more()
  const grpc = grpcClient(t, replica.grpcPort)
  const total = 5000
  for (let n = 0; n < total; n++) await request(replica, grpc, '/verify', undefined, [`${n}.example.com`, '/'])
  await replica.close()
  const lines = world.lines()
  t.ok(lines.length < total * 0.8, `${lines.length} lines`)
  t.equal(lines.reduce((sum, { count }) => sum + Number(count), 0), total)
})

t.test('a required record that cannot be written refuses every request', async (t) => {
  const world = await start(t, { ACCESS_RECORD: 'file:/dev/full', ACCESS_RECORD_REQUIRED: 'on' })
  const replica = await world.more()
  const grpc = grpcClient(t, replica.grpcPort)
  const where = ['app.example.com', '/'] as const
  const answers: number[] = []
  // the first may be let in before the disk has said no
  while (!replica.lines.some(({ msg }) => /cannot be written/.test(String(msg)))) {
    answers.push((await request(replica, grpc, '/verify', session(demo.alice.cookie), where)).status)
  }
  for (const way of WAYS.filter((one) => !one.startsWith('/resource?'))) {
    const { status } = await request(replica, grpc, way, session(demo.alice.cookie), where)
    t.equal(status, 503, way)
  }
  t.equal((await request(replica, grpc, '/verify', undefined, where)).status, 401, 'a refusal stays one')
  const { status, headers } = await ask(replica.port, {
    path: '/verify',
    headers: [['Cookie', `session=${demo.alice.cookie}`], ['Sec-Fetch-Mode', 'navigate'], ['Sec-Fetch-Dest', 'document']]
  })
  t.match({ status, type: headers['content-type'] }, { status: 503, type: 'text/html; charset=utf-8' }, 'and is a page')
  await replica.close()
  const { lines } = replica.lines.find(({ msg }) => msg === 'access record lines are being lost') ?? {}
  t.ok(Number(lines) > 0, 'and its end says how many lines nobody will read')
})

t.test('of a login neither codes nor addresses to go back to are written', async (t) => {
  const world = await start(t, LOGIN)
  const replica = await world.more()
  const back = encodeURIComponent('https://app.example.com/reset?token=app-secret')
  for (const query of [`login?rd=${back}`, 'callback?code=code-secret&state=state-secret', `logout?rd=${back}`]) {
    const uri: HeaderLine = ['X-Forwarded-Uri', `/_auth/${query}`]
    await ask(replica.port, { path: `/_auth/${query}`, headers: [uri, ['X-Forwarded-Host', 'app.example.com']] })
  }
  await replica.close()
  t.strictSame(world.lines().map(({ endpoint, path }) => `${endpoint} ${path}`), [
    'login /_auth/login', 'login /_auth/callback', 'login /_auth/logout'
  ])
  t.notMatch(readFileSync(world.file, 'utf8'), 'secret')
})
