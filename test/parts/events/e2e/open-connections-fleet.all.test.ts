import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { adminApi, auditEnvironment } from '../../../helpers/audit.ts'
import { APPS, type AppName } from '../../../helpers/event-stream.ts'
import { freePort } from '../../../helpers/free-port.ts'
import { STRICT } from '../../../helpers/login-answers.ts'
import { startProcess } from '../../../helpers/process.ts'
import { startRedis } from '../../../helpers/redis.ts'
import { ask, HOST } from '../../../helpers/request.ts'
import { skipOrFail } from '../../../helpers/servers.ts'
import { startSimulator } from '../../../helpers/simulator.ts'
import { until } from '../../../helpers/until.ts'
import { disabledEvent, WEBHOOK_SECRET, webhookOf } from '../../../helpers/webhook.ts'
import { NODE, startOpenApp } from '../../../e2e/apps/open-app.ts'
import { caddy } from '../../../e2e/proxies.ts'
import { startProxy } from '../../../e2e/start-proxy.ts'

const TOKEN = 'a management token of the tests'
const PEOPLE = 100
/** Milliseconds, the default. */
const AUDIT_POLL = 2000
const AUDIT = 'audit log'
const BROWSER = Object.entries({
  ...STRICT, 'sec-fetch-site': 'same-origin', 'x-forwarded-host': 'app.example.com', 'x-forwarded-proto': 'https'
})
const ROUNDS = 15
const NAMES = Object.keys(APPS) as AppName[]

type Held = { readonly user: string, closedAt: number | undefined }
type Person = Readonly<{ id: string, cookie: string }>

/** Three replicas on one Redis, and three apps behind a proxy each, of which each follows another replica. */
async function startFleet (t: Test) {
  const [simulator, redis] = [await startSimulator(t, { adminApi }), await startRedis(t)]
  const replicas = await Promise.all(NAMES.map(async () => {
    const events = await freePort()
    const service = await startProcess(t, {
      AUTHGEAR_ENDPOINT: simulator.url,
      AUTHGEAR_WEBHOOK_SECRET: WEBHOOK_SECRET,
      ...auditEnvironment(simulator.url, `${AUDIT_POLL}ms`),
      LOGIN_CLIENT_ID: 'fleet',
      LOGIN_PUBLIC_URL: 'https://app.example.com',
      LOGIN_SECRET: 'a login secret of the tests, longer than 32 bytes',
      REDIS_URL: redis.url,
      CACHE_SECRET: 'a secret of the tests, 32 bytes!',
      CACHE_TTL: '10m',
      MANAGEMENT_TOKEN: TOKEN,
      LISTEN_EVENTS: `127.0.0.1:${events}`,
      EVENTS_TOKENS: NAMES.map((name) => `${name}:${APPS[name]}`).join()
    })
    return { ...service, events }
  }))
  const ports = await Promise.all(NAMES.map(async (name, n) => {
    const { port: app } = await startOpenApp(t, NODE, { port: replicas[n]?.events ?? 0, token: APPS[name] })
    return await startProxy(t, caddy, {
      app, forwardAuth: replicas.map(({ port }) => port), options: ['--events', '--policy', `/=audience=${name}`]
    })
  }))
  const people = Array.from({ length: PEOPLE }, (_, n): Person => {
    const [id, session] = [`person-${n}`, `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`]
    const cookie = `${session}.${'s'.repeat(32)}`
    simulator.controls.addUser({ id, name: id, sessions: [{ cookie }] })
    return { id, cookie: `session=${cookie}` }
  })
  return { simulator, replicas, ports, people }
}

async function openOne (t: Test, port: number, { id, cookie }: Person): Promise<Held> {
  const held: Held = { user: id, closedAt: undefined }
  const socket = new WebSocket(`ws://127.0.0.1:${port}/live`, { headers: { host: HOST, cookie } })
  t.teardown(() => socket.terminate())
  socket.on('error', () => {}).on('close', () => { held.closedAt = performance.now() })
  await new Promise((resolve, reject) => { socket.once('message', resolve).once('close', reject) })
  return held
}

const ms = (times: readonly number[]): string => {
  const sorted = times.toSorted((a, b) => a - b)
  return `median ${Math.round(sorted[sorted.length >> 1] ?? NaN)} ms, longest ${Math.round(sorted.at(-1) ?? NaN)} ms`
}

t.test('300 sockets of 100 people on three apps', { skip: skipOrFail('caddy', 'redis-server') }, async (t) => {
  const { simulator, replicas, ports, people } = await startFleet(t)
  const held = (await Promise.all(ports.map(async (port) => {
    const own: Held[] = []
    for (const person of people) own.push(await openOne(t, port, person))
    return own
  }))).flat()
  const at = (n: number) => replicas[n % replicas.length] ?? replicas[0]
  const purge = async (n: number, body: object): Promise<unknown> =>
    await fetch(`${at(n)?.managementUrl}/revocations`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify(body)
    })
  const ways: ReadonlyArray<readonly [string, (person: Person, n: number) => Promise<unknown>]> = [
    ['webhook', async ({ id }, n) => {
      simulator.controls.disable(id)
      return await ask(at(n)?.port ?? 0, webhookOf(disabledEvent(id, `event-${n}`)))
    }],
    ['purge of a user', async ({ id }, n) => await purge(n, { user_id: id })],
    ['purge of a session', async ({ cookie }, n) => await purge(n, { cookie })],
    ['/_auth/logout', async ({ cookie }, n) =>
      await ask(at(n)?.port ?? 0, { path: '/_auth/logout', headers: [...BROWSER, ['Cookie', cookie]] })],
    [AUDIT, async ({ id }) => { simulator.controls.disable(id) }]
  ]
  const gone = new Set<string>()
  let next = 0
  for (const [way, end] of ways) {
    const times: number[] = []
    for (let n = 0; n < ROUNDS; n++) {
      const person = people[next++] as Person
      const own = held.filter(({ user }) => user === person.id)
      t.equal(own.length, NAMES.length)
      if (way === AUDIT) await sleep(n * AUDIT_POLL / ROUNDS) // at another time of the poll in each round
      const began = performance.now()
      await end(person, n)
      await until(`${way}: closed`, () => own.every(({ closedAt }) => closedAt !== undefined))
      times.push(...own.map(({ closedAt = NaN }) => closedAt - began))
      gone.add(person.id)
      t.ok(held.every(({ user, closedAt }) => gone.has(user) || closedAt === undefined), 'and nobody else’s')
    }
    t.comment(`${way} → the close of ${times.length} sockets: ${ms(times)}`)
  }
  t.equal(held.filter(({ closedAt }) => closedAt === undefined).length, (PEOPLE - next) * NAMES.length)
})
