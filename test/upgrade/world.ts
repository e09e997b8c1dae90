import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { startAuthgearRelay } from '../helpers/authgear-relay.ts'
import { APPS } from '../helpers/event-stream.ts'
import { freePort } from '../helpers/free-port.ts'
import { createPerson, last, type Person, type Site } from '../helpers/person.ts'
import { startProcess, type Service } from '../helpers/process.ts'
import { startRedis } from '../helpers/redis.ts'
import { ask, type Answer, type HeaderLine } from '../helpers/request.ts'
import { startSimulator } from '../helpers/simulator.ts'
import { RESOURCE } from '../helpers/token-issuer.ts'
import { WEBHOOK_SECRET } from '../helpers/webhook.ts'

export type Build = Readonly<{ name: 'old' | 'new', main: string | undefined }>
/** `place`: the last event that an app received there. */
export type Replica = { service: Service, build: Build, place: string | undefined, readonly eventsPort: number }
/** `madeBy`: the build that wrote the session's first record. */
export type User = Readonly<{ id: string, browser: Person, madeBy: string }>

export const APP = 'https://app.example.com'
const HOST = new URL(APP).host
const DOMAIN = 'example.com'
export const emailOf = (id: string): string => `${id}@${DOMAIN}`
const MANAGEMENT_TOKEN = 'a management token of the upgrade'
const MACHINE = { id: 'machine', secret: 'a-secret-of-the-machine', scopes: ['read:orders'] }
/** Refreshed at each step: a record is then written by each build in turn. */
export const LIFE_SECONDS = 3
const FORWARDED = [['X-Forwarded-Host', HOST], ['X-Forwarded-Proto', 'https']] as const
const NAVIGATION = [
  ['Sec-Fetch-Mode', 'navigate'], ['Sec-Fetch-Dest', 'document'],
  ['Sec-Fetch-Site', 'same-origin'], ['Accept', 'text/html']
] as const

/** Two replicas of one Redis with everything on that both releases know, and one Authgear. */
export async function startUpgradeWorld (t: Test, build: Build, { rotation = false } = {}) {
  const redis = await startRedis(t, { args: ['--appendonly', 'yes'] })
  const simulator = await startSimulator(t, {
    resources: [{ uri: RESOURCE, scopes: ['read:orders'] }],
    machines: [MACHINE],
    clients: [{
      id: 'web',
      redirectUris: [`${APP}/_auth/callback`],
      postLogoutRedirectUris: [`${APP}/_auth/logged-out`],
      accessTokenSeconds: LIFE_SECONDS,
      rotation
    }]
  })
  const relay = await startAuthgearRelay(t, () => simulator.port)
  const env = {
    AUTHGEAR_ENDPOINT: relay.url,
    AUTHGEAR_WEBHOOK_SECRET: WEBHOOK_SECRET,
    REDIS_URL: redis.url,
    CACHE_SECRET: 'c'.repeat(32),
    CACHE_TTL: '10m',
    MANAGEMENT_TOKEN,
    LOGIN_SESSION: 'own',
    LOGIN_CLIENT_ID: 'web',
    LOGIN_SECRET: 'l'.repeat(32),
    LOGIN_PUBLIC_URL: APP,
    IDENTITY_PROFILE: 'email,name',
    IDENTITY_HEADERS: 'remote',
    RESOURCES: `${RESOURCE}#read:orders`,
    ASSERTION: 'on',
    ASSERTION_ISSUER: APP,
    EVENTS_TOKENS: `chat:${APPS.default}`,
    TRUSTED_PROXIES: 'loopback'
  }
  const start = async (next: Build, eventsPort: number): Promise<Service> =>
    await startProcess(t, { ...env, LISTEN_EVENTS: `127.0.0.1:${eventsPort}` }, { main: next.main })
  const replicas: Replica[] = []
  for (let i = 0; i < 2; i++) {
    const eventsPort = await freePort()
    replicas.push({ service: await start(build, eventsPort), build, place: undefined, eventsPort })
  }
  const site = (replica: () => Replica): Site => ({ method, path, headers }) => ask(replica().service.port, {
    method,
    path: path.startsWith('/_auth/') ? path : '/verify',
    headers: [...Object.entries(headers), ...FORWARDED, ['X-Forwarded-Uri', path], ['X-Forwarded-Method', method]]
  })
  const authgear: Site = ({ method, path, headers, body }) =>
    ask(simulator.port, { method, path, host: new URL(relay.url).host, headers: Object.entries(headers), body })

  return {
    simulator,
    relay,
    replicas,
    /** As a rolling update does: SIGTERM, and another build in its place. */
    async replace (replica: Replica, next: Build): Promise<void> {
      await replica.service.stop()
      replica.service = await start(next, replica.eventsPort)
      replica.build = next
    },
    /** The login begins at one replica, and Authgear sends the browser back to the other one. */
    async signIn (begins: Replica, ends: Replica): Promise<User> {
      const id = randomUUID()
      const attributes = { email: emailOf(id), email_verified: true }
      simulator.controls.addUser({ id, name: id, roles: ['staff'], attributes })
      let at = begins
      const browser = createPerson({ [new URL(relay.url).host]: authgear, [HOST]: site(() => at) })
      const page = last(await browser.open(`${APP}/`))
      at = ends
      const { status, body } = last(await browser.send(page.url, { user: id }))
      if (status !== 200) throw new Error(`a login from ${begins.build.name} to ${ends.build.name}: ${status} ${body.slice(0, 80)}`)
      return { id, browser, madeBy: ends.build.name }
    },
    /** @param domain of the address that the rule asks for */
    verify: (user: User, { service }: Replica, domain = DOMAIN): Promise<Answer> => ask(service.port, {
      path: `/verify?audience=chat&email_domain=${domain}`, headers: [...FORWARDED, ['Cookie', user.browser.cookies(HOST)]]
    }),
    signOut: (user: User, { service }: Replica): Promise<Answer> => ask(service.port, {
      path: '/_auth/logout', headers: [...FORWARDED, ...NAVIGATION, ['Cookie', user.browser.cookies(HOST)]]
    }),
    bearer: (token: string, { service }: Replica, path = '/verify'): Promise<Answer> =>
      ask(service.port, { path, headers: [...FORWARDED, ['Authorization', `Bearer ${token}`]] }),
    /** The machine by its id and secret. */
    basic ({ service }: Replica, path: string, secret = MACHINE.secret): Promise<Answer> {
      const pair = Buffer.from(`${MACHINE.id}:${secret}`).toString('base64')
      return ask(service.port, { path, headers: [...FORWARDED, ['Authorization', `Basic ${pair}`]] })
    },
    manage ({ service }: Replica, method: string, path: string, body = ''): Promise<Answer> {
      const headers: HeaderLine[] = [['Authorization', `Bearer ${MANAGEMENT_TOKEN}`]]
      if (body !== '') headers.push(['Content-Type', 'application/json'])
      return ask(Number(new URL(service.managementUrl).port), { method, path, host: '127.0.0.1', headers, body })
    },
    /** A new access token for the API. */
    async machineToken (): Promise<string> {
      const form = new URLSearchParams({
        grant_type: 'client_credentials', client_id: MACHINE.id, client_secret: MACHINE.secret, resource: RESOURCE
      })
      const answer = await fetch(`${relay.url}/oauth2/token`, { method: 'POST', body: form })
      return (await answer.json() as { access_token: string }).access_token
    }
  }
}

export type UpgradeWorld = Awaited<ReturnType<typeof startUpgradeWorld>>
