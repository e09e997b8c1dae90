import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { startInProcess, type InProcess, type InProcessOptions } from '../helpers/in-process.ts'
import { metricOf } from '../helpers/in-process-on-clock.ts'
import { manualClock } from '../helpers/manual-clock.ts'
import { untilClosed } from '../helpers/raw-http.ts'
import { startRedis, type RedisServer } from '../helpers/redis.ts'
import { ask, type Answer } from '../helpers/request.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'
import { until } from '../helpers/until.ts'
import { disabledEvent, sign, webhookOf, WEBHOOK_SECRET } from '../helpers/webhook.ts'

/** Longer than a test waits: Authgear refuses whom a revocation ends, and would hide one that never came. */
const LONG = { CACHE_TTL: '10m', CACHE_DEGRADED_TTL: '10m' }

interface Recorded {
  readonly body?: string
  readonly headers?: ReadonlyArray<readonly [string, string]>
  readonly secret_used?: { readonly key_base64url_as_in_secrets_yaml: string }
}

const recorded = (
  JSON.parse(readFileSync(new URL('../fixtures/webhooks.json', import.meta.url), 'utf8')) as Recorded[]
).filter(({ body, headers }) => body !== undefined && headers !== undefined)
const disabled = disabledEvent
const post = ({ port }: InProcess, ...event: Parameters<typeof webhookOf>): Promise<Answer> =>
  ask(port, webhookOf(...event))

const verify = ({ port }: InProcess, token: string): Promise<Answer> =>
  ask(port, { path: '/verify', headers: [['Authorization', `Bearer ${token}`]] })

async function start (t: Test, options: Partial<InProcessOptions> = {}) {
  const simulator = await startSimulator(t)
  return {
    simulator,
    adapter: await startInProcess(t, {
      AUTHGEAR_ENDPOINT: simulator.url, AUTHGEAR_WEBHOOK_SECRET: WEBHOOK_SECRET, ...options
    })
  }
}

t.test('a disabled user is refused at the next request, on every replica', async (t) => {
  const redis = await startRedis(t)
  const { simulator, adapter } = await start(t, { REDIS_URL: redis.url, ...LONG })
  const others = await Promise.all(
    [1, 2].map(() => startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url, REDIS_URL: redis.url, ...LONG }))
  )
  const replicas = [adapter, ...others]
  await until('all follow the log', () => replicas.every(({ service }) => service.redisState() === 'up'))
  for (const replica of replicas) t.equal((await verify(replica, demo.alice.accessToken)).status, 200)
  simulator.controls.disable('alice')
  const started = performance.now()
  t.equal((await post(adapter, disabled(demo.alice.id))).status, 204)
  t.equal((await verify(adapter, demo.alice.accessToken)).status, 401, 'here at once')
  await until('all refuse her', async () =>
    (await Promise.all(replicas.map((replica) => verify(replica, demo.alice.accessToken)))).every(
      ({ status }) => status === 401
    )
  )
  t.comment(`disabled → refused on three replicas: ${Math.round(performance.now() - started)} ms`)
})

t.test('rejects unsigned and badly signed webhooks', async (t) => {
  const { adapter } = await start(t, { AUTHGEAR_APP_ID: 'app' })
  const body = disabled(demo.alice.id)
  const ROWS: ReadonlyArray<readonly [string, number, string, Record<string, string>?]> = [
    ['a right signature', 204, body],
    ['no signature', 401, body, { 'x-authgear-body-signature': '' }],
    ['another secret', 401, body, { 'x-authgear-body-signature': sign(body, 'another') }],
    ['upper case', 401, body, { 'x-authgear-body-signature': sign(body).toUpperCase() }],
    ['one byte changed', 401, `${body} `, { 'x-authgear-body-signature': sign(body) }],
    ['another app', 403, body.replace('"app"', '"other"')],
    ['an unknown type', 204, body.replace('user.disabled', 'user.invented')],
    ['not an event', 400, '[]'],
    ['over 1 MiB', 413, `"${'x'.repeat(1024 * 1024)}"`]
  ]
  for (const [name, status, text, headers] of ROWS) {
    const answer = await post(adapter, text, headers)
    t.equal(answer.status, status, name)
    t.same(Object.keys(answer.headers).filter((header) => header.startsWith('x-authgear')), [])
  }
  const refused = { unsigned: 2, wrong_signature: 2, other_app: 1, unreadable: 1, not_read: 1 }
  for (const [reason, count] of Object.entries(refused)) {
    t.equal(await metricOf(adapter, `forward_auth_webhooks_refused_total{reason="${reason}"}`), count, reason)
  }
  t.match(adapter.lines.filter(({ msg }) => msg === 'webhook').map(({ what }) => what).join(), /AUTHGEAR_WEBHOOK_SECRET/)
  for (const method of ['GET', 'PUT', 'HEAD', 'DELETE', 'OPTIONS']) {
    t.equal((await post(adapter, method === 'PUT' ? body : '', {}, method)).status, 404, method)
  }
})

t.test('while the secret is rotated a webhook may be signed with either', async (t) => {
  const [OLD, NEW, NEITHER] = ['the old webhook secret', 'the new webhook secret', 'a third webhook secret']
  const redis = await startRedis(t)
  const ROWS: ReadonlyArray<readonly [string, string | undefined, Readonly<Record<string, number>>]> = [
    [OLD, undefined, { [OLD]: 204, [NEW]: 401, [NEITHER]: 401 }],
    [NEW, OLD, { [OLD]: 204, [NEW]: 204, [NEITHER]: 401 }],
    [OLD, NEW, { [OLD]: 204, [NEW]: 204, [NEITHER]: 401 }],
    [NEW, undefined, { [OLD]: 401, [NEW]: 204, [NEITHER]: 401 }]
  ]
  for (const [current, previous, statuses] of ROWS) {
    const options = { AUTHGEAR_WEBHOOK_SECRET: current, AUTHGEAR_WEBHOOK_SECRET_PREVIOUS: previous }
    const { adapter } = await start(t, { ...options, REDIS_URL: redis.url })
    await until('the log is followed', () => adapter.service.redisState() === 'up')
    for (const [secret, status] of Object.entries(statuses)) {
      const body = disabled(demo.alice.id, `${secret} ${JSON.stringify(options)}`)
      const answer = await post(adapter, body, { 'x-authgear-body-signature': sign(body, secret) })
      t.equal(answer.status, status, `${secret} by ${JSON.stringify(options)}`)
    }
    await adapter.close()
  }
})

t.test('of the large bodies of strangers two a second are hashed', async (t) => {
  const clock = manualClock()
  const { adapter } = await start(t, { clock })
  const large = (id: string): string => disabled(demo.alice.id, id).replace('{', `{"more":"${'x'.repeat(900_000)}",`)
  const send = async (from: string, body: string, secret?: string): Promise<number> => (await post(adapter, body, {
    'x-forwarded-for': from, ...secret === undefined ? {} : { 'x-authgear-body-signature': sign(body, secret) }
  })).status
  const statuses: number[] = []
  for (let i = 0; i < 6; i++) statuses.push(await send('203.0.113.7', large('wrong'), 'another'))
  t.strictSame(statuses, [401, 401, 503, 503, 503, 503])
  t.equal(await send('198.51.100.1', disabled(demo.alice.id, 'first')), 204, 'a usual one is always read')
  t.equal(await send('198.51.100.1', large('second')), 204, 'and so are large ones of who was genuine')
  t.equal(await send('203.0.113.7', disabled(demo.alice.id, 'x'), 'another'), 401)
  t.equal(await send('203.0.113.7', large('wrong'), 'another'), 503)
  clock.advance(1000)
  t.equal(await send('203.0.113.7', large('wrong'), 'another'), 401, 'a second later there is room again')
})

t.test('without the secret there is no webhook', async (t) => {
  const simulator = await startSimulator(t)
  const adapter = await startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url })
  t.equal((await post(adapter, disabled('x'))).status, 404)
})

t.test('accepts every recorded webhook with its signature, in both forms of the key', async (t) => {
  const encoded =
    recorded.find(({ secret_used: used }) => used !== undefined)?.secret_used?.key_base64url_as_in_secrets_yaml ?? ''
  for (const webhookSecret of [encoded, Buffer.from(encoded, 'base64url').toString()]) {
    const { adapter } = await start(t, { AUTHGEAR_WEBHOOK_SECRET: webhookSecret, AUTHGEAR_APP_ID: 'app' })
    for (const { body = '', headers = [] } of recorded) {
      const answer = await ask(adapter.port, {
        method: 'POST',
        path: '/webhook',
        headers: headers.filter(([name]) => !['host', 'content-length'].includes(name.toLowerCase())),
        body
      })
      t.equal(answer.status, 204)
    }
  }
})

type Act = (redis: RedisServer) => unknown

/** One that was stopped has lost the log, and all forget what they remember; one that was frozen has it. */
const TROUBLES: ReadonlyArray<readonly [what: string, begin: Act, end: Act]> = [
  ['stopped', (redis) => redis.stop(), (redis) => redis.restart()],
  ['frozen', (redis) => redis.pause(), (redis) => redis.resume()]
]

for (const [what, begin, end] of TROUBLES) {
  t.test(`while Redis is ${what} it is 503 and holds here; the others follow later`, async (t) => {
    const redis = await startRedis(t)
    const { simulator, adapter } = await start(t, { REDIS_URL: redis.url, ...LONG })
    const other = await startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url, REDIS_URL: redis.url, ...LONG })
    await until('both follow', () => [adapter, other].every(({ service }) => service.redisState() === 'up'))
    for (const replica of [adapter, other]) t.equal((await verify(replica, demo.bob.accessToken)).status, 200)
    await begin(redis)
    simulator.controls.disable('bob')
    t.equal((await post(adapter, disabled(demo.bob.id))).status, 503)
    t.equal((await verify(adapter, demo.bob.accessToken)).status, 401)
    await end(redis)
    await until('the other refuses too', async () => (await verify(other, demo.bob.accessToken)).status === 401)
  })
}

t.test('a body that never comes is given up, and its connection with it', async (t) => {
  const { adapter } = await start(t)
  const socket = connect(adapter.port, '127.0.0.1')
  let text = ''
  socket.on('data', (chunk: Buffer) => { text += chunk.toString('latin1') })
  socket.write(
    `POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: ${1024 * 1024 + 1}\r\nx-authgear-body-signature: ` +
      `${sign('x')}\r\n\r\n`
  )
  socket.write('x'.repeat(1024 * 1024 + 1))
  await untilClosed(socket)
  t.match(text, /^HTTP\/1\.1 413 /)
})
